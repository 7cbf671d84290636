"""Schedules beside the conventional ways: data-parallel FISTA, scikit-learn, and what we ship."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Lasso as PeerLasso

from bench.judge import judge
from bench.schedules.data_parallel import DataParallelLasso, data_parallel_lasso
from bench.schedules.grid import USUAL_RHO, Scale, Setting, fits
from bench.schedules.problem import Design, design
from bench.schedules.program import Measured
from bench.schedules.trial import COARSE, FINE, NAN, arm_program, follow
from bench.solvers import ITERATIONS, quietly
from strads import Lasso
from strads.engine import available_cores

SOLVERS: Final = ("scheduled", "data-parallel", "scikit-learn", "shipped")
#: Ids of a worker in a micro-round of the scheduled arm.
IDS: Final = 8
#: A gradient step moves every coordinate only a little, so its cap is this many times larger.
PATIENCE: Final = 10
#: Endings of columns, and the gaps until which they count.
GAPS: Final = ((3, COARSE), (6, FINE))
#: Columns of a row that a solver may leave open.
COLUMNS: Final = ("updates_3", "updates_6", "seconds_3", "seconds_6", "data_bytes", "state_bytes",
                  "replicated_bytes", "moved_3", "moved_6")  # fmt: skip


@dataclass(frozen=True)
class Race:
    """A solver with so many workers on one problem."""

    data: str
    divisor: float
    solver: str
    workers: int
    cap: int


def races(scale: Scale) -> Iterator[Race]:
    """Yield the races to be run."""
    cores = available_cores()
    for data, divisor, solver in itertools.product(scale.data, scale.divisors, SOLVERS):
        for workers in sorted({*scale.workers, cores}):
            cap = scale.cap
            if solver == "data-parallel":
                # Iterates do not depend on the workers: beyond the cores only bytes are measured.
                cap = PATIENCE * cap if workers <= cores else 1
            alone = solver == "scikit-learn" and workers > 1
            beyond = solver == "shipped" and workers > cores
            crowded = solver == "scheduled" and not fits(data, workers, IDS)
            if not alone and not beyond and not crowded:
                yield Race(data, divisor, solver, workers, cap)


def run(race: Race) -> dict[str, Any]:
    """Run a solver to both gaps.

    Returns
    -------
    dict of str to value
        Columns of its row; the ending 3 or 6 means: until the gap was 1e-3 or 1e-6.

        * updates: of single coordinates; a gradient step updates all;
        * seconds: of the second run, without measuring; NaN with more workers than cores;
        * data_bytes: X and y, of which the machine holds one copy;
        * state_bytes: the model and all that is derived from it, a worker;
        * replicated_bytes: the part of these that every worker has in full;
        * moved: bytes between workers, all of them together.
    """
    problem = design(race.data)
    X = problem.X
    parts = (X.data, X.indices, X.indptr) if sp.issparse(X) else (X,)
    known = {"samples": X.shape[0], "features": X.shape[1], **dict.fromkeys(COLUMNS, NAN),
             "data_bytes": sum(part.nbytes for part in (*parts, problem.y))}  # fmt: skip
    ours = race.solver in ("scheduled", "data-parallel")
    return known | (_program(problem, race) if ours else _estimator(problem, race))


def _program(problem: Design, race: Race) -> dict[str, float]:
    """Run a program of ours, again if its time counts: the first run compiles."""
    scheduled, beyond = race.solver == "scheduled", race.workers > available_cores()
    setting = Setting(race.data, race.divisor, "both", race.workers, IDS, USUAL_RHO,
                      executor="serial" if beyond else "processes", cap=race.cap)  # fmt: skip

    def made() -> Measured | DataParallelLasso:
        if scheduled:
            return arm_program(problem, setting)
        return data_parallel_lasso(problem, race.divisor, race.workers)

    for _ in range(1 if beyond else 2):
        path, known = follow(made(), setting, problem.objective_at_zero)
    # Bytes an update; of the gradient, what an all-reduce moves at best, all workers together.
    share = 2 * (race.workers - 1) * 8
    if scheduled:
        share = known["bytes_moved"] / max(path.updates[-1], 1)
    found = {}
    for digits, gap in GAPS:
        at = path.crossing(gap)
        if at is not None:
            found[f"updates_{digits}"] = float(path.updates[at])
            found[f"moved_{digits}"] = float(path.updates[at] * share)
            found[f"seconds_{digits}"] = NAN if beyond else path.seconds[at]
    fields = made().fields()
    held = {**known["bytes"].get("variable", {}), **known["bytes"].get("derived", {})}
    replicated = sum(size for name, size in held.items() if fields[name].replicated)
    return found | {"state_bytes": sum(held.values()) / known["workers"],
                    "replicated_bytes": replicated / known["workers"]}  # fmt: skip


def _estimator(problem: Design, race: Race) -> dict[str, float]:
    """Fit scikit-learn's or our Lasso twice: the first fit compiles."""
    shipped, alpha = race.solver == "shipped", problem.alpha_max / race.divisor
    found: dict[str, float] = {}
    for digits, gap in GAPS:
        if shipped:
            model = Lasso(alpha, fit_intercept=False, tol=gap, n_workers=race.workers,
                          random_state=0)  # fmt: skip
        else:  # its tolerance is relative to ‖y‖² / n, twice P(0)
            model = PeerLasso(alpha, fit_intercept=False, tol=0.5 * gap, max_iter=ITERATIONS)
        for _ in range(2):
            seconds = judged_seconds(problem, model, alpha, gap)
        found[f"seconds_{digits}"] = seconds
        if seconds == seconds:
            found[f"updates_{digits}"] = _updates(model, shipped)
        found[f"moved_{digits}"] = float(model.statistics_["bytes_moved"]) if shipped else 0.0
    if not shipped:
        found |= {"state_bytes": 8.0 * sum(problem.shape), "replicated_bytes": 0.0}
    return found


def _updates(model: Any, shipped: bool) -> float:
    """Updates of a fit; those of full passes over all columns count as updates of each."""
    if not shipped:
        return float(model.n_iter_ * model.n_features_in_)
    phases = model.statistics_["phases"]
    passes = phases.get("score", {}).get("launches", 0)
    within = phases.get("descend", {}).get("updates", 0) + model.history_[-1]["swept"]
    return float(within + passes * model.n_features_in_)


def judged_seconds(problem: Design, model: Any, alpha: float, gap: float) -> float:
    """Seconds of a fit, without intercept; NaN if the judge does not find the gap."""
    begin = time.perf_counter()
    quietly(lambda: model.fit(problem.X, problem.y))
    seconds = time.perf_counter() - begin
    coef = np.ravel(model.coef_)
    found = judge(problem.X, problem.y, coef, alpha=alpha, fit_intercept=False).gap
    return seconds if found <= 1.01 * gap else NAN  # solver and judge round differently
