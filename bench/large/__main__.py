"""The Lasso at ten million variables: ``python -m bench.large {generate,fit,peers,growth}``.

Each command measures, writes files of rows and prints their tables. A fit runs in a process of its
own. *Seconds* are those of the fit, with the check of X, what is compiled or loaded from the cache,
and the start of the processes; reading the design is not among them. *Peak* is the memory of all
processes together, the mapped design among it.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
from typer import Argument, Option

from bench.harness.command import command
from bench.harness.process import INTERVAL, Memory, Process
from bench.harness.race import TIGHTER
from bench.harness.tables import Rows, Table, made
from bench.large import planted, tables
from bench.large.problem import SCHEDULES, Planted

#: Relative duality gap that the judge must find, and the tolerances tried for it.
TARGET, MOST_TRIES = 1e-4, 3
SMALL, LARGE, LARGEST = 100_000, 1_000_000, 10_000_000
#: Command → the columns that it runs at.
COLUMNS = {"generate": (SMALL, LARGE, LARGEST), "fit": (SMALL, LARGE, LARGEST),
           "peers": (LARGE, LARGEST), "growth": (10_000, SMALL, LARGE, LARGEST)}  # fmt: skip
TINY, TINY_ROWS = (2_000, 4_000), 500
#: Figures of a fit, and of a run of the plain program, that stand in its row.
WORDS = ("gap", "nonzeros", "primal", "passes", "epochs", "working_set", "updates", "rounds",
         "first_pass_seconds", "score_seconds", "scored", "bytes_moved", "layout_seconds",
         "compile_seconds", "start_seconds", "compiled", "phases")  # fmt: skip
PLAIN = ("epochs", "ids", "rounds", "gap", "id_seconds", "round_seconds", "scheduling_seconds",
         "starved_seconds", "pass_seconds", "column_seconds", "layout_seconds")  # fmt: skip


class Trial(NamedTuple):
    """What came of a fit: what was fitted, how, what the child found, memory by process."""

    key: dict[str, Any]
    how: dict[str, Any]  # tolerance, outcome, seconds, bytes of all processes together
    found: dict[str, Any]  # see `bench.large.problem`; empty if the child was killed
    shares: dict[str, int]  # proportional set sizes at the peak

    def row(self, words: Iterable[str] = WORDS) -> dict[str, Any]:
        """The fit's line in a file of results."""
        return self.key | self.how | {word: self.found.get(word) for word in words}


class Trials:
    """Fits in processes of their own; one that takes too long or too much memory is killed."""

    def __init__(self, minutes: float, gib: float, interval: float) -> None:
        self.minutes, self.gib, self.interval = minutes, gib, interval

    def converging(self, problem: Planted, name: str) -> Trial:
        """Fit with tighter tolerances until the judge is content."""
        for turn in range(MOST_TRIES):
            trial = self.attempt(problem, name, TARGET * TIGHTER**turn)
            if trial.how["outcome"] == "converged" or "gap" not in trial.found:
                break
        return trial

    def attempt(self, problem: Planted, name: str, tol: float = TARGET) -> Trial:
        """Fit once."""
        child = Process(problem, name, {"tol": tol})
        child.ready()
        begin, reason = time.perf_counter(), ""

        def watch(size: int) -> None:
            nonlocal reason
            if time.perf_counter() - begin > 60.0 * self.minutes:
                reason = f"killed after {self.minutes:g} minutes"
            elif size > self.gib * 2**30:
                reason = f"killed at {self.gib:g} GiB"
            if reason:
                child.process.kill()

        found: dict[str, Any] = {}
        with Memory(child.process.pid, self.interval, watch) as memory:
            child.go()
            try:
                found = child.answer()
                reached = "converged" if found.get("gap", float("inf")) <= TARGET else "gap missed"
                outcome = str(found.get("error", reached))
            except RuntimeError as error:
                outcome = reason or str(error)
        seconds = found.get("end", time.perf_counter()) - found.get("begin", begin)
        names, peak = dict(found.get("processes", [])), memory.peak()
        shares = {names.get(pid, "other"): size for pid, size in peak.items()}
        how = {"tol": tol, "outcome": outcome, "seconds": seconds, "peak_bytes": sum(peak.values())}
        return Trial(asdict(problem) | {"solver": name}, how, found, shares)


def main(
    name: Annotated[str, Argument(metavar="|".join(COLUMNS))],
    columns: Annotated[list[int] | None, Option(help="by default what docs/evidence shows")] = None,
    rows: int = planted.ROWS,
    seed: int = 0,
    divisors: Annotated[list[float], Option(help="α_max / α")] = (10.0, 50.0),
    workers: Annotated[list[int] | None, Option(help="by default up to the cores")] = None,
    solvers: Annotated[list[str], Option(help="of peers")] = ("sklearn", "celer"),
    minutes: Annotated[float, Option(help="minutes that a fit may take")] = 30.0,
    gib: Annotated[float, Option(help="GiB that a fit may hold")] = 20.0,
    interval: Annotated[float, Option(help="seconds between samples of memory")] = INTERVAL,
    out: Annotated[Path | None, Option(help="folder of the results")] = None,
    quick: Annotated[bool, Option(help="up to a million columns")] = False,
    tiny: Annotated[bool, Option(help="does it run at all")] = False,
) -> list[Trial]:
    """Generate designs, fit them with strads, with peers, or measure how figures grow."""
    sizes = COLUMNS[name]
    if tiny:
        sizes, rows, interval = TINY, TINY_ROWS, 0.05
    elif quick:
        sizes = tuple(size for size in sizes if size <= LARGE)
    workers = workers or list(range(1, (os.cpu_count() or 1) + 1))
    problems = [Planted(size, rows, seed, divisor)
                for size, divisor in itertools.product(columns or sizes, divisors)]  # fmt: skip
    generate(dict.fromkeys(problem.columns for problem in problems), rows, seed, name == "generate")
    trials = Trials(minutes, gib, interval)
    if name == "fit":
        return fit(problems, workers, trials, out)
    if name == "peers":
        return peers(problems, Planted.present(solvers), trials, out)
    if name == "growth":
        first = [problem for problem in problems if problem.divisor == divisors[0]]
        return growth(first, workers, trials, out)
    return []


def generate(columns: Iterable[int], rows: int, seed: int, show: bool) -> None:
    """Write the designs into the cache folder, in parallel."""
    lines = []
    for size in columns:
        folder = planted.folder_of(size, rows, seed)
        there, begin = folder.exists(), time.perf_counter()
        entries = planted.load(size, rows=rows, seed=seed).X.nnz
        seconds = "was there" if there else f"{time.perf_counter() - begin:.1f}"
        lines.append({"columns": size, "entries": entries, "seconds": seconds,
                      "bytes": sum(each.stat().st_size for each in folder.iterdir())})  # fmt: skip
    if show:
        columns = [("columns", "{columns:,}"), ("non-zeros", "{entries:,}"),
                   ("bytes", "{bytes:,}"), ("seconds", "{seconds}")]  # fmt: skip
        Table("planted designs", columns, lines).show()


def fit(
    problems: list[Planted], workers: list[int], trials: Trials, out: Path | None
) -> list[Trial]:
    """Fit at every size, α and number of workers with strads, to a judged gap of 1e-4.

    Three files: the fits, the arrays of each (bytes by kind; which ones every worker has a copy
    of), and the processes (proportional set sizes at the peak).
    """
    fits, arrays, processes = (Rows(f"large-{each}", out) for each in tables.OF_FITS)
    found = []
    for problem, crew in itertools.product(problems, workers):
        trial = trials.converging(problem, f"strads-{crew}")
        found.append(trial)
        fits.add(trial.row())
        for array in trial.found.get("arrays", []):
            arrays.add(trial.key | array)
        for process, size in trial.shares.items():
            processes.add(trial.key | {"process": process, "bytes": size})
    _show(fits, arrays, processes)
    return found


def peers(
    problems: list[Planted], solvers: list[str], trials: Trials, out: Path | None
) -> list[Trial]:
    """Fit the same designs with scikit-learn and celer, once each.

    Their tolerances are the target in their own terms; the judge says what they reached.
    """
    file, found = Rows("large-peers", out), []
    for problem, name in itertools.product(problems, solvers):
        found.append(trials.attempt(problem, name))
        file.add(found[-1].row())
    _show(file)
    return found


def growth(
    problems: list[Planted], workers: list[int], trials: Trials, out: Path | None
) -> list[Trial]:
    """Measure seconds and bytes as the number of columns grows.

    At every size and number of workers: the shipped solver, and a plain coordinate program under
    each schedule, which dispatches every column.
    """
    fits, file, found = Rows("large-growth-fits", out), Rows("large-growth", out), []
    for problem, crew in itertools.product(problems, workers):
        fits.add(trials.converging(problem, f"strads-{crew}").row())
        for schedule in SCHEDULES:
            trial = trials.attempt(problem, f"{schedule}-{crew}")
            found.append(trial)
            file.add(trial.key | {"schedule": schedule, "workers": crew,
                                  "peak_bytes": trial.how["peak_bytes"],
                                  "failed": "" if trial.found else trial.how["outcome"]}
                     | {word: trial.found.get(word) for word in PLAIN})  # fmt: skip
        print(f"{problem.columns:,} columns, {crew} workers: measured", flush=True)
    _show(fits, file)
    return found


def _show(*files: Rows) -> None:
    """Print the tables of files of rows."""
    for some in made(
        tables.TABLES, {file.name: pd.DataFrame(file.rows) for file in files}
    ).values():
        for table in some:
            table.show()
    print("written:", *(file.path for file in files))


if __name__ == "__main__":
    command(main)
