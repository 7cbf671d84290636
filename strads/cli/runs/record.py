"""The record of a run, ``run.json``: what was done, by what, on what, and with which result."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from strads import __version__
from strads.cli.reports import Invocation

#: The file with the command of a fit that saves itself.
COMMAND = "command.json"
#: Packages on whose versions results may depend.
PACKAGES = ("numpy", "numba", "scipy", "scikit-learn")


def write_record(out: Path, record: Mapping[str, Any]) -> None:
    """Write ``run.json``: the given record, after what is alike for all commands."""
    whole = {
        "version": __version__,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": Invocation.line(),
        "versions": {
            "strads": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "peak_memory_bytes": peak_memory(),
        **record,
    }
    (out / "run.json").write_text(json.dumps(whole, indent=1, default=_plain) + "\n")


def write_command(out: Path, checkpoint: Path | None) -> None:
    """Write what ``strads resume`` needs, before a fit that saves itself begins."""
    if checkpoint is not None:
        known = {"arguments": Invocation.arguments, "folder": os.getcwd()}
        (out / COMMAND).write_text(json.dumps(known, indent=1) + "\n")


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


def _descendants(pid: str) -> Iterator[str]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _text(children).split():
            yield child
            yield from _descendants(child)


def _peak(pid: str) -> int:
    for line in _text(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has just ended
        return ""


def _plain(value: Any) -> Any:
    """Return NumPy numbers and arrays as Python numbers and lists, and other objects as text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
