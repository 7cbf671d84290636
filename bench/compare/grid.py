"""What every peer can reach: held-out RMSE over a grid of penalties and iterations.

The grid was fixed before our own defaults were chosen. Its points, one fit from scratch each, are
kept in the folder of results, where later races look up how good cmfrec can be. They also serve as
the curves of the peers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.compare.problem import Problem
from bench.compare.solver import Setting
from bench.compare.solvers import version
from bench.harness import tables

REGULARIZATIONS = (0.02, 0.05, 0.1)
#: Fits of LIBMF differ from one to the next: one that misses a target by this factor or less may
#: reach it another time.
NEAR = 1.001
ITERATIONS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60)
FIELDS = ["data", "rank", "solver", "version", "regularization", "iterations", "seconds", "rmse"]


def measure(
    problem: Problem, name: str, settings: Sequence[Setting], repeats: int = 1
) -> list[dict[str, Any]]:
    """Judge one solver at these settings; seconds are those of the fastest repeat."""
    points = []
    problem.fit(name, Setting(settings[0].rank, 1, 0.05))  # compiles, imports
    for setting in settings:
        runs = [problem.fit(name, setting) for _ in range(repeats)]
        points.append(
            {"data": problem.ratings.name, "rank": setting.rank, "solver": name,
             "version": version(problem.kind, name), "regularization": setting.regularization,
             "iterations": setting.iterations, "seconds": min(seconds for seconds, _ in runs),
             "rmse": problem.judged(runs[-1][1], setting.regularization)}
        )  # fmt: skip
    return points


def settings(rank: int, most: int, regularizations: Sequence[float]) -> list[Setting]:
    """The grid of one rank, up to so many iterations."""
    counts = [count for count in ITERATIONS if count <= most]
    return [Setting(rank, count, lam) for lam in regularizations for count in counts]


def kept(data: str, rank: int) -> pd.DataFrame:
    """Points of all grids of one set and rank in the folder of results."""
    files = map(pd.read_csv, sorted(tables.RESULTS.glob("mf-grid-*.csv")))
    points = pd.concat([pd.DataFrame(columns=FIELDS), *files])[FIELDS]
    return points[(points["data"] == data) & (points["rank"] == rank)]


def best(points: pd.DataFrame) -> pd.DataFrame:
    """Every solver's point of least RMSE, with the fewest iterations."""
    return points.sort_values(["rmse", "iterations"]).drop_duplicates("solver").sort_index()


def penalties(points: pd.DataFrame, name: str, wanted: float) -> list[float]:
    """Every λ that took a solver to `wanted` or near; if none did, the λ of its best point."""
    own = points[points["solver"] == name]
    near = own[own["rmse"] <= NEAR * wanted]
    return sorted({*(best(own) if near.empty else near)["regularization"]})


def show(points: Sequence[dict[str, Any]]) -> None:
    """Print every solver's best point."""
    rows = best(pd.DataFrame(points, columns=FIELDS)).to_dict("records")
    tables.show_rows(
        "best held-out RMSE, {data}, rank {rank}",
        [("solver", "{solver} {version}"), ("RMSE", "{rmse:.4f}"), ("λ", "{regularization:g}"),
         ("iterations", "{iterations}"), ("seconds", "{seconds:.3f}")],
        rows,
    )  # fmt: skip
