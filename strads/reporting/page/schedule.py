"""What the schedule did: which ids when, how many were active, what the filter turned away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from strads.reporting import wording
from strads.reporting.charts.heat_map import binned, heat_map
from strads.reporting.charts.lines import Line, line_chart
from strads.reporting.page.markup import Charts, Section, paragraph, table
from strads.reporting.run_record import Detail, RunRecord, Visits

#: Phases beyond these get no heat map.
MOST_PHASES = 4
#: Counts of a schedule that get a column, if it has them.
COUNTS = ("rounds", "micro_rounds", "dispatched", "deferred", "alone", "exhausted", "rho", "lease")

#: What some of them mean.
MEANINGS = {
    "dispatched": "Dispatched: ids that were handed out.",
    "deferred": (
        "Deferred: an id was due, but depends on one that was moving in the same micro-round, so "
        "it had to wait."
    ),
    "alone": "Alone: it had waited so often that it moved by itself.",
    "exhausted": "Exhausted: how often no id was left to hand out.",
}


def schedule(record: RunRecord) -> Section:
    """Return the charts and counts of the schedules."""
    section, charts = Section("Schedule"), Charts()
    _visits(record, charts)
    _active(record, charts)
    _deferred(record, charts)
    section.body, section.points = charts.markup(), charts.points
    rows = _rows(record)
    if rows:
        used = [name for name in COUNTS if any(name in row for _, row in rows)]
        section.body += table(
            ("phase", *(name.replace("_", " ") for name in used)),
            ([phase, *(_told(row.get(name)) for name in used)] for phase, row in rows),
            caption="What each schedule counted, over all runs.",
        )
        told = [MEANINGS[name] for name in used if name in MEANINGS]
        if told:
            section.body += paragraph(" ".join(told), "soft")
    if not section.body:
        section.body = paragraph("This run had no schedule, or has told nothing of it.")
    return section


def _told(value: float | None) -> str:
    return "" if value is None else wording.number(value)


def by_phase(record: RunRecord) -> dict[str, list[Visits]]:
    """Return the visits of every phase, the most visited phase first."""
    found: dict[str, list[Visits]] = {}
    for seen in record.visits:
        found.setdefault(seen.phase, []).append(seen)
    return dict(sorted(found.items(), key=lambda item: -sum(v.counts.sum() for v in item[1])))


def since_when(record: RunRecord, visits: Sequence[Visits]) -> float:
    """Return when the first of the visits began to be counted."""
    return min(record.started(visits[0].run), visits[0].time)


def _visits(record: RunRecord, charts: Charts) -> None:
    for phase, visits in list(by_phase(record).items())[:MOST_PHASES]:
        heat, edges, size = binned(visits, since_when(record, visits))
        never = float(np.mean(heat.sum(axis=1) == 0.0))
        title = f"Which ids were visited when: phase {phase}"
        told = (
            f"{wording.count(sum(v.counts.sum() for v in visits))} visits of "
            f"{wording.count(size)} ids; {wording.share(never)} of the map's rows were never "
            "visited."
        )
        drawn = heat_map(
            heat, edges, size, title=title, description=told, axis=visits[-1].axis or "ids"
        )
        even = heat.min() > 0.5 * heat.max()
        said = (
            "All about equally often." if even else "Darker (in the dark: lighter) is more often."
        )
        charts.add(title, drawn, f"{told} {said}")


def _active(record: RunRecord, charts: Charts) -> None:
    names = list(dict.fromkeys(name for d in record.details for name in d.active))[:6]
    lines = [
        Line(name, *_series([d for d in record.details if name in d.active], name))
        for name in names
    ]
    if all(len(one.y) == 0 or one.y.min() == one.y.max() for one in lines):
        return  # the visits tell as much
    chart = line_chart(
        lines, key="active", title="Active ids", x_label="seconds since the fit began",
        description="; ".join(
            f"{one.label}: from {wording.count(one.y[0])} to {wording.count(one.y[-1])}"
            for one in lines
        ),
        y_label="ids that may be visited", log_y=all((one.y > 0.0).all() for one in lines),
    )  # fmt: skip
    charts.add("Active ids", chart, (
        "How many ids each schedule chose from. A schedule by priority drops those that no longer "
        "move."
    ), "active")  # fmt: skip


def _series(details: Sequence[Detail], name: str) -> tuple[np.ndarray, np.ndarray]:
    return np.array([d.time for d in details]), np.array([d.active[name] for d in details])


def _deferred(record: RunRecord, charts: Charts) -> None:
    names = list(dict.fromkeys(
        name for d in record.details for name, row in d.schedules.items() if "deferred" in row
    ))[:6]  # fmt: skip
    lines = [line for name in names if len((line := _turned_away(record, name)).x)]
    if not lines:
        return
    chart = line_chart(
        lines, key="deferred", title="Share of ids that were deferred", zero=True,
        description="; ".join(
            f"{one.label}: {wording.share(one.y[-1] / 100.0)} at the end" for one in lines
        ),
        x_label="seconds since the fit began", y_label="% of ids that were due",
    )  # fmt: skip
    charts.add("Share of ids that were deferred", chart, (
        "Ids that the filter turned away since the point before, because they depend too strongly "
        "on one that was moving. A large share says: fewer workers, or a larger ρ."
    ), "deferred")  # fmt: skip


def _turned_away(record: RunRecord, name: str) -> Line:
    """Return the share of deferred ids between two moments, in per cent."""
    x: list[float] = []
    y: list[float] = []
    before: dict[int, np.ndarray] = {}
    for detail in record.details:
        row = detail.schedules.get(name, {})
        now = np.array([row.get("deferred", 0.0), row.get("dispatched", 0.0)])
        deferred, dispatched = now - before.get(
            detail.run, before.get(record.continued.get(detail.run, -1), np.zeros(2))
        )
        before[detail.run] = now
        if deferred >= 0.0 and dispatched >= 0.0 and deferred + dispatched > 0.0:
            x.append(detail.time)
            y.append(100.0 * deferred / (deferred + dispatched))
    return Line(name, np.array(x), np.array(y))


def _rows(record: RunRecord) -> list[tuple[str, dict[str, float]]]:
    """Return the counts of every phase, summed over runs; settings are those of the last run."""
    rows: dict[str, dict[str, float]] = {}
    for detail in record.last_details():
        for phase, counts in detail.schedules.items():
            row = rows.setdefault(phase, {})
            for name in COUNTS:
                if name in counts:
                    summed = name not in ("rho", "lease")
                    row[name] = counts[name] + (row.get(name, 0.0) if summed else 0.0)
    return list(rows.items())
