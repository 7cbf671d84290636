"""The tables of a pilot."""

from __future__ import annotations

from typing import Any

from strads.diagnosis.diagnosis import Section, told_bytes, told_seconds, told_settings
from strads.diagnosis.pilot.part import LEAST
from strads.diagnosis.trials.problems import problem_of

#: What key figures are called in the table.
NAMES = {
    "starting": "start of the processes, paid once",
    "seconds": "time of the fit",
    "gap": "relative duality gap",
    "support": "weights that are not zero",
    "bytes": "memory besides the data",
    "waiting": "share of the time that workers waited",
    "outside": "left out, but would join the model",
}


def sections_of(pilot: Any) -> list[Section]:
    """Return title and rows of each table of a :class:`~strads.diagnosis.pilot.pilot.Pilot`."""
    ahead = pilot.forecast
    linear = hasattr(pilot.model, "coef_")
    least = "at least " if pilot.stopped and linear else ""
    return [
        ("Pilot", _of_part(pilot, linear)),
        ("The whole", [
            ("data", f"{pilot.shape[0]:,} × {pilot.shape[1]:,}, {ahead.growth:.3g} times the "
                     "entries"),
            ("predicted time, without a start", least + told_seconds(ahead.seconds)),
            ("predicted memory", f"{told_bytes(ahead.data_bytes)} of data and "
                                 f"{told_bytes(ahead.run_bytes)} besides"),
        ]),
    ]  # fmt: skip


def _of_part(pilot: Any, linear: bool) -> list[tuple[str, str]]:
    told = {
        "starting": told_seconds, "seconds": told_seconds, "bytes": told_bytes,
        "gap": "{:.2e}".format, "waiting": "{:.0%}".format,
    }  # fmt: skip
    count, size = len(pilot.chosen), pilot.shape[1 if linear else 0]
    what = "features" if linear else problem_of(pilot.problem).rows
    least = f"; a part has at least {LEAST}" if count == min(size, LEAST) else ""
    known = {n: v for n, v in pilot.settings.items() if v is not None and n != "random_state"}
    rows = [("fitted", f"{count:,} of {size:,} {what}, {pilot.entries:,} entries{least}")]
    rows += [("settings", told_settings(known))] if known else []
    for name, value in pilot.figures.items():
        if name != "updates" or value:  # Newton's method has steps, and no updates
            rows.append((NAMES.get(name, name), told.get(name, _number)(value)))
    if pilot.stopped:
        rows.append(("ended", "by the budget of seconds, before it was done"))
    return rows


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"
