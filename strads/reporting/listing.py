"""The runs in a folder."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from strads.engine import DataError
from strads.monitoring.events import EVENTS
from strads.reporting.checked import as_number
from strads.reporting.reading import read_record, read_run
from strads.reporting.run_record import RunRecord


@dataclass(frozen=True)
class Listed:
    """One line of a list of runs.

    Attributes
    ----------
    name, when, what, verdict : str
    certificate, seconds : float
        NaN if they are not known.
    """

    name: str
    when: str
    what: str
    verdict: str
    certificate: float = math.nan
    seconds: float = math.nan


def list_runs(folder: Path) -> list[Listed]:
    """Return a line for every run in a folder, the oldest first; one that is damaged says so.

    Raises
    ------
    DataError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one that holds folders of runs")
    return sorted((_listed(path, folder) for path in _runs(folder)), key=lambda one: one.when)


def _runs(folder: Path) -> Iterator[Path]:
    """Yield the folder itself, if it is that of a run, and those within it."""
    for path in (folder, *sorted(one for one in folder.iterdir() if one.is_dir())):
        if (path / EVENTS).is_file() or (path / "run.json").is_file():
            yield path


def _listed(path: Path, folder: Path) -> Listed:
    name = str(path.relative_to(folder)) if path != folder else path.resolve().name
    try:
        if not (path / EVENTS).is_file():
            return _of_record(name, read_record(path))
        return _of_run(name, read_run(path))
    except (DataError, OSError) as error:
        return Listed(name, "", "", f"cannot be read: {error}")


def _of_record(name: str, record: dict[str, Any]) -> Listed:
    """Return the line of a run that told no events."""
    gap = as_number(record.get("dual_gap"))
    seconds = as_number(record.get("seconds"))
    return Listed(
        name, str(record.get("date", ""))[:16].replace("T", " "),
        str(record.get("model") or record.get("program", "")),
        str(record.get("verdict", "ended")), math.nan if gap is None else gap,
        math.nan if seconds is None else seconds,
    )  # fmt: skip


def _of_run(name: str, record: RunRecord) -> Listed:
    what = f"{record.name}, pilot" if "pilot" in record.record else record.name
    return Listed(
        name, when(record), what, record.verdict or "not ended",
        record.certificate, record.wall,
    )  # fmt: skip


def when(record: RunRecord) -> str:
    """Return when a fit began, in local time."""
    try:
        return datetime.fromtimestamp(record.begun).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return ""
