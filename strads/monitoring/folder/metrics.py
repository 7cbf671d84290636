"""The table of the steps, ``metrics.csv``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from strads.monitoring.events import EVENTS, Event, decode_event
from strads.monitoring.folder.writing import replacing

METRICS = "metrics.csv"
_STEP = b'"event":"step"'


def write_metrics(folder: Path) -> None:
    """Write a row for every step that the file of events has: run, step, figures and others.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    DataError
        If the file of events is damaged.
    """
    steps = list(_steps(folder / EVENTS))  # their number is bounded
    names = list(dict.fromkeys(name for step in steps for name in step["figures"]))
    with replacing(folder / METRICS) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fit", "run", "step", "seconds", "updates", *names])
        for step in steps:
            own = (step[word] for word in ("fit", "run", "step", "seconds", "updates"))
            writer.writerow([*own, *(step["figures"].get(name, "") for name in names)])


def _steps(path: Path) -> Iterator[Event]:
    """Yield the events of steps, with the number of the fit that they belong to, from 0."""
    fit = -1
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            fit += b'"event":"fit",' in line
            if _STEP in line:
                step = decode_event(line.decode("utf-8", "replace"))
                if step["event"] == "step":
                    yield {**step, "fit": max(fit, 0)}
