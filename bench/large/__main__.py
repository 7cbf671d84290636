"""``python -m bench.large COMMAND …``: the Lasso at ten million variables.

Each command measures, writes files of rows and prints their tables. A fit runs in a process of its
own. *Seconds* are those of the fit, with the check of X, what is compiled or loaded from the cache,
and the start of the processes; reading the design is not among them. *Peak* is the memory of all
processes together, the mapped design among it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from bench.harness.memory import INTERVAL
from bench.harness.tables import Rows, show
from bench.large import planted, tables
from bench.large.child import SCHEDULES
from bench.large.trial import TARGET, Limits, Task, Trial, attempt, converging
from bench.solvers import installed

COLUMNS = (100_000, 1_000_000, 10_000_000)
QUICK = COLUMNS[:2]
TINY, TINY_ROWS = (2_000, 4_000), 500
#: Figures of a run of the plain program that stand in its row as the child states them.
PLAIN = ("epochs", "ids", "rounds", "gap", "id_seconds", "round_seconds", "scheduling_seconds",
         "starved_seconds", "pass_seconds", "column_seconds", "layout_seconds")  # fmt: skip


def generate(options: argparse.Namespace) -> None:
    """Write the designs into the cache folder, in parallel."""
    lines = []
    for columns in options.columns:
        there = planted.folder_of(columns, options.rows, options.seed).exists()
        begin = time.perf_counter()
        design = planted.load(columns, rows=options.rows, seed=options.seed)
        seconds = "was there" if there else f"{time.perf_counter() - begin:.1f}"
        size = planted.file_bytes(columns, options.rows, options.seed)
        lines.append((f"{columns:,}", f"{design.X.nnz:,}", f"{size:,}", seconds))
    show("planted designs", ("columns", "non-zeros", "bytes", "seconds"), lines)


def fit(options: argparse.Namespace) -> list[Trial]:
    """Fit at every size, α and number of workers with strads, to a judged gap of 1e-4.

    Three files: the fits, the arrays of each (bytes by kind; which ones every worker has a copy
    of), and the processes (proportional set sizes at the peak).
    """
    fits, arrays, processes = (
        Rows(f"large-{name}", options.out) for name in ("fits", "arrays", "processes")
    )
    trials = []
    for task, workers in itertools.product(_tasks(options, options.divisors), options.workers):
        trial = converging(task, f"strads-{workers}", options.limits, options.interval)
        trials.append(trial)
        fits.add(**trial.row())
        for array in trial.found.get("bytes", []):
            arrays.add(**trial.key(), **array)
        for process, size in trial.shares.items():
            processes.add(**trial.key(), process=process, bytes=size)
        for table in tables.where_it_went(trial):
            show(*table)
    _show_fits("strads, no intercept", fits)
    print("written:", fits.path, arrays.path, processes.path)
    return trials


def peers(options: argparse.Namespace) -> list[Trial]:
    """Fit the same designs with scikit-learn and celer, once each.

    Their tolerances are the target in their own terms; the judge says what they reached.
    """
    file, trials = Rows("large-peers", options.out), []
    for task, name in itertools.product(_tasks(options, options.divisors), options.solvers):
        if not installed(name):
            print(f"left out: {name} is not installed")
            continue
        trial = attempt(task, name, TARGET, options.limits, options.interval)
        file.add(**trial.row())
        trials.append(trial)
        print(f"{name}, {task.columns:,} columns, αmax/{task.divisor:g}: {trial.outcome}, "
              f"{trial.seconds:.1f} s", flush=True)  # fmt: skip
    _show_fits("peers, no intercept", file)
    print("written:", file.path)
    return trials


def growth(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure seconds and bytes as the number of columns grows.

    At every size and number of workers: the shipped solver at the first α, and a plain coordinate
    program under each schedule, which dispatches every column. Then what further workers buy, and
    a hundred million columns on paper.
    """
    fits, file = (Rows(f"large-growth{name}", options.out) for name in ("-fits", ""))
    for task, workers in itertools.product(_tasks(options, options.divisors[:1]), options.workers):
        trial = converging(task, f"strads-{workers}", options.limits, options.interval)
        fits.add(**trial.row())
        for schedule in SCHEDULES:
            trial = attempt(task, f"{schedule}-{workers}", TARGET, options.limits, options.interval)
            file.add(**trial.key(), schedule=schedule, workers=workers, peak_bytes=trial.peak,
                     failed="" if trial.found else trial.outcome,
                     **{word: trial.found.get(word, float("nan")) for word in PLAIN})  # fmt: skip
        print(f"{task.columns:,} columns, {workers} workers: measured", flush=True)
    _show_fits("the shipped solver", fits)
    fitted, plain = pd.DataFrame(fits.rows), pd.DataFrame(file.rows)
    show(*tables.growth(plain))
    show(*tables.speed_up(fitted, plain))
    show(*tables.predicted(fitted, plain))
    print("written:", fits.path, file.path)
    return file.rows


def _tasks(options: argparse.Namespace, divisors: Iterable[float]) -> Iterator[Task]:
    """Every size with every penalty; designs are generated before anything is measured."""
    for columns in options.columns:
        planted.load(columns, rows=options.rows, seed=options.seed)
    for columns, divisor in itertools.product(options.columns, divisors):
        yield Task(columns, options.rows, options.seed, divisor)


def _show_fits(title: str, file: Rows) -> None:
    if file.rows:
        _, head, lines = tables.fits(pd.DataFrame(file.rows), compiling=True)
        show(title, head, lines)


#: Command → what it does, and the sizes that it runs at.
COMMANDS = {"generate": (generate, COLUMNS), "fit": (fit, COLUMNS),
            "peers": (peers, COLUMNS[1:]),
            "growth": (growth, (10_000, *COLUMNS))}  # fmt: skip


def main(arguments: list[str] | None = None) -> Any:
    """Run a command with the remaining arguments as its options."""
    name, *words = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name not in COMMANDS:
        sys.exit(f"usage: python -m bench.large {{{','.join(COMMANDS)}}} [--help]")
    command, columns = COMMANDS[name]
    parser = _parser(name, str(command.__doc__).split("\n")[0], columns)
    options = parser.parse_args(words)
    options.limits = Limits(options.minutes, options.gib)
    if options.tiny:
        columns, options.rows, options.interval = TINY, TINY_ROWS, 0.05
    elif options.quick:
        columns = tuple(n for n in columns if n <= QUICK[-1])
    options.columns = options.columns or columns
    return command(options)


def _parser(command: str, summary: str, columns: tuple[int, ...]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"bench.large {command}", description=summary)
    cores = os.cpu_count() or 1
    parser.add_argument("--columns", nargs="+", type=int, help=f"by default {columns}")
    parser.add_argument("--rows", type=int, default=planted.ROWS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--divisors", nargs="+", type=float, default=[10.0, 50.0], help="αmax / α")
    parser.add_argument("--workers", nargs="+", type=int, default=range(1, cores + 1))
    parser.add_argument("--solvers", nargs="+", default=["sklearn", "celer"], help="of peers")
    parser.add_argument("--minutes", type=float, default=30.0, help="minutes that a fit may take")
    parser.add_argument("--gib", type=float, default=20.0, help="GiB that a fit may hold")
    parser.add_argument("--interval", type=float, default=INTERVAL, help="seconds a sample")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--quick", action="store_true", help="a hundred thousand and a million")
    parser.add_argument("--tiny", action="store_true", help="does it run at all")
    return parser


if __name__ == "__main__":
    main()
