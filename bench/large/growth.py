"""``python -m bench.large growth``: seconds and bytes as the number of columns grows.

At every size and number of workers: the shipped solver at the first α, and a plain coordinate
program under each schedule, which dispatches every column (see `bench.large.plain`). Then what
further workers buy, and a hundred million columns on paper.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from bench.harness.tables import Rows, number, show
from bench.large import plain
from bench.large.fit import GIB, key, row, show_trials
from bench.large.options import Options
from bench.large.paper import predict
from bench.large.trial import TARGET, Task, Trial, attempt, converging

Row = dict[str, Any]
#: What is measured: title, word, factor, format.
FIGURES = (("ns an id", "id_seconds", 1e9, ",.0f"),
           ("µs a round", "round_seconds", 1e6, ",.1f"),
           ("of it scheduling, ns an id", "scheduling_seconds", 1e9, ",.0f"),
           ("ms a full pass", "pass_seconds", 1e3, ",.2f"),
           ("ns a column", "column_seconds", 1e9, ",.1f"),
           ("peak GiB", "peak_bytes", 1.0 / GIB, ",.2f"))  # fmt: skip


def main(options: Options) -> list[Row]:
    """Measure every size; then look at how it grows."""
    fits, file = (Rows(f"large-growth{name}", options.out) for name in ("-fits", ""))
    trials: list[Trial] = []
    for task in replace(options, divisors=options.divisors[:1]).tasks():
        for workers in options.workers:
            trials.append(converging(task, f"strads-{workers}", options.limits, options.interval))
            fits.add(**row(trials[-1]))
            for schedule in plain.SCHEDULES:
                file.add(**_plain(task, schedule, workers, options))
            print(f"{task.columns:,} columns, {workers} workers: measured", flush=True)
    show_trials("the shipped solver", trials)
    _show(file.rows)
    fitted = [row(trial) for trial in trials]
    show(f"speed-up over one worker, on {os.cpu_count()} cores", ("", "workers", "times"),
         speed_ups(fitted, file.rows))  # fmt: skip
    predict(fitted, file.rows)
    print("written:", fits.path, file.path)
    return file.rows


def _plain(task: Task, schedule: str, workers: int, options: Options) -> Row:
    trial = attempt(task, f"{schedule}-{workers}", TARGET, options.limits, options.interval,
                    plain.__name__)  # fmt: skip
    found = trial.found
    ids, rounds = found.get("updates", 0) or 1, found.get("rounds", 0) or 1
    seconds, nan = found.get("main_seconds", float("nan")), float("nan")
    return key(trial) | {
        "schedule": schedule, "workers": workers, "peak_bytes": trial.peak,
        "failed": "" if found else trial.outcome, "epochs": found.get("epochs"),
        "ids": found.get("updates"), "rounds": found.get("rounds"), "gap": found.get("gap"),
        "id_seconds": seconds / ids, "round_seconds": seconds / rounds,
        "scheduling_seconds": found.get("scheduling_seconds", nan) / ids,
        "starved_seconds": found.get("starved_seconds", nan) / ids,
        "pass_seconds": found.get("pass_seconds", nan),
        "column_seconds": found.get("pass_seconds", nan) / task.columns,
        "layout_seconds": found.get("prepare", {}).get("layout"),
    }  # fmt: skip


def _show(rows: list[Row]) -> None:
    titles = [title for title, *_ in FIGURES]
    lines = []
    for each in sorted(rows, key=lambda row: (row["schedule"], row["workers"], row["columns"])):
        name = f"{each['schedule']}, {each['workers']} workers, {each['columns']:,}"
        figures = [number(each[word] * factor, form) for _, word, factor, form in FIGURES]
        lines.append((name, *figures))
    show("every column dispatched, by the plain program", ("", *titles), lines)


def speed_ups(fits: list[Row], rows: list[Row]) -> list[tuple[str, str, str]]:
    """One worker's seconds divided by those of several."""
    lines = []
    for name, table in _seconds(fits, rows).items():
        for (columns, workers), seconds in table.items():
            if workers > 1 and (columns, 1) in table:
                gain = table[columns, 1] / seconds
                lines.append((f"{name}, {columns:,} columns", f"{workers}", f"{gain:.2f}"))
    return lines


def _seconds(fits: list[Row], rows: list[Row]) -> dict[str, dict[tuple[int, int], float]]:
    """Name of a figure → (columns, workers) → seconds."""
    tables: dict[str, dict[tuple[int, int], float]] = {"whole fit": {}}
    for fit in fits:
        workers = int(fit["solver"].rpartition("-")[2])
        tables["whole fit"][fit["columns"], workers] = fit["seconds"]
    for each in rows:
        at = each["columns"], each["workers"]
        tables.setdefault(f"ids by {each['schedule']}", {})[at] = each["id_seconds"]
        if each["schedule"] == "round-robin":
            tables.setdefault("full pass", {})[at] = each["pass_seconds"]
    return tables
