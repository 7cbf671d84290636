"""The table of the steps, which can be copied as CSV."""

from __future__ import annotations

import csv
import io

import numpy as np

from strads.reporting import wording
from strads.reporting.charts.svg import text
from strads.reporting.page.markup import Section, paragraph, table
from strads.reporting.run_record import RunRecord

#: Rows that are shown, and bytes of the CSV, at most.
MOST_ROWS = 100
MOST_BYTES = 400_000
MOST_COLUMNS = 30


def epochs(record: RunRecord) -> Section:
    """Return the table and its CSV."""
    steps = record.steps
    if not len(steps):
        return Section("Steps", paragraph("No step has ended yet."))
    names = list(steps.figures)[:MOST_COLUMNS]
    heads = ("run", "step", "seconds", "updates", *names)
    places = np.unique(np.linspace(0, len(steps) - 1, MOST_ROWS).round().astype(int))
    shown = ([wording.number(value) for value in _row(record, int(k), names)] for k in places)
    every, content = _csv(record, heads, names)
    few = "" if len(places) == len(steps) else f" {len(places)} of them are shown here."
    kept = "" if every == 1 else f", every {every}th of them (metrics.csv has all)"
    return Section("Steps", (
        paragraph(f"{len(steps):,} steps have been told.{few}")
        + f"<details><summary>Table of the steps</summary>{table(heads, shown)}</details>"
        + f"<details><summary>The same as CSV{text(kept)}</summary>"
        + '<label class="soft" for="csv">Steps as CSV</label>'
        + f'<textarea id="csv" readonly>\n{text(content, len(content) + 1)}</textarea></details>'
        + '<button type="button" data-copies="csv" hidden>Copy the table as CSV</button>'
    ))  # fmt: skip


def _row(record: RunRecord, k: int, names: list[str]) -> list[float]:
    steps = record.steps
    known = (steps.run, steps.step, steps.seconds, steps.updates)
    return [*(float(one[k]) for one in known), *(float(steps.figures[n][k]) for n in names)]


def _csv(record: RunRecord, heads: tuple[str, ...], names: list[str]) -> tuple[int, str]:
    """Return how many steps a row stands for, and the rows."""
    length = max(1, MOST_BYTES // (14 * len(heads)))
    every = -(-len(record.steps) // length)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_harmless(head) for head in heads)
    for k in range(every - 1, len(record.steps), every):
        writer.writerow("" if np.isnan(v) else f"{v:.10g}" for v in _row(record, k, names))
    return every, file.getvalue()


def _harmless(head: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{head[:80]}" if head[:1] in ("=", "+", "-", "@", "\t", "\r") else head[:80]
