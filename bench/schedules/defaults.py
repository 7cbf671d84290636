"""Which lease, micro-round and ρ are best? Seconds on as many worker processes as there are cores.

Both solvers that schedule coordinates are timed under every combination: the plain coordinate
rounds, and the shipped Lasso, whose rounds go over a working set. A combination is judged by its
seconds beside those of the best one on the same data, averaged geometrically.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import scipy.sparse as sp

from bench.harness.tables import show
from bench.schedules.conventional import judged_seconds
from bench.schedules.grid import Scale, Setting
from bench.schedules.problem import Design, design
from bench.schedules.program import coordinate_lasso
from bench.schedules.trial import FINE, NAN, follow
from bench.solvers import quietly
from strads import Lasso
from strads.algorithms.lasso.coordinate import DEFAULT as PLAIN
from strads.algorithms.lasso.solver.inner import DEFAULT as INNER
from strads.engine import Correlation, Gram, Priority, available_cores

#: A combination that does not reach the gap within its cap counts as this many times the best.
MISSED: Final = 100.0


@dataclass(frozen=True)
class Choice:
    """A combination: ids of a lease, ids of a micro-round (a worker's, both), and ρ."""

    solver: str
    data: str
    divisor: float
    lease: int
    ids: int
    rho: float
    seed: int = 0
    workers: int = 0
    cap: int = 200


#: What a solver uses unless told otherwise.
DEFAULTS: Final = {"plain": PLAIN, "shipped": INNER}
#: The plain rounds run on designs with fewer entries only: they go over all columns 200 times.
PLAIN_MOST: Final = 2_000_000
#: Workers of `crowds`, more than cores, and the combinations tried: some strict, some not.
CROWD: Final = 8
CROWDED: Final = ((1024, 32, 0.3), (256, 8, 0.1), (256, 8, 0.3), (256, 8, 0.6), (256, 8, 0.9),
                  (256, 32, 0.9))  # fmt: skip
PLACE: Final = ["solver", "data", "divisor"]
COMBINATION: Final = ["solver", "lease", "ids", "rho"]


def choices(scale: Scale) -> Iterator[Choice]:
    """Yield what is to be timed; plain rounds only on small designs at the largest penalty."""
    for seed, data, divisor in itertools.product(range(scale.seeds), scale.data, scale.divisors):
        X = design(data).X
        plain = divisor == scale.divisors[0] and (X.nnz if sp.issparse(X) else X.size) < PLAIN_MOST
        for solver in ("plain", "shipped") if plain else ("shipped",):
            for lease, ids, rho in itertools.product(
                scale.leases, scale.lease_ids, scale.lease_rhos
            ):
                yield Choice(solver, data, divisor, lease, ids, rho, seed, available_cores(),
                             scale.cap)  # fmt: skip


def crowds(scale: Scale) -> Iterator[Choice]:
    """The shipped solver on more workers than there are cores, for its updates."""
    for seed, data in itertools.product(range(scale.seeds), scale.data):
        for lease, ids, rho in CROWDED:
            yield Choice("shipped", data, scale.divisors[0], lease, ids, rho, seed, CROWD,
                         scale.cap)  # fmt: skip


def run(choice: Choice) -> dict[str, float]:
    """Seconds and updates of a combination; NaN if it did not reach a gap of 1e-6."""
    solve = {"plain": _plain, "shipped": _shipped}[choice.solver]
    return dict(zip(("seconds", "updates"), solve(design(choice.data), choice), strict=True))


def _schedule(choice: Choice, axis: str, coupling: Any, sweeps: int) -> Priority:
    return Priority(axis, coupling=coupling, rho=choice.rho, lease=choice.lease,
                    micro=-(-choice.lease // choice.ids), sweeps=sweeps)  # fmt: skip


def _plain(problem: Design, choice: Choice) -> tuple[float, float]:
    schedule = _schedule(choice, "features", Correlation("X"), 1)
    setting = Setting(choice.data, choice.divisor, "both", choice.workers, choice.ids, choice.rho,
                      choice.seed, executor="processes", cap=choice.cap)  # fmt: skip
    for cap in (1, choice.cap):  # the first compiles
        program = coordinate_lasso(problem, choice.divisor, schedule)
        path, _ = follow(program, replace(setting, cap=cap), problem.objective_at_zero)
    at = path.crossing(FINE)
    return (NAN, NAN) if at is None else (path.seconds[at], path.updates[at])


def _shipped(problem: Design, choice: Choice) -> tuple[float, float]:
    alpha = problem.alpha_max / choice.divisor
    schedule = _schedule(choice, "chosen", Gram("G", "curvature"), INNER.sweeps)
    model = Lasso(alpha, fit_intercept=False, tol=FINE, n_workers=choice.workers,
                  random_state=choice.seed, schedule=schedule)  # fmt: skip
    if choice.workers <= available_cores():  # seconds are of interest
        quietly(lambda: model.fit(problem.X, problem.y))
    seconds = judged_seconds(problem, model, alpha, FINE)
    if seconds != seconds:
        return NAN, NAN
    return seconds, model.statistics_["phases"].get("descend", {}).get("updates", 0)


def scores(rows: pd.DataFrame) -> pd.DataFrame:
    """By combination: seconds relative to the best of each place, averaged; places missed."""
    middle = rows.fillna({"seconds": np.inf}).groupby([*PLACE, *COMBINATION[1:]])["seconds"]
    table = middle.median().reset_index()
    best = table.groupby(PLACE)["seconds"].transform("min")
    # Places where no combination reaches the gap say nothing.
    table = table[np.isfinite(best)].assign(best=best)
    table["missed"] = ~np.isfinite(table["seconds"])
    relative = np.where(table["missed"], MISSED, table["seconds"] / table["best"])
    table["log"] = np.log(relative.astype(float))
    grouped = table.groupby(COMBINATION).agg(log=("log", "mean"), missed=("missed", "sum"))
    found = grouped.assign(times=np.exp(grouped["log"])).drop(columns="log").reset_index()
    return found.sort_values(["solver", "times"], ignore_index=True)


Ranked = tuple[tuple[str, str, str], tuple[str, str], bool]


def ranked(rows: pd.DataFrame) -> Iterator[tuple[str, list[Ranked]]]:
    """Yield a solver and its combinations, the best first.

    Each has lease, ids and ρ; seconds relative to the best and places missed; and whether it is
    what the solver uses unless told otherwise.
    """
    every = scores(rows)
    for solver, default in DEFAULTS.items():
        usual = (default.lease, default.per, default.rho)
        mine = every[every["solver"] == solver]
        yield solver, [((f"{row.lease}", f"{row.ids}", f"{row.rho:g}"),
                        (f"{row.times:.2f}", f"{row.missed}"),
                        (row.lease, row.ids, row.rho) == usual)
                       for row in mine.itertuples()]  # fmt: skip


def tell(rows: pd.DataFrame, most: int = 6) -> None:
    """Print the best combinations of both solvers, and where the present default stands."""
    head = ["rank", "lease", "ids", "ρ", "seconds ÷ best, mean", "places missed"]
    for solver, combinations in ranked(rows):
        lines = [(f"{rank}", *names, *numbers)
                 for rank, (names, numbers, _) in enumerate(combinations, start=1)]  # fmt: skip
        usual = [(f"{rank} (default)", *names, *numbers)
                 for rank, (names, numbers, default) in enumerate(combinations, start=1)
                 if default]  # fmt: skip
        show(f"{solver}, of {len(lines)}", head, lines[:most] + usual)
