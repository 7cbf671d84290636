"""What the machine and its operating system allow: cores, memory, the end of other processes.

Cores and memory are counted within the limits of the process: its affinity, its cgroups, and what
``ulimit`` says. Every feature that only Linux has comes with a fallback, which is used on other
systems, or with ``STRADS_PORTABLE=1``.
"""

from __future__ import annotations

import ctypes
import functools
import multiprocessing
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

LINUX = sys.platform == "linux" and os.environ.get("STRADS_PORTABLE") != "1"

_PR_SET_PDEATHSIG = 1
_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_CPUS = Path("/sys/devices/system/cpu")


#: Source of a command that ends itself when its parent, the process {leader}, has ended, also while
#: it imports for a second what it needs; :func:`imported` ends that watch. It may import built-in
#: modules only: a user's folder may hold a file ``signal.py``.
WATCH_PARENT = """
import _signal, posix
_signal.signal(_signal.SIGALRM, lambda *_: posix.getppid() == {leader} or posix._exit(0))
_signal.setitimer(_signal.ITIMER_REAL, 0.1, 0.1)
"""


def imported() -> None:
    """End what :data:`WATCH_PARENT` has begun: from now on, the process finds out in other ways."""
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


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
    """Number of physical cores that this process may use, by its affinity and its cgroups' quotas.

    Two hardware threads of one core count once: they share its units of arithmetic and its cache,
    and a worker that waits for another in every round is slowed down by a neighbour on its core.
    """
    return max(1, min(len(physical_cores(usable_cpus())), cpu_quota() or sys.maxsize))


def own_cores() -> int:
    """Number of cores for threads and helpers of this process alone.

    A worker of multiprocessing or joblib has one: the processes beside it have the others.
    """
    return 1 if is_worker_process() else available_cores()


def is_worker_process() -> bool:
    """Whether this process was started by multiprocessing or joblib (loky) as a worker."""
    process = multiprocessing.current_process()
    return (
        multiprocessing.parent_process() is not None
        or process.daemon
        or process.name.startswith("Loky")
    )


def usable_cpus() -> list[int]:
    """Numbers of the processors, hardware threads included, that this process may use."""
    try:
        return sorted(os.sched_getaffinity(0))
    except AttributeError:
        return list(range(os.cpu_count() or 1))


def physical_cores(cpus: Collection[int]) -> dict[int, list[int]]:
    """Group processors by physical core, named by its lowest processor, as far as that is known."""
    cores: dict[int, list[int]] = {}
    for cpu in sorted(cpus):
        file = _CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        threads = listed(file) if LINUX else set()
        cores.setdefault(min(threads) if cpu in threads else cpu, []).append(cpu)
    return cores


def cpu_quota() -> int | None:
    """Number of whole processors that the cgroups grant to this process; None without a limit."""
    quotas = [_quota(folder) for folder in _cgroup_folders("cpu")] if LINUX else []
    return min((quota for quota in quotas if quota is not None), default=None)


def listed(path: Path) -> set[int]:
    """Read a list of numbers such as ``0-3,8`` from a file; empty if there is no such file."""
    found: set[int] = set()
    for part in _read(path).strip().split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last if last.isdigit() else first) + 1))
    return found


def _quota(folder: Path) -> int | None:
    """Number of whole cores that a cgroup may use, at least one; None without a limit."""
    words = _read(folder / "cpu.max").split()  # version 2
    if not words:
        words = [_read(folder / f"cpu.cfs_{word}_us").strip() for word in ("quota", "period")]
    if len(words) != 2 or not (words[0].isdigit() and words[1].isdigit()):
        return None  # "max", or -1
    return max(1, int(words[0]) // max(1, int(words[1])))


def available_memory() -> int:
    """Bytes of memory that the machine, this process's cgroups and its own limits have left."""
    left = _field(_PROC / "meminfo", "MemAvailable:") * 1024 if LINUX else 0
    if not left:
        left = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if LINUX:
        for folder in _cgroup_folders("memory"):
            left = min(left, _unused(folder, left))
        left = min(left, _unused_by_limits(left))
    return max(0, left)


def _unused(folder: Path, otherwise: int) -> int:
    """Bytes that a cgroup has left; file cache that can be dropped counts as free."""
    # Beyond memory.high nobody is killed, but everything nearly comes to a stop.
    names = ("memory.max memory.high", "memory.current", "inactive_file")
    limits = [_read(folder / name).strip() for name in names[0].split()]
    if not limits[0]:  # version 1
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        limits = [_read(folder / names[0]).strip()]
    limit = min((limit for limit in limits if limit.isdigit()), key=int, default="")
    if not limit:  # "max": nothing else need be read
        return otherwise
    used = _read(folder / names[1]).strip()
    if not used.isdigit():
        return otherwise
    return int(limit) - int(used) + _field(folder / "memory.stat", names[2])


def _unused_by_limits(otherwise: int) -> int:
    """Bytes that ``ulimit -v`` (address space) and ``ulimit -d`` (data) leave to this process."""
    if resource is None:
        return otherwise
    left, sizes = otherwise, {resource.RLIMIT_AS: 0, resource.RLIMIT_DATA: 5}
    for kind, column in sizes.items():
        limit = resource.getrlimit(kind)[0]
        if limit != resource.RLIM_INFINITY:
            pages = _read(_PROC / "self" / "statm").split()
            used = int(pages[column]) if len(pages) > column else 0
            left = min(left, limit - used * resource.getpagesize())
    return left


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
