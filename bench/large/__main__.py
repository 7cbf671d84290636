"""The Lasso at ten million variables: ``python -m bench.large {generate,fit,peers,growth}``.

A fit runs in a process of its own. *Seconds* are those of the fit, with the check of X, what is
compiled or loaded from the cache, and the start of the processes; reading the design is not among
them. *Peak* is the memory of all processes together, the mapped design among it.
"""

import itertools
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
from typer import Argument, Option

from bench.harness.command import command
from bench.harness.process import INTERVAL, Memory, Process
from bench.harness.race import TIGHTER
from bench.harness.tables import Rows, made
from bench.large import planted
from bench.large.problem import SCHEDULES, Planted
from bench.large.tables import TABLES

#: Relative duality gap that the judge must find, and the tolerances tried for it.
TARGET, MOST_TRIES = 1e-4, 3
SMALL, LARGE, LARGEST = 100_000, 1_000_000, 10_000_000
#: Command → the columns that it runs at.
COLUMNS = {"generate": (SMALL, LARGE, LARGEST), "fit": (SMALL, LARGE, LARGEST),
           "peers": (LARGE, LARGEST), "growth": (10_000, SMALL, LARGE, LARGEST)}  # fmt: skip
TINY, TINY_ROWS = (2_000, 4_000), 500
#: Figures of a fit, and of a run of the plain program, that stand in its row.
FITTED = ("gap", "nonzeros", "passes", "working_set", "compile_seconds")
PLAIN = ("gap", "id_seconds", "round_seconds", "scheduling_seconds", "pass_seconds",
         "column_seconds")  # fmt: skip


class Trial(NamedTuple):
    """What came of a fit: its row, what the child found, and memory by process at the peak."""

    row: dict[str, Any]
    found: dict[str, Any]  # see `bench.large.problem`; empty if the child was killed
    shares: dict[str, int]  # proportional set sizes


@dataclass(frozen=True)
class Limits:
    """Time and memory beyond which a fit is killed; seconds between samples of memory."""

    minutes: float
    gib: float
    interval: float


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
    """Generate designs, fit them with strads or peers, or measure how figures grow.

    fit writes three files: the fits, the arrays of each, and the processes. peers fits once, with
    tolerances that are the target in a solver's own terms; growth, at the first α, also the plain
    program under each schedule.
    """
    sizes = COLUMNS[name]
    if tiny:
        sizes, rows, interval = TINY, TINY_ROWS, 0.05
    elif quick:
        sizes = tuple(size for size in sizes if size <= LARGE)
    sizes = columns or sizes
    for size in sizes:  # generated before anything is measured
        planted.load(size, rows=rows, seed=seed)
    crews = workers or range(1, (os.cpu_count() or 1) + 1)
    chosen = {
        "generate": [], "fit": [f"strads-{crew}" for crew in crews], "peers": solvers,
        "growth": [f"{each}-{crew}" for crew in crews for each in ("strads", *SCHEDULES)],
    }[name]  # fmt: skip
    files = {"fit": ["fits", "arrays", "processes"], "peers": ["peers"],
             "growth": ["growth-fits", "growth"]}.get(name, [])  # fmt: skip
    written = [Rows(f"large-{each}", out) for each in files]
    found = []
    for size, divisor, solver in itertools.product(
        sizes, divisors[:1] if name == "growth" else divisors, Planted.present(chosen)
    ):
        problem = Planted(size, rows, seed, divisor)
        trial = converging(problem, solver, Limits(minutes, gib, interval))
        found.append(trial)
        print(f"{solver}, {size:,} columns, α_max/{divisor:g}: {trial.row['outcome']}", flush=True)
        key = asdict(problem) | {"solver": solver}
        if solver.rpartition("-")[0] in SCHEDULES:
            schedule, _, crew = solver.rpartition("-")
            written[-1].add(key | {"schedule": schedule, "workers": int(crew),
                                   "peak_bytes": trial.row["peak_bytes"]}
                            | {word: trial.found.get(word) for word in PLAIN})  # fmt: skip
        else:
            written[0].add(trial.row)
        if name == "fit":
            for array in trial.found.get("arrays", []):
                written[1].add(key | array)
            for process, size_ in trial.shares.items():
                written[2].add(key | {"process": process, "bytes": size_})
    for tables in made(TABLES, {file.name: pd.DataFrame(file.rows) for file in written}).values():
        for table in tables:
            table.show()
    return found


def converging(problem: Planted, solver: str, limits: Limits) -> Trial:
    """Fit once; ours with tighter tolerances until the judge is content."""
    for turn in range(MOST_TRIES):
        trial = attempt(problem, solver, TARGET * TIGHTER**turn, limits)
        missed = trial.row["outcome"] == "gap missed"
        if not (missed and solver.startswith("strads")):
            break
    return trial


def attempt(problem: Planted, solver: str, tol: float, limits: Limits) -> Trial:
    """Fit once, in a process that is killed beyond the limits."""
    child = Process(problem, solver, {"tol": tol})
    child.ready()
    begin, reason = time.perf_counter(), ""

    def watch(size: int) -> None:
        nonlocal reason
        if time.perf_counter() - begin > 60.0 * limits.minutes:
            reason = f"killed after {limits.minutes:g} minutes"
        elif size > limits.gib * 2**30:
            reason = f"killed at {limits.gib:g} GiB"
        if reason:
            child.process.kill()

    found: dict[str, Any] = {}
    with Memory(child.process.pid, limits.interval, watch) as memory:
        child.go()
        try:
            found = child.answer()
            reached = found.get("gap", float("inf")) <= TARGET
            outcome = found.get("error", "converged" if reached else "gap missed")
        except RuntimeError as error:
            outcome = reason or str(error)
    names, peak = dict(found.get("processes", [])), memory.peak()
    row = asdict(problem) | {
        "solver": solver, "tol": tol, "outcome": outcome,
        "seconds": found.get("end", time.perf_counter()) - found.get("begin", begin),
        "peak_bytes": sum(peak.values()), **{word: found.get(word) for word in FITTED},
    }  # fmt: skip
    return Trial(row, found, {names.get(pid, "other"): size for pid, size in peak.items()})


if __name__ == "__main__":
    command(main)
