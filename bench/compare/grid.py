"""What every peer can reach: held-out RMSE over a grid of penalties and iterations.

The grid was fixed before our own defaults were chosen. Its rows are kept in the folder of results,
where later races look up how good cmfrec can be. They also serve as the curves of the peers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

from bench.compare.problem import Problem
from bench.compare.solver import Setting
from bench.compare.solvers import version
from bench.harness import tables

REGULARIZATIONS = (0.02, 0.05, 0.1)
#: Fits of LIBMF differ from one to the next: one that misses a target by this factor or less may
#: reach it another time.
NEAR = 1.001
ITERATIONS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60)


@dataclass(frozen=True)
class Point:
    """One fit from scratch."""

    data: str
    rank: int
    solver: str
    version: str
    regularization: float
    iterations: int
    seconds: float
    rmse: float


def measure(
    problem: Problem, name: str, settings: Iterable[Setting], repeats: int = 1
) -> list[Point]:
    """Judge one solver at these settings; seconds are those of the fastest repeat."""
    points = []
    problem.fit(name, Setting(next(iter(settings)).rank, 1, 0.05))  # compiles, imports
    for setting in settings:
        runs = [problem.fit(name, setting) for _ in range(repeats)]
        value = problem.judged(runs[-1][1], setting.regularization)
        points.append(
            Point(problem.ratings.name, setting.rank, name, version(problem.kind, name),
                  setting.regularization, setting.iterations, min(s for s, _ in runs), value)
        )  # fmt: skip
    return points


def settings(rank: int, most: int, regularizations: Sequence[float]) -> list[Setting]:
    """The grid of one rank, up to so many iterations."""
    counts = [count for count in ITERATIONS if count <= most]
    return [Setting(rank, count, lam) for lam in regularizations for count in counts]


def best(points: Iterable[Point], data: str, rank: int, name: str) -> Point | None:
    """A solver's point of least RMSE, with the fewest iterations; None if it has no points."""
    own = _of(points, data, rank, name)
    return min(own, key=lambda p: (p.rmse, p.iterations), default=None)


def penalties(
    points: Iterable[Point], data: str, rank: int, name: str, wanted: float
) -> list[float]:
    """Every λ that took a solver to `wanted` or near; if none did, the λ of its best point."""
    own = _of(points, data, rank, name)
    near = {p.regularization for p in own if p.rmse <= NEAR * wanted}
    nearest = best(own, data, rank, name)
    return sorted(near or ({nearest.regularization} if nearest else set()))


def kept() -> list[Point]:
    """Points of all grids in the folder of results."""
    points = []
    for path in sorted(tables.RESULTS.glob("mf-grid-*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                points.append(Point(*(_typed(each.type, row[each.name]) for each in fields(Point))))
    return points


def keep(points: Sequence[Point], name: str = "mf-grid") -> None:
    """Write points into the folder of results."""
    tables.keep(name, map(asdict, points))


def show(points: Sequence[Point]) -> None:
    """Print the best of every solver."""
    for data, rank in dict.fromkeys((p.data, p.rank) for p in points):
        names = dict.fromkeys(p.solver for p in points if (p.data, p.rank) == (data, rank))
        found = [best(points, data, rank, name) for name in names]
        tables.show(
            f"best held-out RMSE, {data}, rank {rank}",
            ("solver", "RMSE", "λ", "iterations", "seconds"),
            [(f"{p.solver} {p.version}", f"{p.rmse:.4f}", f"{p.regularization:g}",
              str(p.iterations), f"{p.seconds:.3f}") for p in found if p],
        )  # fmt: skip


def _of(points: Iterable[Point], data: str, rank: int, name: str) -> list[Point]:
    return [p for p in points if (p.data, p.rank, p.solver) == (data, rank, name)]


def _typed(kind: object, word: str) -> str | int | float:
    return {"str": str, "int": int, "float": float}[str(kind)](word)
