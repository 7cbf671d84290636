"""What a run depends on besides its settings: versions, and the machine."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from importlib.metadata import version
from typing import Any

from strads.engine import available_cores

#: Packages on whose versions results may depend.
PACKAGES = ("numpy", "numba", "scipy", "scikit-learn")


@cache
def versions() -> dict[str, str]:
    """Return the versions of this package, of Python, and of what results may depend on."""
    import strads

    return {
        "strads": strads.__version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    """Return the version of a package; one that is imported is asked itself, as that is faster."""
    module = sys.modules.get("sklearn" if name == "scikit-learn" else name)
    return str(getattr(module, "__version__", None) or version(name))


@cache
def machine() -> dict[str, Any]:
    """Return the system, the processor, the cores that a run may use, and the bytes of memory."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": available_cores(),
        "memory": _memory(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def peak_memory() -> dict[str, int]:
    """Return the most memory that processes have held so far, in bytes of resident pages.

    Returns
    -------
    dict
        ``"leader"``: this process. ``"worker"``: the largest of its worker processes, if the system
        tells (Linux). Shared arrays count for each process that has touched them. Empty where the
        system tells neither.
    """
    try:
        import resource
    except ImportError:  # Windows
        return {}
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"leader": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    of_workers = [_peak(pid) for pid in _descendants("self")]
    return peak | ({"worker": max(of_workers)} if of_workers else {})


def _descendants(pid: str) -> list[str]:
    found: list[str] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:  # there is no such system, or the process has just ended
        return found
    for thread in threads:
        for child in _text(f"/proc/{pid}/task/{thread}/children").split():
            found += [child, *_descendants(child)]
    return found


def _peak(pid: str) -> int:
    for line in _text(f"/proc/{pid}/status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # the process has just ended
        return ""
