"""What the machine and its operating system allow: cores, memory, the end of other processes.

Cores and memory are counted within the limits of the process's cgroups. Every feature that only
Linux has comes with a fallback, which is used on other systems, or with ``STRADS_PORTABLE=1``.
"""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import sys
from pathlib import Path

LINUX = sys.platform == "linux" and os.environ.get("STRADS_PORTABLE") != "1"

_PR_SET_PDEATHSIG = 1
_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that forked it ends.

    Parameters
    ----------
    parent : int
        The parent's process id, taken before the fork: the parent may have ended since.
    """
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def process_descriptor(pid: int) -> int | None:
    """Return a descriptor that becomes readable when a process ends; None if not supported."""
    if not LINUX or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or a sandbox
        return None


def available_cores() -> int:
    """Number of cores that this process may use, by its affinity and its cgroups' quotas."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    if LINUX:
        for folder in _cgroup_folders("cpu"):
            cores = min(cores, _quota(folder) or cores)
    return max(1, cores)


def _quota(folder: Path) -> int | None:
    """Number of whole cores that a cgroup may use, at least one; None without a limit."""
    words = _read(folder / "cpu.max").split()  # version 2
    if not words:
        words = [_read(folder / f"cpu.cfs_{word}_us").strip() for word in ("quota", "period")]
    if len(words) != 2 or not (words[0].isdigit() and words[1].isdigit()):
        return None  # "max", or -1
    return max(1, int(words[0]) // max(1, int(words[1])))


def available_memory() -> int:
    """Bytes of memory that the machine and this process's cgroups have left."""
    left = _field(_PROC / "meminfo", "MemAvailable:") * 1024 if LINUX else 0
    if not left:
        left = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if LINUX:
        for folder in _cgroup_folders("memory"):
            left = min(left, _unused(folder, left))
    return max(0, left)


def _unused(folder: Path, otherwise: int) -> int:
    """Bytes that a cgroup has left; file cache that can be dropped counts as free."""
    names = ("memory.max", "memory.current", "inactive_file")
    limit = _read(folder / names[0]).strip()
    if not limit:  # version 1
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        limit = _read(folder / names[0]).strip()
    if not limit.isdigit():  # "max": nothing else need be read
        return otherwise
    used = _read(folder / names[1]).strip()
    if not used.isdigit():
        return otherwise
    return int(limit) - int(used) + _field(folder / "memory.stat", names[2])


def _cgroup_folders(controller: str) -> tuple[Path, ...]:
    """Folders of this process's cgroup and of all cgroups around it; each may set a limit.

    In a container the path that the system lists may not exist below the mount. The root of the
    mount, which is always among the folders, is then the container's own cgroup.
    """
    return _folders(_read(_PROC / "self" / "cgroup"), controller, _CGROUP)


@functools.lru_cache(16)
def _folders(groups: str, controller: str, mount: Path) -> tuple[Path, ...]:
    found: list[Path] = []
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root = mount
        elif controller in controllers.split(","):
            root = mount / controller
        else:
            continue
        folder = root / path.strip("/")
        found += (f for f in (folder, *folder.parents) if f == root or root in f.parents)
    return tuple(found)


def process_state(pid: int) -> tuple[str, int]:
    """Return the letter of a process's state, and the core time that it has used, in ticks.

    The letter is empty if nothing is known.
    """
    words = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split() if LINUX else []
    return (words[0], int(words[11]) + int(words[12])) if len(words) > 12 else ("", 0)


def proportional_set_size(pid: int) -> int | None:
    """Bytes of a process, each shared page divided by its users; None if unknown."""
    if not LINUX:
        return None
    return _field(_PROC / str(pid) / "smaps_rollup", "Pss:") * 1024 or None


def _read(path: Path) -> str:
    try:
        with open(path, "rb", buffering=0) as file:  # read_text() takes three times as long
            return file.read().decode()
    except OSError:
        return ""


def _field(path: Path, name: str) -> int:
    for line in _read(path).splitlines():
        words = line.split()
        if words and words[0] == name:
            return int(words[1])
    return 0
