"""Schedules beside the conventional ways: data-parallel FISTA, scikit-learn, and what we ship."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from bench.judge import judge
from bench.schedules.data_parallel import DataParallelLasso, data_parallel_lasso
from bench.schedules.grid import USUAL_RHO, Scale, fits
from bench.schedules.path import Path
from bench.schedules.problem import Design, design
from bench.schedules.program import Measured
from bench.schedules.setting import NAN, Setting
from bench.schedules.trial import COARSE, FINE, arm_program, follow
from bench.solvers import ITERATIONS, quietly
from strads import Program
from strads.engine import available_cores

SOLVERS: Final = ("scheduled", "data-parallel", "scikit-learn", "shipped")
#: Ids of a worker in a micro-round of the scheduled arm.
IDS: Final = 8
#: A gradient step moves every coordinate only a little, so its cap is this many times larger.
PATIENCE: Final = 10


@dataclass(frozen=True)
class Race:
    """A solver with so many workers on one problem; bytes are a worker's.

    Attributes
    ----------
    updates_3, updates_6 : float
        Of single coordinates, until the gap was 1e-3 and 1e-6; a gradient step updates all.
    seconds_3, seconds_6 : float
        The second run's, without measuring; NaN with more workers than cores.
    data_bytes : float
        X and y, of which the machine holds one copy.
    state_bytes : float
        The model and all that is derived from it.
    replicated_bytes : float
        The part of these that every worker has in full.
    moved_3, moved_6 : float
        Bytes between workers, all of them together, until the gap was reached.
    """

    data: str
    divisor: float
    solver: str
    workers: int
    cap: int
    samples: int = 0
    features: int = 0
    updates_3: float = NAN
    updates_6: float = NAN
    seconds_3: float = NAN
    seconds_6: float = NAN
    data_bytes: float = NAN
    state_bytes: float = NAN
    replicated_bytes: float = NAN
    moved_3: float = NAN
    moved_6: float = NAN

    def row(self) -> dict[str, Any]:
        """Its line in a file."""
        return {n: f"{v:.6g}" if isinstance(v, float) and n != "divisor" else v
                for n, v in asdict(self).items()}  # fmt: skip


#: Columns that tell rows apart.
KEY: Final = ("data", "divisor", "solver", "workers", "cap")


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


def key(race: Race) -> tuple[str, ...]:
    """Its key as text."""
    return tuple(str(getattr(race, name)) for name in KEY)


def run(race: Race) -> Race:
    """Run a solver to both gaps."""
    problem = design(race.data)
    n, features = problem.shape
    known = asdict(race) | {"samples": n, "features": features,
                            "data_bytes": _nbytes(problem.X) + problem.y.nbytes}  # fmt: skip
    solve = {"scheduled": _scheduled, "data-parallel": _data_parallel,
             "scikit-learn": _sklearn, "shipped": _shipped}[race.solver]  # fmt: skip
    return Race(**(known | solve(problem, race)))


def _scheduled(problem: Design, race: Race) -> dict[str, float]:
    setting = _setting(race)
    path, statistics = _twice(lambda: arm_program(problem, setting), setting, problem)
    share = statistics["bytes_moved"] / max(path.updates[-1], 1)
    moved = {n: count * share for n, count in _moved(path).items()}
    return _crossings(path, setting) | moved | _state(arm_program(problem, setting), statistics)


def _data_parallel(problem: Design, race: Race) -> dict[str, float]:
    setting = _setting(race)
    path, statistics = _twice(
        lambda: data_parallel_lasso(problem, race.divisor, race.workers), setting, problem
    )
    # What an all-reduce of the gradient moves at best, all workers together.
    share = 2 * (race.workers - 1) * 8
    moved = {n: count * share for n, count in _moved(path).items()}
    program = data_parallel_lasso(problem, race.divisor, race.workers)
    return _crossings(path, setting) | moved | _state(program, statistics)


def _setting(race: Race) -> Setting:
    beyond = race.workers > available_cores()
    return Setting(race.data, race.divisor, "both", race.workers, IDS, USUAL_RHO,
                   executor="serial" if beyond else "processes", cap=race.cap)  # fmt: skip


def _twice(
    make: Callable[[], Measured | DataParallelLasso], setting: Setting, problem: Design
) -> tuple[Path, dict[str, Any]]:
    """Run a program, again if its time counts: the first run compiles."""
    if setting.executor == "processes":
        follow(make(), setting, problem.objective_at_zero)
    return follow(make(), setting, problem.objective_at_zero)


def _crossings(path: Path, setting: Setting) -> dict[str, float]:
    found = {}
    for digits, gap in ((3, COARSE), (6, FINE)):
        at = path.crossing(gap)
        timed = at is not None and setting.executor == "processes"
        found[f"updates_{digits}"] = NAN if at is None else float(path.updates[at])
        found[f"seconds_{digits}"] = path.seconds[at] if timed and at is not None else NAN
    return found


def _moved(path: Path) -> dict[str, float]:
    """Updates until both gaps, under the names of the bytes that they move."""
    at = {"moved_3": path.crossing(COARSE), "moved_6": path.crossing(FINE)}
    return {name: NAN if i is None else float(path.updates[i]) for name, i in at.items()}


def _state(program: Program, statistics: dict[str, Any]) -> dict[str, float]:
    """Bytes of a worker's variables and derived arrays."""
    workers, fields = statistics["workers"], program.fields()
    held = {**statistics["bytes"].get("variable", {}), **statistics["bytes"].get("derived", {})}
    replicated = sum(size for name, size in held.items() if fields[name].replicated)
    return {"state_bytes": sum(held.values()) / workers, "replicated_bytes": replicated / workers}


def _sklearn(problem: Design, race: Race) -> dict[str, float]:
    from sklearn.linear_model import Lasso

    n, features = problem.shape
    found = {"state_bytes": 8.0 * (n + features), "replicated_bytes": 0.0,
             "moved_3": 0.0, "moved_6": 0.0}  # fmt: skip
    alpha = problem.alpha_max / race.divisor
    for digits, gap in ((3, COARSE), (6, FINE)):
        # Its tolerance is relative to ‖y‖² / n, twice P(0).
        model = Lasso(alpha, fit_intercept=False, tol=0.5 * gap, max_iter=ITERATIONS)
        found |= _fitted(problem, model, alpha, digits, gap,
                         lambda model: float(model.n_iter_ * features))  # fmt: skip
    return found


def _shipped(problem: Design, race: Race) -> dict[str, float]:
    from strads import Lasso

    found: dict[str, float] = {}
    alpha = problem.alpha_max / race.divisor
    for digits, gap in ((3, COARSE), (6, FINE)):
        model = Lasso(alpha, fit_intercept=False, tol=gap, n_workers=race.workers, random_state=0)
        found |= _fitted(problem, model, alpha, digits, gap, _shipped_updates)
        found[f"moved_{digits}"] = float(model.statistics_["bytes_moved"])
    return found


def _shipped_updates(model: Any) -> float:
    """Updates within working sets; full passes over all columns count as updates of each."""
    phases = model.statistics_["phases"]
    passes = phases.get("score", {}).get("launches", 0)
    within = phases.get("descend", {}).get("updates", 0) + model.history_[-1]["swept"]
    return float(within + passes * model.n_features_in_)


def _fitted(
    problem: Design, model: Any, alpha: float, digits: int, gap: float,
    updates: Callable[[Any], float],
) -> dict[str, float]:  # fmt: skip
    """Fit twice; updates and seconds of the second fit, if the judge is content."""
    quietly(lambda: model.fit(problem.X, problem.y))
    seconds = judged_seconds(problem, model, alpha, gap)
    reached = seconds == seconds
    return {f"updates_{digits}": updates(model) if reached else NAN,
            f"seconds_{digits}": seconds}  # fmt: skip


def judged_seconds(problem: Design, model: Any, alpha: float, gap: float) -> float:
    """Seconds of a fit, without intercept; NaN if the judge does not find the gap."""
    begin = time.perf_counter()
    quietly(lambda: model.fit(problem.X, problem.y))
    seconds = time.perf_counter() - begin
    coef = np.ravel(model.coef_)
    found = judge(problem.X, problem.y, coef, alpha=alpha, fit_intercept=False).gap
    return seconds if found <= 1.01 * gap else NAN  # solver and judge round differently


def _nbytes(X: Any) -> int:
    parts = (X.data, X.indices, X.indptr) if sp.issparse(X) else (X,)
    return int(sum(part.nbytes for part in parts))
