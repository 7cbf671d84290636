"""Which worker binds itself to which core, and when none may."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from strads.engine import platform
from strads.engine.processes import cores

linux = pytest.mark.skipif(not platform.LINUX, reason="cores are claimed on Linux only")

CLAIM = """
import os, sys
from strads.engine.processes import cores as module
from strads.engine.processes.cores import claim_core
module._NAME = f"strads-test-{os.getpid()}-"  # other programs may claim cores meanwhile
held, cores = [], sorted(os.sched_getaffinity(0))
for _ in range(len(cores) + 1):
    os.sched_setaffinity(0, cores)
    claim = claim_core(int(sys.argv[1]))
    print(-1 if claim is None else min(os.sched_getaffinity(0)), len(os.sched_getaffinity(0)))
    held.append(claim)
if held[0]:
    held[0].close()
    os.sched_setaffinity(0, cores)
    print(claim_core(0) is not None)
"""


def claims(first: int, *command: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [*command, sys.executable, "-c", CLAIM, str(first)], capture_output=True, text=True,
        check=True, env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout.splitlines()


@linux
def test_every_core_is_claimed_once_and_given_back() -> None:
    usable = sorted(os.sched_getaffinity(0))
    *claimed, again = claims(1, STRADS_PIN="1")
    assert [line.split()[1] for line in claimed[:-1]] == ["1"] * len(usable)
    assert sorted(int(line.split()[0]) for line in claimed[:-1]) == usable
    assert claimed[-1] == f"-1 {len(usable)}"
    assert again == "True"


def test_cores_are_left_alone_where_asked() -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("no affinity here")
    count = len(os.sched_getaffinity(0))
    assert claims(0, STRADS_PIN="0") == [f"-1 {count}"] * (count + 1)


SEND = """
import os, socket
from strads.engine.processes import cores as module
module._NAME = f"strads-test-{os.getpid()}-"
usable = sorted(os.sched_getaffinity(0))
claim = module.claim_core(0)
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
try:
    sender.sendto(b"x", f"\\0{module._NAME}{usable[0]}")
except BrokenPipeError:
    print("refused")
"""


@linux
def test_nobody_can_send_anything_to_a_claim() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEND], capture_output=True, text=True, check=True,
        env={**os.environ, "STRADS_PIN": "1"},
    )  # fmt: skip
    assert done.stdout == "refused\n"


@linux
def test_a_network_of_its_own_does_not_see_the_claims_of_others() -> None:
    usable = len(os.sched_getaffinity(0))
    if usable < (os.cpu_count() or 1):
        pytest.skip("somebody has chosen the cores of this process")
    try:
        assert claims(0, "unshare", "--net") == [f"-1 {usable}"] * (usable + 1)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("may not make a network namespace")


# -- other machines ------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Fake a machine: threads of its cores, the quota of this process, its network."""
    monkeypatch.setattr(platform, "LINUX", True)
    monkeypatch.setattr(platform, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(platform, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(platform, "_CPUS", tmp_path / "cpu")
    monkeypatch.delenv("STRADS_PIN", raising=False)

    def make(
        online: str = "0-7", usable: int = 8, quota: str = "max 100000", own_network: bool = False,
        siblings: Callable[[int], str] | None = None,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(usable)), raising=False)
        files = {"cpu/online": online, "proc/self/cgroup": "0::/", "cgroup/cpu.max": quota}
        if not own_network:
            files["proc/sys/net/core/netdev_max_backlog"] = "1000"
        for core in range(8):
            if siblings is not None:
                files[f"cpu/cpu{core}/topology/thread_siblings_list"] = siblings(core)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{text}\n")

    return make


EIGHT = list(range(8))


def test_a_process_of_the_whole_machine_binds(machine: Callable[..., None]) -> None:
    machine()
    assert cores.may_bind(EIGHT)


def test_a_container_with_its_own_network_does_not(
    machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(own_network=True)
    assert not cores.may_bind(EIGHT)
    monkeypatch.setenv("STRADS_PIN", "1")
    assert cores.may_bind(EIGHT)


def test_a_container_that_was_given_its_cores_does(machine: Callable[..., None]) -> None:
    machine(own_network=True, usable=4)
    assert cores.may_bind(EIGHT[:4])
    machine(own_network=True, usable=4, online="0-1,3,5")
    assert not cores.may_bind(EIGHT[:4])


def test_a_quota_is_no_core(machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    machine(quota="400000 100000")
    assert not cores.may_bind(EIGHT)
    machine(quota="400000 100000", usable=4)
    assert cores.may_bind(EIGHT[:4])
    monkeypatch.setenv("STRADS_PIN", "0")
    assert not cores.may_bind(EIGHT[:4])


@pytest.mark.parametrize(
    ("siblings", "expected"),
    [
        (lambda core: f"{core % 4},{core % 4 + 4}", [0, 1, 2, 3, 4, 5, 6, 7]),
        (lambda core: f"{core - core % 2}-{core - core % 2 + 1}", [0, 2, 4, 6, 1, 3, 5, 7]),
        (lambda core: "0-3" if core < 4 else str(core), [0, 4, 5, 6, 7, 1, 2, 3]),
        (None, EIGHT),
    ],
)
def test_physical_cores_come_before_their_second_threads(
    machine: Callable[..., None], siblings: Callable[[int], str] | None, expected: list[int]
) -> None:
    machine(siblings=siblings)
    assert cores.spread(EIGHT) == expected
    # A core whose first thread we may not use begins with another of its threads.
    if expected == EIGHT and siblings is not None:
        assert cores.spread([2, 4, 5, 6]) == [2, 4, 5, 6]
