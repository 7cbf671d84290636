"""Bind each worker to a core of its own, where no other process is bound to the same core.

Workers that wait for each other in every round must not share a core, but operating systems that
save energy or pack virtual processors may put them on one. On the other hand, a process that is
bound to a core cannot leave it when another process is bound to it, too. So a process binds itself
only if it sees the claims of all other processes, or if somebody who sees the whole machine has
assigned its cores; and never if it is meant to share cores, as under a CPU quota.
"""

from __future__ import annotations

import os
import socket

from strads.engine import platform

_NAME = "strads-core-"


def claim_core(first: int) -> socket.socket | None:
    """Bind this process to a core that no other process has claimed, if there is one.

    A claim is an abstract socket name: the operating system releases it when the process ends,
    however it ends.

    Parameters
    ----------
    first : int
        Position among the cores at which the search begins: different for each worker, so that
        they do not race for the same core.

    Returns
    -------
    claim : socket.socket or None
        The caller keeps it open as long as it uses the core. None on other systems than Linux, if
        every core is claimed, or if :func:`may_bind` says no: the process is then not bound.
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
            claim.shutdown(socket.SHUT_RDWR)  # it is a name; nobody may send anything there
            os.sched_setaffinity(0, {core})
        except OSError:
            claim.close()
            continue
        return claim
    return None


def may_bind(cores: list[int]) -> bool:
    """Whether a process that may use these cores should bind itself to one of them.

    The environment decides if it has ``STRADS_PIN=0`` (no) or ``STRADS_PIN=1`` (yes). Otherwise:

    * no, under a CPU quota, which grants a share of all these cores and not some of them;
    * yes, if these are fewer cores than the machine has: somebody has chosen them for this process;
    * else yes only in the machine's own network namespace, where the claims of all its processes
      can be seen. Two containers with network namespaces of their own would claim the same core.
    """
    asked = os.environ.get("STRADS_PIN", "")
    if asked in ("0", "1"):
        return asked == "1"
    if (platform.cpu_quota() or len(cores)) < len(cores):
        return False
    return len(cores) < len(platform.listed(platform._CPUS / "online")) or _sees_all_claims()


def spread(cores: list[int]) -> list[int]:
    """Order cores so that the second thread of a physical core comes after the first of all."""
    threads = platform.physical_cores(cores).values()
    turns = [(turn, core) for of_one in threads for turn, core in enumerate(of_one)]
    return [core for _, core in sorted(turns)]


def _sees_all_claims() -> bool:
    """Whether this process sees the abstract socket names of the whole machine.

    A process sees those of its network namespace. The file that is looked for exists only in the
    machine's own one.
    """
    return (platform._PROC / "sys" / "net" / "core" / "netdev_max_backlog").exists()
