"""How a run came nearer to its end: figures against seconds and against updates."""

from __future__ import annotations

import numpy as np

from strads.reporting import wording
from strads.reporting.charts.lines import Chart, Line, line_chart
from strads.reporting.page.markup import Charts, Section, paragraph
from strads.reporting.run_record import RunRecord
from strads.reporting.steps import HEADLINES, Steps

#: Figures beyond the best one that get a chart.
MOST_FIGURES = 6


def convergence(record: RunRecord) -> Section:
    """Return the charts of the figures."""
    section, charts = Section("Convergence"), Charts()
    steps, name = record.steps, record.steps.headline()
    if name is None:
        section.body = paragraph("No step has told a figure yet.")
        return section
    for against, unit in (("seconds", "seconds of the runs"), ("updates", "updates")):
        if against == "updates" and not steps.updates.any():
            continue
        chart = _chart(record, name, against, unit)
        title = f"{wording.figure(name)} against {against}"
        charts.add(title, chart, _caption(record, name), f"c-{against}")
    for k, other in enumerate(_others(record, name)):
        chart = _chart(record, other, "seconds", "seconds of the runs", f"f-{k}")
        charts.add(wording.figure(other), chart, _twice(record), f"f-{k}")
    section.body, section.points = charts.markup(), charts.points
    return section


def _others(record: RunRecord, name: str) -> list[str]:
    """Return figures that change, besides the best one."""
    changing = [
        other
        for other, values in record.steps.figures.items()
        if other != name and len(np.unique(values[np.isfinite(values)])) > 1
    ]
    return changing[:MOST_FIGURES]


def _chart(record: RunRecord, name: str, against: str, unit: str, key: str = "") -> Chart:
    steps = record.steps
    x, y = steps.axis(against), steps.figures[name]
    known = y[np.isfinite(y)]
    log = bool(len(known)) and known.min() >= 0.0 and known.max() > 20.0 * _least(known)
    bound = record.target if name == "certificate" else None
    first, last = (float(known[0]), float(known[-1])) if len(known) else (np.nan, np.nan)
    return line_chart(
        lines_of_fits(steps, name, x), key=key or f"c-{against}",
        title=f"{wording.figure(name)} against {against}",
        description=f"{wording.figure(name)} goes from {wording.number(first)} to "
        f"{wording.number(last)} within {wording.number(float(x[-1]))} {unit}.",
        x_label=unit, y_label=wording.figure(name), log_y=log, bound=bound,
    )  # fmt: skip


def lines_of_fits(steps: Steps, name: str, x: np.ndarray) -> list[Line]:
    """Return a line for each fit: a command may fit twice, first to judge and then to keep."""
    fits = list(dict.fromkeys(steps.fit.tolist()))[:6]
    y, words = steps.figures[name], wording.figure(name)
    lines = [
        Line(
            words if len(fits) == 1 else f"{words}, fit {k}",
            x[steps.fit == fit],
            y[steps.fit == fit],
        )
        for k, fit in enumerate(fits, start=1)
    ]
    return [line for line in lines if np.isfinite(line.y).any()] or lines[:1]


def _least(values: np.ndarray) -> float:
    above = values[values > 0.0]
    return float(above.min()) if len(above) else 1.0


def _caption(record: RunRecord, name: str) -> str:
    told = "Smaller is better." if name in HEADLINES else ""
    if name == "certificate":
        told = "What the result still lacks to be the best one; smaller is better."
    if name == "log_likelihood_per_token":
        told = "How likely the model finds the words of the documents; larger is better."
    return f"{told} {_twice(record)}".strip()


def _twice(record: RunRecord) -> str:
    """Say why there are two fits, if a command has judged the model on data that it left out."""
    if "held_out" not in record.record:
        return ""
    return "Fit 1 was judged on data that were left out; fit 2 has all data, and was kept."
