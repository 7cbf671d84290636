"""Shared memory without a name, and what the machine has left."""

import errno
import mmap
import os
import resource
import weakref
from pathlib import Path

import numpy as np
import pytest
from children import run_script
from hypothesis import given
from hypothesis import strategies as st
from processes import named_segments

from strads.engine import platform
from strads.engine.errors import InsufficientMemory
from strads.engine.memory import needs
from strads.engine.memory.pool import Pool
from strads.engine.memory.segments import Segment, attach_segment, create_segment
from strads.engine.platform import (
    available_cores,
    available_memory,
    process_descriptor,
    proportional_set_size,
)

linux = pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="reads /proc")


@pytest.fixture(params=["linux", "portable"])
def variant(request, monkeypatch):
    if request.param == "linux" and not platform.LINUX:
        pytest.skip("Linux only")
    monkeypatch.setattr(platform, "LINUX", request.param == "linux")
    return request.param


def attach(segment):
    return attach_segment(segment.handle, [os.dup(segment.descriptors()[0])], segment.nbytes)


def open_descriptors():
    return set(os.listdir("/dev/fd"))


def test_a_segment_is_shared_zeroed_and_nameless(variant):
    names = named_segments()
    segment = create_segment(8 * 1000)
    assert named_segments() == names
    other = attach(segment)
    ours, theirs = (np.frombuffer(s.buffer, np.float64) for s in (segment, other))
    assert ours.size == 1000 and not ours.any() and ours.flags.writeable
    theirs[:] = np.arange(1000)
    np.testing.assert_array_equal(ours, np.arange(1000))
    del ours, theirs
    for each in (segment, other):
        each.close()


@given(nbytes=st.integers(0, 3 * mmap.PAGESIZE))
def test_any_size_will_do(nbytes):
    segment = create_segment(nbytes)
    assert segment.nbytes == len(segment.buffer) == max(nbytes, 1)
    segment.close()


def test_closing_gives_all_descriptors_back(variant):
    before = open_descriptors()
    segment = create_segment(100)
    other = attach(segment)
    for each in (segment, other, segment):
        each.close()
    assert open_descriptors() == before
    for use in (lambda: segment.buffer, segment.descriptors):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_views_outlive_a_closed_segment(variant):
    segment = create_segment(80)
    memory = weakref.ref(segment.buffer)
    view = np.frombuffer(segment.buffer, np.int64)
    segment.close()
    view[:] = 7
    assert view.sum() == 70 and memory() is not None
    del view
    assert memory() is None


def test_a_wrong_handle_is_refused():
    with pytest.raises(ValueError, match="2 descriptors"):
        attach_segment(Segment.handle, [0, 1], 10)
    with pytest.raises(ValueError, match="'name'"):
        attach_segment(("name", "x"), [], 10)


def test_a_segment_that_cannot_be_made_keeps_no_descriptor(variant):
    before = open_descriptors()
    with pytest.raises((OSError, OverflowError, MemoryError)):
        create_segment(1 << 62)
    assert open_descriptors() == before


@pytest.fixture
def small_shm(monkeypatch):
    """Use the fallback as on a machine whose /dev/shm has 1 MiB left."""
    if not hasattr(os, "posix_fallocate"):
        pytest.skip("shared memory is no file system here")
    sizes = []

    def allocate(fd, offset, length):
        sizes.append(length)
        if length > 1 << 20:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(platform, "LINUX", False)
    monkeypatch.setattr(os, "posix_fallocate", allocate)
    return sizes


def test_the_fallback_takes_its_room_at_once(small_shm):
    before = open_descriptors()
    create_segment(1000).close()
    assert small_shm == [1000]
    with pytest.raises(InsufficientMemory, match=r"2 MiB are needed.*/dev/shm.*--shm-size"):
        create_segment(2 << 20)
    create_segment(2 << 20, reserved=True).close()
    assert small_shm == [1000, 2 << 20]
    assert open_descriptors() == before


def test_a_segment_that_was_reserved_takes_its_room_when_it_is_used_again(small_shm):
    pool = Pool()
    number, segment = pool.take(4096, reserved=True)
    pool.give([number])
    assert small_shm == [] and pool.take(4000) == (number, segment) and small_shm == [4000]
    pool.close()


def test_reserved_room_in_a_small_shm_is_asked_for_when_it_is_grown_into(monkeypatch, small_shm):
    free = os.statvfs("/dev/shm")
    monkeypatch.setattr(os, "statvfs", lambda path: free)
    left = free.f_bavail * free.f_frsize
    monkeypatch.setattr(needs, "available_memory", lambda: 1 << 62)
    needs.check_memory({"G": left - 1}, reserved=True)
    needs.check_memory({"G": left + 1})
    with pytest.raises(InsufficientMemory, match="in /dev/shm"):
        needs.check_memory({"G": left + 1}, reserved=True)


def test_the_environment_chooses_the_fallback():
    text = "from strads.engine import platform; assert platform.LINUX is (%s)"
    for value, expected in (("1", "False"), ("0", "__import__('sys').platform == 'linux'")):
        with run_script(text % expected, STRADS_PORTABLE=value) as script:
            script.communicate()
        assert script.returncode == 0


# -- the machine and its cgroup -------------------------------------------------------------------


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Make /proc and cgroup files of a machine of 1 GiB, which has no limits yet."""
    monkeypatch.setattr(platform, "LINUX", True)
    monkeypatch.setattr(platform, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(platform, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(platform, "_CPUS", tmp_path / "cpu")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    write(tmp_path / "proc", meminfo="MemTotal: 2097152 kB\nMemAvailable: 1048576 kB")
    return tmp_path


def member(machine, *lines):
    write(machine / "proc" / "self", cgroup="\n".join(lines))


MIB = 1 << 20


def test_without_limits_the_machine_counts(machine):
    assert (available_memory(), available_cores()) == (1024 * MIB, 8)
    member(machine, "0::/user.slice")
    write(machine / "cgroup/user.slice", memory__max="max", cpu__max="max 100000")
    assert (available_memory(), available_cores()) == (1024 * MIB, 8)


def test_version_2_and_its_ancestors(machine):
    member(machine, "0::/outer/inner")
    write(
        machine / "cgroup/outer", memory__max=300 * MIB, memory__current=200 * MIB,
        memory__stat=f"anon 5\nactive_file {7 * MIB}\ninactive_file {50 * MIB}",
        cpu__max="350000 100000",
    )  # fmt: skip
    write(machine / "cgroup/outer/inner", memory__max="max", memory__current=1, cpu__max="max 9")
    assert (available_memory(), available_cores()) == (150 * MIB, 3)
    write(machine / "cgroup/outer/inner", memory__max=100 * MIB, memory__current=90 * MIB)
    assert available_memory() == 10 * MIB


def test_version_1(machine):
    member(machine, "4:memory:/docker/a", "2:cpu,cpuacct:/docker/a", "0::/")
    limits = machine / "cgroup/memory/docker/a"
    write(
        limits, memory__limit_in_bytes=500 * MIB, memory__usage_in_bytes=400 * MIB,
        memory__stat=f"inactive_file 1\ntotal_inactive_file {100 * MIB}",
    )  # fmt: skip
    write(machine / "cgroup/memory", memory__limit_in_bytes=1 << 62, memory__usage_in_bytes=1)
    cpu = machine / "cgroup/cpu/docker/a"
    write(cpu, **{"cpu__cfs_quota_us": -1, "cpu__cfs_period_us": 100000})
    assert (available_memory(), available_cores()) == (200 * MIB, 8)
    write(cpu, **{"cpu__cfs_quota_us": 50000})
    assert available_cores() == 1


def test_a_container_sees_its_own_cgroup_at_the_root(machine):
    member(machine, "0::/system.slice/docker-abc.scope")
    write(
        machine / "cgroup", memory__max=64 * MIB, memory__current=65 * MIB, cpu__max="200000 100000"
    )
    assert (available_memory(), available_cores()) == (0, 2)


def test_memory_high_is_a_limit_as_well(machine):
    member(machine, "0::/a")
    write(
        machine / "cgroup/a", memory__max=300 * MIB, memory__high=200 * MIB,
        memory__current=50 * MIB, memory__stat="anon 5",
    )  # fmt: skip
    assert available_memory() == 150 * MIB
    write(machine / "cgroup/a", memory__max="max", memory__high="max")
    assert available_memory() == 1024 * MIB


@pytest.mark.parametrize(
    ("siblings", "usable", "cores"),
    [
        (lambda cpu: f"{cpu % 4},{cpu % 4 + 4}", range(8), 4),
        (lambda cpu: f"{cpu - cpu % 2}-{cpu - cpu % 2 + 1}", [0, 1, 2, 5], 3),
        (lambda cpu: str(cpu), range(8), 8),
        (lambda cpu: "nonsense", range(8), 8),
        (None, range(8), 8),
    ],
)
def test_two_threads_of_a_core_count_once(machine, monkeypatch, siblings, usable, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(usable), raising=False)
    for cpu in range(8) if siblings else ():
        write(machine / f"cpu/cpu{cpu}/topology", thread_siblings_list=siblings(cpu))
    assert available_cores() == cores
    member(machine, "0::/a")
    write(machine / "cgroup/a", cpu__max="200000 100000")
    assert available_cores() == 2


def test_limits_of_the_process_are_limits_of_memory(machine, monkeypatch):
    write(machine / "proc" / "self", statm="1000 500 100 1 0 200 0")
    page = os.sysconf("SC_PAGE_SIZE")
    limits = {resource.RLIMIT_AS: 90 * MIB, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], limits[kind]))
    assert available_memory() == 90 * MIB - 1000 * page
    limits[resource.RLIMIT_DATA] = 20 * MIB
    assert available_memory() == 20 * MIB - 200 * page
    limits[resource.RLIMIT_DATA] = 100 * page
    assert available_memory() == 0


def test_this_machine():
    assert 1 <= available_cores() <= os.cpu_count()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < available_memory() <= total


def test_the_fallback_reads_nothing_of_linux(machine, monkeypatch):
    monkeypatch.setattr(platform, "LINUX", False)
    assert available_memory() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert available_cores() == 8
    assert proportional_set_size(os.getpid()) is None
    assert process_descriptor(os.getpid()) is None


@linux
def test_proportional_set_size_counts_touched_pages():
    before = proportional_set_size(os.getpid())
    segment = create_segment(32 * MIB)
    np.frombuffer(segment.buffer, np.uint8)[:] = 1
    assert proportional_set_size(os.getpid()) - before > 24 * MIB
    segment.close()
    assert proportional_set_size(2**22 + 1) is None
