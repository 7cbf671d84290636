"""Schedules beside the conventional ways, and which lease, micro-round and ρ are best.

*Conventional*: data-parallel FISTA, scikit-learn, and what we ship. *Defaults*: both solvers that
schedule coordinates are timed under every combination, on as many worker processes as there are
cores: the plain coordinate rounds, and the shipped Lasso, whose rounds go over a working set.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Final

import scipy.sparse as sp

from bench.harness.problem import Solver, clocked
from bench.lasso.judge import judge
from bench.lasso.problem import Lasso
from bench.lasso.solvers import Answer, estimator
from bench.schedules.arms import LISTS
from bench.schedules.data_parallel import DataParallelLasso
from bench.schedules.problem import Design, design
from bench.schedules.programs import Measured, coordinate_lasso
from bench.schedules.run import GAPS, NAN, arm_program, crossing, follow, of
from bench.schedules.settings import USUAL_RHO, Scale, Setting, fits
from strads.algorithms.linear.solver.gram_form.rounds import DEFAULT as INNER
from strads.engine import Correlation, Gram, Priority, available_cores

SOLVERS: Final = ("scheduled", "by lists", "data-parallel", "scikit-learn", "shipped")
#: Solvers that are programs of ours with a schedule → its arm.
ARM: Final = {"scheduled": "both", "by lists": LISTS}
#: Ids of a worker in a micro-round of the scheduled arm.
IDS: Final = 8
#: A gradient step moves every coordinate only a little, so its cap is this many times larger.
PATIENCE: Final = 10
#: Columns of a row that a solver may leave open.
COLUMNS: Final = ("updates_3", "updates_6", "seconds_3", "seconds_6", "data_bytes", "state_bytes",
                  "replicated_bytes", "moved_3", "moved_6")  # fmt: skip
#: The plain rounds run on designs with fewer entries only: they go over all columns 200 times.
PLAIN_MOST: Final = 2_000_000
#: Workers of `crowds`, more than cores, and the combinations tried: some strict, some not.
CROWD: Final = 8
CROWDED: Final = ((1024, 32, 0.3), (256, 8, 0.1), (256, 8, 0.3), (256, 8, 0.6), (256, 8, 0.9),
                  (256, 32, 0.9))  # fmt: skip


@dataclass(frozen=True)
class Race:
    """A solver with so many workers on one problem."""

    data: str
    divisor: float
    solver: str
    workers: int
    cap: int


@dataclass(frozen=True)
class Choice:
    """A combination: ids of a lease, ids of a micro-round (a worker's, both), and ρ."""

    solver: str
    data: str
    divisor: float
    lease: int
    ids: int
    rho: float
    seed: int
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
            crowded = solver in ARM and not fits(data, workers, IDS)
            if not alone and not beyond and not crowded:
                yield Race(data, divisor, solver, workers, cap)


def choices(scale: Scale) -> Iterator[Choice]:
    """Yield what is to be timed; plain rounds only on small designs at the largest penalty."""
    for seed, data, divisor in itertools.product(range(scale.seeds), scale.data, scale.divisors):
        X = design(data).X
        plain = divisor == scale.divisors[0] and (X.nnz if sp.issparse(X) else X.size) < PLAIN_MOST
        for solver, lease, ids, rho in itertools.product(
            ("plain", "shipped") if plain else ("shipped",),
            scale.leases, scale.lease_ids, scale.lease_rhos,
        ):  # fmt: skip
            yield Choice(solver, data, divisor, lease, ids, rho, seed, available_cores(), scale.cap)


def crowds(scale: Scale) -> Iterator[Choice]:
    """The shipped solver on more workers than there are cores, for its updates."""
    for seed, data, chosen in itertools.product(range(scale.seeds), scale.data, CROWDED):
        yield Choice("shipped", data, scale.divisors[0], *chosen, seed, CROWD, scale.cap)


def raced(race: Race) -> dict[str, Any]:
    """Run a solver to both gaps; the ending 3 or 6 means: until the gap was 1e-3 or 1e-6.

    updates are of single coordinates: a gradient step updates all; seconds those of the second run,
    without measuring, NaN with more workers than cores; data_bytes those of X and y, of which the
    machine holds one copy; state_bytes those of the model and all that is derived from it, a
    worker, replicated_bytes the part that every worker has in full; moved are bytes between
    workers, all of them together.
    """
    problem = design(race.data)
    X = problem.X
    parts = (X.data, X.indices, X.indptr) if sp.issparse(X) else (X,)
    known = {"samples": X.shape[0], "features": X.shape[1], **dict.fromkeys(COLUMNS, NAN),
             "data_bytes": sum(part.nbytes for part in (*parts, problem.y))}  # fmt: skip
    ours = race.solver in ARM or race.solver == "data-parallel"
    return known | (_program(problem, race) if ours else _estimators(problem, race))


def timed(choice: Choice) -> dict[str, float]:
    """Seconds and updates of a combination; NaN if it did not reach a gap of 1e-6."""
    problem, shipped = design(choice.data), choice.solver == "shipped"
    axis, coupling = ("chosen", Gram("G", "curvature")) if shipped else (
        "features", Correlation("X"))  # fmt: skip
    schedule = Priority(axis, coupling=coupling, rho=choice.rho, by="draws", lease=choice.lease,
                        micro=-(-choice.lease // choice.ids),
                        sweeps=INNER.sweeps if shipped else 1)  # fmt: skip
    if shipped:
        solver = estimator("strads", random_state=choice.seed, schedule=schedule)
        again = choice.workers <= available_cores()  # seconds are of interest
        seconds, answer = fitted(problem, choice.divisor, solver, choice.workers, GAPS[6], again)
        phases = answer.model.statistics_["phases"]
        updates = phases.get("descend", {}).get("updates", 0)
        return {"seconds": seconds, "updates": updates if seconds == seconds else NAN}
    setting = Setting(choice.data, choice.divisor, "both", choice.workers, choice.ids, choice.rho,
                      choice.seed, executor="processes", cap=choice.cap)  # fmt: skip
    for cap in (1, choice.cap):  # the first compiles
        program = coordinate_lasso(problem, choice.divisor, schedule)
        path, _ = follow(program, replace(setting, cap=cap), problem.objective_at_zero)
    return {word: of(crossing(path, GAPS[6]), word) for word in ("seconds", "updates")}


def fitted(
    problem: Design, divisor: float, solver: Solver, workers: int, gap: float, again: bool = True
) -> tuple[float, Answer]:
    """Fit once, or again if the first fit compiles; seconds are NaN if the judge finds no gap."""
    alpha, peer = problem.alpha_max / divisor, solver.library != "strads"
    given = SimpleNamespace(alpha=alpha, intercept=False, load=lambda: (problem.X, problem.y))
    # scikit-learn's tolerance is relative to ‖y‖² / n, twice P(0)
    setting = {"tol": 0.5 * gap if peer else gap, "workers": workers}
    for _ in range(2 if again else 1):
        seconds, answer = clocked(solver.start(given, setting))
    found = judge(problem.X, problem.y, answer.coef, alpha=alpha, fit_intercept=False).gap
    return (seconds if found <= 1.01 * gap else NAN), answer  # solver and judge round differently


def _program(problem: Design, race: Race) -> dict[str, float]:
    """Run a program of ours, again if its time counts: the first run compiles."""
    scheduled, beyond = race.solver in ARM, race.workers > available_cores()
    arm = ARM.get(race.solver, "both")
    setting = Setting(race.data, race.divisor, arm, race.workers, IDS, USUAL_RHO,
                      executor="serial" if beyond else "processes", cap=race.cap)  # fmt: skip

    def made() -> Measured | DataParallelLasso:
        if scheduled:
            return arm_program(problem, setting)
        return DataParallelLasso(problem, race.divisor, race.workers)

    for _ in range(1 if beyond else 2):
        path, known = follow(made(), setting, problem.objective_at_zero)
    # Bytes an update; of the gradient, what an all-reduce moves at best, all workers together.
    share = 2 * (race.workers - 1) * 8
    if scheduled:
        share = known["bytes_moved"] / max(path["updates"].iloc[-1], 1)
    found = {}
    for digits, gap in GAPS.items():
        updates = of(crossing(path, gap), "updates")
        seconds = NAN if beyond else of(crossing(path, gap), "seconds")
        found |= {f"updates_{digits}": updates, f"moved_{digits}": updates * share,
                  f"seconds_{digits}": seconds}  # fmt: skip
    fields = made().fields()
    held = {**known["bytes"].get("variable", {}), **known["bytes"].get("derived", {})}
    replicated = sum(size for name, size in held.items() if fields[name].replicated)
    return found | {"state_bytes": sum(held.values()) / known["workers"],
                    "replicated_bytes": replicated / known["workers"]}  # fmt: skip


def _estimators(problem: Design, race: Race) -> dict[str, float]:
    """Fit scikit-learn's or our Lasso."""
    shipped = race.solver == "shipped"
    solver, _ = Lasso.solver("strads" if shipped else "sklearn")
    found: dict[str, float] = {}
    for digits, gap in GAPS.items():
        seconds, (_, _, model) = fitted(problem, race.divisor, solver, race.workers, gap)
        found |= {f"seconds_{digits}": seconds, f"moved_{digits}": 0.0}
        if shipped:
            found[f"moved_{digits}"] = float(model.statistics_["bytes_moved"])
        if seconds == seconds:
            found[f"updates_{digits}"] = _updates(model, shipped)
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
