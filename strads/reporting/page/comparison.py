"""The page of several runs: curves over each other, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from strads.reporting.charts.lines import Line, line_chart
from strads.reporting.compare import differing_settings, names, side_by_side, to_same_accuracy
from strads.reporting.page.html import document, write_page
from strads.reporting.page.markup import Charts, Section, paragraph, table
from strads.reporting.run_record import RunRecord
from strads.reporting.savings import common_figure


def comparison(records: Sequence[RunRecord]) -> str:
    """Return the page that compares runs."""
    runs = list(records)
    short = names(runs)
    told, rows = to_same_accuracy(runs)
    first = table(("what was spent", *short), rows, caption=told) if rows else paragraph(
        "These runs have no figure in common."
    )  # fmt: skip
    differing = differing_settings(runs)
    settings = table(("setting", *short), differing, numbers=False) if differing else paragraph(
        "All settings are the same."
    )  # fmt: skip
    sections = [
        Section("The same accuracy", first),
        _curves(runs, short),
        Section("Settings that differ", settings),
        Section("Key figures", table(("figure", *short), side_by_side(runs), numbers=False)),
    ]
    return document(f"{len(runs)} runs compared", paragraph(", ".join(short), "soft"), sections)


def write_comparison(records: Sequence[RunRecord], path: Path) -> None:
    """Write the page that compares runs."""
    write_page(path, comparison(records))


def _curves(runs: list[RunRecord], short: list[str]) -> Section:
    section, charts = Section("Curves"), Charts()
    figure = common_figure(runs)
    if figure is None:
        return Section("Curves", paragraph("There is no figure that all runs have."))
    values = [run.steps.figures[figure] for run in runs]
    known = np.concatenate([v[np.isfinite(v)] for v in values])
    log = len(known) > 0 and known.min() >= 0.0 and known.max() > 20.0 * max(known.min(), 1e-300)
    for against, unit in (("seconds", "seconds of the runs"), ("updates", "updates")):
        lines = [
            Line(name, run.steps.axis(against), run.steps.figures[figure])
            for name, run in zip(short, runs, strict=True)
        ]
        if not any(line.x.any() for line in lines):
            continue
        title = f"{figure} against {against}"
        chart = line_chart(
            lines, key=against, title=title, description=f"Lines of {', '.join(short)}.",
            x_label=unit, y_label=figure, log_y=bool(log),
        )  # fmt: skip
        charts.add(title, chart, "A line for each run.", against)
    section.body, section.points = charts.markup(), charts.points
    return section
