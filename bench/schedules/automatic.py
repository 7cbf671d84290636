"""`Auto` beside every fixed schedule, on the same problems: updates and seconds to the same gap.

Plain coordinate rounds of the Lasso, non-negative least squares and sparse logistic regression. The
arms take turns, repeat after repeat. Topic models are left out, since their program allows one
schedule only, and so are support vector machines, whose program has none.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numba
import numpy as np
import pandas as pd

from bench.harness.tables import Table
from bench.lasso.data import dataset
from bench.programs.nnls import problem
from bench.schedules.problem import Design, design
from bench.schedules.programs import coordinate_lasso
from bench.schedules.run import GAPS, crossing, follow, of
from bench.schedules.settings import Scale, Setting
from examples.own_program import NNLS
from strads import SparseLogisticRegression, iterate
from strads.engine import (
    AdaptiveFrequency,
    Auto,
    Correlation,
    Gram,
    Priority,
    RoundRobin,
    Schedule,
    Shuffled,
    Timed,
    available_cores,
)

#: Fixed schedules, and the automatic one.
FIXED: Final = ("cyclic", "shuffled", "lists", "lists by gain", "sum-tree", "sum-tree by gain",
                "frequencies")  # fmt: skip
ARMS: Final = (*FIXED, "auto", "timed")
#: What a clock chooses from in the last of them.
TIMED: Final = ("auto", "lists", "cyclic")
#: Most epochs of a run, and fewest repeats of which a median is taken.
CAP: Final = 120
LEAST: Final = 5
#: Sparse logistic regression has only these.
NAMED: Final = {"cyclic": "round-robin", "sum-tree": "priority", "auto": "auto"}


@dataclass(frozen=True)
class Task:
    """One run: a problem, an arm, and which repeat it is."""

    kind: str
    data: str
    divisor: float
    arm: str
    repeat: int
    workers: int
    cap: int


class Course(NamedTuple):
    """Updates and seconds of a run until its gap was 1e-3 or 1e-6."""

    updates: dict[int, float]
    seconds: dict[int, float]

    def row(self) -> dict[str, float]:
        """Return the figures by the names of their columns."""
        found = {f"updates_{digits}": count for digits, count in self.updates.items()}
        return found | {f"seconds_{digits}": time for digits, time in self.seconds.items()}


def problems(scale: Scale) -> Iterator[tuple[str, str, float]]:
    """Yield what is solved: kind, data and α_max / α."""
    names = [name for name in scale.data if name in ("golub", "BASEHOCK", "w8a", "tiny")]
    yield from itertools.product(("lasso",), names, scale.divisors)
    for name in names:
        if name in ("BASEHOCK", "tiny"):
            yield "nnls", name, 1.0
        if name in ("w8a", "BASEHOCK"):
            yield from itertools.product(("logistic",), (name,), scale.divisors)


def tasks(scale: Scale) -> Iterator[Task]:
    """Yield the runs; the arms of a problem take turns."""
    repeats = 1 if scale.seeds == 1 else max(scale.seeds, LEAST)
    for problem_, repeat in itertools.product(problems(scale), range(repeats)):
        for arm in ARMS:
            if problem_[0] != "logistic" or arm in NAMED:
                yield Task(*problem_, arm, repeat, max(available_cores(), 2), min(scale.cap, CAP))


def plan(arm: str, axis: str, coupling: Any) -> Schedule:
    """Return the schedule of an arm."""
    filtered: dict[str, Any] = {"rho": 0.1, "coupling": coupling}
    made: dict[str, Schedule] = {
        "cyclic": RoundRobin(axis, lease=64, micro=64),
        "shuffled": Shuffled(axis, lease=64, micro=64),
        "lists": Priority(axis, **filtered),
        "lists by gain": Priority(axis, feedback="gain", floor=1e-3, **filtered),
        "sum-tree": Priority(axis, by="draws", **filtered),
        "sum-tree by gain": Priority(axis, by="draws", feedback="gain", **filtered),
        "frequencies": AdaptiveFrequency(axis, **filtered),
        "auto": Auto(axis, coupling=coupling),
    }
    made["timed"] = Timed(axis, {name: made[name] for name in TIMED})
    return made[arm]


def solved(task: Task) -> dict[str, float]:
    """Run a task, twice if the first run may compile; return its figures."""
    work = {"lasso": _lasso, "nnls": _nnls, "logistic": _logistic}[task.kind]
    if task.repeat == 0 and not numba.config.DISABLE_JIT:
        work(task)
    return work(task).row()


def _lasso(task: Task) -> Course:
    given: Design = design(task.data)
    coupling = Correlation("X") if given.gram is None else Gram("G", "diagonal")
    program = coordinate_lasso(given, task.divisor, plan(task.arm, "features", coupling))
    setting = Setting(task.data, task.divisor, task.arm, task.workers, 1, seed=task.repeat,
                      executor="processes", cap=task.cap)  # fmt: skip
    path, _ = follow(program, setting, given.objective_at_zero)
    at = {digits: crossing(path, gap) for digits, gap in GAPS.items()}
    return Course(
        {digits: of(row, "updates") for digits, row in at.items()},
        {digits: of(row, "seconds") for digits, row in at.items()},
    )


def _nnls(task: Task) -> Course:
    asked = problem(task.data, 1e-6)
    schedule = plan(task.arm, "cols", Correlation("A"))
    program = type("NNLS", (NNLS,), {"schedule": schedule})(A=asked.A, b=asked.b)
    updates, seconds = dict.fromkeys(GAPS, np.nan), dict.fromkeys(GAPS, np.nan)
    scale = asked.tol / 1e-6
    with iterate(program, workers=task.workers, executor="processes", seed=task.repeat,
                 tol=asked.tol, epochs=4 * task.cap) as run:  # fmt: skip
        for step in run:
            known = run.statistics()
            for digits, gap in GAPS.items():
                if np.isnan(updates[digits]) and step.figures["certificate"] <= gap * scale:
                    updates[digits] = float(known["phases"]["main"]["updates"])
                    seconds[digits] = known["phases"]["main"]["seconds"]
    return Course(updates, seconds)


def _logistic(task: Task) -> Course:
    X, y = dataset(task.data)
    labels = np.asarray(y) > np.median(y)
    updates, seconds = dict.fromkeys(GAPS, np.nan), dict.fromkeys(GAPS, np.nan)
    largest = np.abs(X.T @ (labels - labels.mean())).max() / len(labels)
    for digits, gap in GAPS.items():
        model = SparseLogisticRegression(
            alpha=float(largest) / task.divisor, schedule=NAMED[task.arm], tol=gap,
            n_workers=task.workers, random_state=task.repeat,
        ).fit(X, labels)  # fmt: skip
        known = model.statistics_
        if model.dual_gap_ <= gap:
            updates[digits] = float(known["phases"].get("descend", {}).get("updates", 0))
            seconds[digits] = known["seconds"]
    return Course(updates, seconds)


def medians(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the median of every problem (a row) and arm (a column); a miss counts as infinite."""
    filled = rows.assign(**{column: rows[column].fillna(np.inf)})
    keys = ["kind", "data", "divisor"]
    table = filled.pivot_table(column, keys, "arm", "median", dropna=False, sort=False)
    return table.reindex(columns=ARMS).dropna(how="all")


def table(rows: pd.DataFrame, what: str, digits: int) -> Table:
    """Return the medians of all arms, and `auto` beside the best fixed schedule.

    `what` is "updates" or "seconds"; `digits` tells the gap.
    """
    column, title = f"{what}_{digits}", f"{what} to {GAPS[digits]:g}"
    found = []
    for (kind, data, divisor), line in medians(rows, column).iterrows():
        best = line[list(FIXED)].min()
        beside = line["auto"] / best if np.isfinite(best) and best > 0 else np.nan
        cells = {arm: _short(line[arm]) for arm in ARMS}
        found.append({"problem": f"{kind} {data}, α_max/{divisor:g}", "beside": _short(beside),
                      **{arm.replace(" ", "_").replace("-", "_"): text
                         for arm, text in cells.items()}})  # fmt: skip
    columns = [("problem", "{problem}")]
    columns += [(arm, f"{{{arm.replace(' ', '_').replace('-', '_')}}}") for arm in ARMS]
    return Table(f"Auto: {title}", [*columns, ("auto ÷ best fixed", "{beside}")], found)


def _short(value: float) -> str:
    if np.isinf(value):
        return "never"
    return "–" if np.isnan(value) else f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
