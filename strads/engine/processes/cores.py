"""A core of its own for each worker, where it can be known to be nobody else's.

Two processes that step together must not be put on one core, which schedulers that save energy or
pack virtual processors do. Yet a process that is bound to a core cannot leave it when another one
is bound there, too. So whoever binds must see the claims of all others, or have been given its
cores by somebody who sees the whole machine; and must not be one of those who are to share.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from strads.engine import platform

_SYS = Path("/sys/devices/system/cpu")
_NAME = "strads-core-"


def claim_core(first: int) -> socket.socket | None:
    """Bind this process to a core that no other process has claimed, if there is one.

    A claim is an abstract socket name: the kernel takes it back when the process ends, however it
    ends.

    Parameters
    ----------
    first : int
        Where to begin the search, so that workers do not race for the same core.

    Returns
    -------
    claim : socket.socket or None
        To be kept open as long as the core is used. None without Linux, if every core is claimed,
        or if :func:`may_bind` forbids it: the process may then run anywhere, as before.
    """
    if not platform.LINUX:
        return None
    cores = sorted(os.sched_getaffinity(0))
    if not may_bind(cores):
        return None
    cores = spread(cores)
    for core in (cores[(first + k) % len(cores)] for k in range(len(cores))):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0{_NAME}{core}")
            os.sched_setaffinity(0, {core})
        except OSError:
            claim.close()
            continue
        return claim
    return None


def may_bind(cores: list[int]) -> bool:
    """Whether a process that may use these cores should bind itself to one of them.

    ``STRADS_PIN=0`` says no and ``STRADS_PIN=1`` yes. Otherwise no under a quota, which is a share
    of all these cores and not some of them; yes if somebody has chosen these cores for us, fewer
    than the machine has; else only in the machine's own network, where claims of all its processes
    are seen. Two containers with networks of their own would both claim the first core.
    """
    asked = os.environ.get("STRADS_PIN", "")
    if asked in ("0", "1"):
        return asked == "1"
    if platform.available_cores() < len(cores):
        return False
    return len(cores) < len(_listed(_SYS / "online")) or _sees_all_claims()


def spread(cores: list[int]) -> list[int]:
    """Order cores so that no two threads of one physical core come before all others have one."""
    met: dict[int, int] = {}  # first thread of a physical core → threads of it so far
    turns = []
    for core in cores:
        threads = _listed(_SYS / f"cpu{core}" / "topology" / "thread_siblings_list")
        physical = min(threads, default=core)
        turns.append((met.get(physical, 0), core))
        met[physical] = met.get(physical, 0) + 1
    return [core for _, core in sorted(turns)]


def _sees_all_claims() -> bool:
    """Whether abstract socket names here are those of the whole machine.

    They belong to a network namespace. This setting of the network has no counterpart in any
    namespace but the machine's own.
    """
    return (platform._PROC / "sys" / "net" / "core" / "netdev_max_backlog").exists()


def _listed(path: Path) -> set[int]:
    """Read a list of numbers such as ``0-3,8``; empty if there is none."""
    found: set[int] = set()
    for part in platform._read(path).strip().split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last if last.isdigit() else first) + 1))
    return found
