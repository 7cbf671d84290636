"""What processes did, how stale they were, what memory was held, what moved between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from strads.reporting import wording
from strads.reporting.charts.bars import Bar, Part, bars
from strads.reporting.charts.lines import Line, line_chart
from strads.reporting.charts.timeline import MOST_ROWS, timeline
from strads.reporting.page.markup import Charts, Section, paragraph, table
from strads.reporting.run_record import RunRecord
from strads.reporting.spending import KINDS, divided, process_times

#: With fewer moments than this at which memory is known, there is no curve.
FEW_MOMENTS = 3


def processes(record: RunRecord) -> Section:
    """Return the timeline of the processes, and their sums."""
    section, charts = Section("Processes"), Charts()
    times = process_times(record)
    sums: dict[str, dict[str, float]] = {}
    for detail in record.last_details():
        for name, row in detail.processes.items():
            known = sums.setdefault(name, dict.fromkeys((*KINDS, "updates"), 0.0))
            for kind, amount in {**divided(row), "updates": row.get("updates", 0.0)}.items():
                known[kind] += amount
    if times:
        more = (
            "" if len(times) <= MOST_ROWS else f" The first {MOST_ROWS} of {len(times)} are here."
        )
        told = "; ".join(
            f"{name} computed for {wording.seconds(row['computing'])}"
            for name, row in list(sums.items())[:MOST_ROWS]
        )
        drawn = timeline(times, title="What each process did", description=told)
        charts.add("What each process did", drawn, (
            "A full column is one whole processor. Sums of each process are known at some moments; "
            f"between two of them a column shows their mean.{more}"
        ))  # fmt: skip
    section.body = charts.markup()
    if sums:
        section.body += table(
            ("process", *(f"{kind}, s" for kind in KINDS), "updates"),
            ([name, *(wording.number(row[kind]) for kind in KINDS), wording.count(row["updates"])]
             for name, row in sums.items()),
            caption="Sums over all runs.",
        )  # fmt: skip
    else:
        section.body += paragraph("The run has told nothing of its processes.")
    return section


def staleness(record: RunRecord) -> Section:
    """Return how many updates pushes and schedules had not seen, and the error of that."""
    section, charts = Section("Staleness and error"), Charts()
    rows = {
        phase: row for detail in record.last_details() for phase, row in detail.staleness.items()
    }
    if rows:
        section.body += table(
            ("phase", "depth allowed", "pulls missed by a push", "look-ahead",
             "rounds missed by the schedule"),
            ([phase, *(wording.number(row.get(name, np.nan))
                       for name in ("depth", "push_misses", "look_ahead", "schedule_misses"))]
             for phase, row in rows.items()),
            caption="Means over each phase.",
        )  # fmt: skip
    known = [d for d in record.details if np.isfinite(d.parallelisation_error)]
    if known:
        x, y = (np.array([getattr(d, n) for d in known]) for n in ("time", "parallelisation_error"))
        last = wording.number(float(y[-1]))
        chart = line_chart(
            [Line("parallelisation error", x, y)], key="error", title="Parallelisation error",
            description=f"It ends at {last}.", x_label="seconds since the fit began",
            y_label="objective",
        )  # fmt: skip
        charts.add("Parallelisation error", chart, (
            "The progress that updates promised one by one, less the progress that they made "
            f"together, in units of the objective; {last} at the end. Near zero: moving variables "
            "at the same time cost nothing."
        ), "error")  # fmt: skip
    section.body += charts.markup()
    section.points = charts.points
    if "s_error" in record.steps.figures:
        last = wording.number(record.steps.last("s_error"))
        section.body += paragraph(
            f"s-error at the end: {last}. It is how far the copies of shared counts were from each "
            "other, as a share; its course is among the figures above."
        )
    if not section.body:
        section.body = paragraph("The run has told nothing of these.")
    return section


def memory(record: RunRecord) -> Section:
    """Return memory by kind and process, and what moved between processes."""
    section, charts = Section("Memory and movement"), Charts()
    kinds: dict[str, dict[str, float]] = {}
    for run in record.runs:  # runs of a fit share memory: what counts is the largest of them
        for kind, arrays in run.memory.items():
            if sum(arrays.values()) >= sum(kinds.get(kind, {}).values()):
                kinds[kind] = arrays
    if kinds:
        told = sorted(((sum(a.values()), kind) for kind, a in kinds.items()), reverse=True)
        shown = [
            Bar(f"{kind}: {wording.size(amount)} ({_largest(kinds[kind])})",
                [Part(amount, "b0", "")])
            for amount, kind in told[:8]
        ]  # fmt: skip
        words = "; ".join(f"{kind}: {wording.size(amount)}" for amount, kind in told)
        drawn = bars(shown, title="Shared memory by kind", one_scale=True, description=words)
        charts.add("Shared memory by kind", drawn, "Arrays of the run, which all processes see.")
    _over_time(record, charts)
    section.body, section.points = charts.markup(), charts.points
    if not section.body:
        section.body = paragraph("The run has told nothing of its memory.")
    return section


def _largest(arrays: dict[str, float]) -> str:
    names = sorted(arrays, key=lambda name: -arrays[name])[:2]
    return ", ".join(name[:20] for name in names)


def _at_end(memory: Mapping[str, float], charts: Charts) -> None:
    """Add the memory of processes when it was last looked at, the largest first."""
    told = sorted(((size, name) for name, size in memory.items()), reverse=True)[:8]
    words = "; ".join(f"{name}: {wording.size(size)}" for size, name in told)
    shown = [
        Bar(f"{name}: {wording.size(size)}", [Part(size, "b1", "")]) for size, name in told
    ]  # fmt: skip
    drawn = bars(shown, title="Memory of each process", one_scale=True, description=words)
    charts.add("Memory of each process", drawn, (
        "When it was last looked at; what several processes share counts for each in part."
    ))  # fmt: skip


def _over_time(record: RunRecord, charts: Charts) -> None:
    known = [d for d in record.details if d.memory]
    names = list(dict.fromkeys(name for d in known for name in d.memory))[:6]
    if names and len(known) < FEW_MOMENTS:
        _at_end(known[-1].memory, charts)
    elif names:
        lines = [
            Line(name, np.array([d.time for d in known if name in d.memory]),
                 np.array([d.memory[name] for d in known if name in d.memory]) / 1e6)
            for name in names
        ]  # fmt: skip
        chart = line_chart(
            lines, key="memory", title="Memory of each process", zero=True,
            description="; ".join(f"{one.label}: at most {one.y.max():,.0f} MB" for one in lines),
            x_label="seconds since the fit began", y_label="MB",
        )  # fmt: skip
        charts.add("Memory of each process", chart, (
            "Memory that each process holds; what several share counts for each in part."
        ), "memory")  # fmt: skip
    x, y = moved(record)
    if len(y) and y[-1] > 0.0:
        chart = line_chart(
            [Line("bytes moved", x, y / 1e6)], key="moved", title="Bytes moved", zero=True,
            description=f"{wording.size(float(y[-1]))} in all.",
            x_label="seconds since the fit began", y_label="MB",
        )  # fmt: skip
        charts.add("Bytes moved between workers", chart, (
            f"What went through outboxes: {wording.size(float(y[-1]))} in all."
        ), "moved")  # fmt: skip


def moved(record: RunRecord) -> tuple[np.ndarray, np.ndarray]:
    """Return moments, and the bytes that had been moved by then in all runs."""
    x: list[float] = []
    y: list[float] = []
    of_run: dict[int, float] = {}
    for detail in record.details:
        if np.isfinite(detail.bytes_moved):
            of_run.pop(record.continued.get(detail.run, -1), None)
            of_run[detail.run] = detail.bytes_moved
            x.append(detail.time)
            y.append(sum(of_run.values()))
    return np.array(x), np.array(y)
