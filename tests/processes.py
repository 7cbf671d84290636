"""What a test may look at from outside: living descendants, segments, states of processes."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at processes through /proc"
)
PATIENCE_S = 100.0  # of no importance to who succeeds; a crowded machine is slow


def wait_until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Poll a condition of the system; nothing tells us of it, as those are not our children."""
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience_s} s: {what}")
        time.sleep(0.005)


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()  # the name before may hold anything


def living(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def descendants(pid: int | None = None) -> set[int]:
    """Living processes that descend from a process, by default this one."""
    root = os.getpid() if pid is None else pid
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(int(entry))) is not None and stat[0] not in "ZX":
            children.setdefault(int(stat[1]), []).append(int(entry))
    found: set[int] = set()
    rest = [root]
    while rest:
        for child in children.get(rest.pop(), []):
            if child not in found:
                found.add(child)
                rest.append(child)
    return found


def command(pid: int) -> str:
    """Command line of a process; empty if it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def named_segments() -> set[str]:
    """Names in /dev/shm."""
    try:
        return set(os.listdir("/dev/shm"))
    except FileNotFoundError:
        return set()


def own_segments() -> set[int]:
    """Segments without a name that this process holds open, by inode."""
    gc.collect()  # what only a cycle holds is not left, merely not yet taken
    found = set()
    for entry in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            if "memfd:strads" in os.readlink(f"/proc/self/fd/{entry}"):
                found.add(os.stat(f"/proc/self/fd/{entry}").st_ino)
    return found


def assert_nothing_left(
    processes: set[int], names: set[str], segments: set[int] | None = None
) -> None:
    """Demand that no process and no segment is left but those that were there before."""

    def left() -> set[int]:
        return {pid for pid in descendants() - processes if "strads.engine" in command(pid)}

    wait_until(lambda: not left(), "all processes of the engine have ended")
    new = {name for name in named_segments() - names if "strads" in name}
    assert not new, f"left in /dev/shm: {new}"
    open_still = set() if segments is None else own_segments() - segments
    assert not open_still, f"segments left open: {open_still}"


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """Demand of the body that it leaves no process and no segment behind.

    It may close what earlier tests have left to the shared engine.
    """
    before, names, segments = descendants(), named_segments(), own_segments()
    yield
    assert_nothing_left(before, names, segments)


def assert_all_ended(pids: set[int]) -> None:
    """Demand that processes, whose leader has gone, end soon."""
    wait_until(lambda: not any(living(pid) for pid in pids), f"processes {sorted(pids)} end")
