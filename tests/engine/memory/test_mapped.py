"""Memory-mapped data: workers map the same file as the leader, or get a copy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left

from strads import Engine, Program, RoundRobin, data, kernel, run, variable
from strads.engine import platform
from strads.engine.errors import DataError, InsufficientMemory
from strads.engine.memory.allocators import Shared
from strads.engine.memory.layout import lay_out
from strads.engine.memory.pool import Pool
from strads.engine.memory.segments import attach_segment
from strads.engine.memory.store import Store, attach

linux = pytest.mark.skipif(not platform.LINUX, reason="elsewhere maps are copied")
IDS = 1000


class Copied(Program):
    """Copies b to x, so that the result shows what workers see of b."""

    A = data("ids", "cols", layout="csc")
    b = data("ids")
    x = variable("ids")
    schedule = RoundRobin("ids", lease=100)

    @kernel
    def push(block, b, x):
        for j in block:
            x[j] = b[j]


class Seen:
    """A program laid out for workers, and its arrays as a worker would map them."""

    def __init__(self, **given: Any) -> None:
        given = {"A": sp.csc_array((IDS, 1)), "b": np.zeros(IDS), **given}
        self.allocator = Shared(Pool())
        self.store = Store(self.allocator)
        lay_out(Copied(**given), self.store, 2, seed=0)
        self.segments = {
            number: attach_segment(s.handle, [os.dup(fd) for fd in s.descriptors()], s.nbytes)
            for number, s in self.allocator.segments.items()
        }
        self.arrays = attach(self.store.places(), self.segments)

    @property
    def files(self) -> int:
        return len(self.allocator.files)


def saved(path: Path, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=IDS)
    np.save(path, values)
    return values


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    other = path.with_suffix(".other.npy")
    saved(other, seed=1)
    os.replace(other, path)


def leave(path: Path) -> None:
    pass


def put_a_pipe_there(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_a_folder_there(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("since", [leave, delete, replace, put_a_pipe_there, put_a_folder_there])
def test_workers_see_the_file_that_was_mapped(
    tmp_path: Path, since: Callable[[Path], None]
) -> None:
    values = saved(tmp_path / "b.npy")
    b = np.load(tmp_path / "b.npy", mmap_mode="r")
    since(tmp_path / "b.npy")
    seen = Seen(b=b)
    np.testing.assert_array_equal(seen.arrays["b"], values)
    assert not seen.arrays["b"].flags.writeable
    assert seen.files == (1 if since is leave and platform.LINUX else 0)


@linux
def test_a_file_stays_the_same_whatever_happens_after_it_was_laid_out(tmp_path: Path) -> None:
    values = saved(tmp_path / "b.npy")
    seen = Seen(b=np.load(tmp_path / "b.npy", mmap_mode="r"))
    replace(tmp_path / "b.npy")
    again = {
        n: attach_segment(s.handle, [os.dup(s.descriptors()[0])], s.nbytes)
        for n, s in seen.allocator.segments.items()
    }
    np.testing.assert_array_equal(attach(seen.store.places(), again)["b"], values)


@linux
def test_parts_of_a_map_and_of_a_sparse_matrix_are_mapped(tmp_path: Path) -> None:
    A = sp.random_array((IDS, 30), density=0.1, format="csc", random_state=np.random.default_rng(0))
    for name in ("data", "indices", "indptr"):
        np.save(tmp_path / f"{name}.npy", getattr(A, name))
    values = saved(tmp_path / "b.npy")
    parts = [np.load(tmp_path / f"{n}.npy", mmap_mode="r") for n in ("data", "indices", "indptr")]
    whole = np.memmap(tmp_path / "b.npy", np.float64, "r", offset=128, shape=(IDS,))
    mapped = sp.csc_array(tuple(parts), shape=(IDS, 30), copy=False)
    seen = Seen(A=mapped, b=whole)
    assert seen.files == 4
    np.testing.assert_array_equal(seen.arrays["b"], values)
    for name, part in zip(("data", "indices", "indptr"), parts, strict=True):
        np.testing.assert_array_equal(getattr(seen.arrays["A"], name), part)
    middle = Seen(A=sp.csc_array((400, 1)), b=whole[300:700])
    assert middle.files == 1
    np.testing.assert_array_equal(middle.arrays["b"], values[300:700])


def test_what_can_be_written_is_copied_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = saved(tmp_path / "b.npy")
    for mode in ("r+", "c"):
        b = np.load(tmp_path / "b.npy", mmap_mode=mode)
        seen = Seen(b=b)
        assert not seen.files
        np.testing.assert_array_equal(seen.arrays["b"], values)
    # A copy of b, x, and x in the result: three thousand numbers. A mapped b: two thousand.
    monkeypatch.setattr("strads.engine.memory.needs.available_memory", lambda: 20 * IDS)
    with pytest.raises(InsufficientMemory, match="b 0 MiB"):
        Seen(b=b)
    if platform.LINUX:
        Seen(b=np.load(tmp_path / "b.npy", mmap_mode="r"))


def test_off_linux_maps_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = saved(tmp_path / "b.npy")
    b = np.load(tmp_path / "b.npy", mmap_mode="r")
    monkeypatch.setattr(platform, "LINUX", False)
    seen = Seen(b=b)
    assert not seen.files
    np.testing.assert_array_equal(seen.arrays["b"], values)


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, mode: str) -> None:
    saved(tmp_path / "b.npy")
    b = np.load(tmp_path / "b.npy", mmap_mode=mode)
    os.truncate(tmp_path / "b.npy", 4096)
    with pytest.raises(DataError, match=r"b is a memory map of .*b\.npy.*4096 of the 8128 bytes"):
        Seen(b=b)
    with pytest.raises(DataError, match=r"b is a memory map"):
        run(Copied(A=sp.csc_array((IDS, 1)), b=b), executor="serial", workers=1)


def test_files_are_closed_with_the_run(tmp_path: Path) -> None:
    saved(tmp_path / "b.npy")
    b = np.load(tmp_path / "b.npy", mmap_mode="r")

    def open_here() -> int:
        names = (os.path.realpath(f"/dev/fd/{n}") for n in os.listdir("/dev/fd"))
        return sum(name.endswith("b.npy") for name in names)

    before = open_here()
    seen = Seen(b=b)
    seen.arrays.clear()
    for segment in seen.segments.values():
        segment.close()
    numbers = set(seen.allocator.files)
    seen.allocator.release()
    assert open_here() == before
    # The file must not be among the segments that the next run may write to.
    assert numbers == set(seen.allocator.pool.dropped)
    assert not numbers & set(seen.allocator.pool.segments)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(2, "processes") as made:
        yield made


@pytest.mark.processes
@pytest.mark.parametrize("since", [leave, delete, replace])
def test_worker_processes_compute_with_what_was_mapped(
    engine: Engine, tmp_path: Path, since: Callable[[Path], None]
) -> None:
    values = saved(tmp_path / "b.npy")
    b = np.load(tmp_path / "b.npy", mmap_mode="r")
    since(tmp_path / "b.npy")
    result = engine.run(Copied(A=sp.csc_array((IDS, 1)), b=b), epochs=1)
    np.testing.assert_array_equal(result.state["x"], values)
