"""What skipping rows that hardly move saves: coordinate descent under both of its schedules.

    python -m bench.skipping [--data ml-1m] [--rank 40]

The figure is the number of row updates until the objective is within a share of what round-robin
reaches after 30 epochs, divided by the number of rows: sweeps, not counting skipped rows.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass

import numpy as np

from bench.compare.ratings import load
from bench.harness.command import loaded
from bench.harness.tables import keep, number, show
from strads import run
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.algorithms.factorization.programs.rows import Model

EPOCHS = 30
SHARES = (0.01, 0.002)
#: Model and λ of MatrixFactorization and of ImplicitFactorization.
MODELS = {
    "ratings": (Model((1.0, 0.0, 0.0, 1.0, 1.0, 0.0), scaled=True, biased=True), 0.05),
    "implicit": (Model((-1.0, 1.0, 0.0, 1.0, 0.0, 1.0), everything=True), 0.01),
}


@dataclass(frozen=True)
class Saving:
    """Row updates, in sweeps, until the objective is within a share of the goal."""

    data: str
    model: str
    rank: int
    share: float
    round_robin: float
    priority: float


def main(arguments: list[str] | None = None) -> list[Saving]:
    """Run both schedules on both models; return the rows of the table."""
    parser = argparse.ArgumentParser(prog="bench.skipping", description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="ml-1m", help="ml-1m, anime, netflix[:ratings], tiny")
    parser.add_argument("--rank", type=int, default=40)
    options = parser.parse_args(arguments)
    rows = [row for ratings in loaded([options.data], load) for model in MODELS
            for row in _compare(options.data, ratings.train, model, options.rank)]  # fmt: skip
    show(f"sweeps of rows to within a share of the objective after {EPOCHS}",
         ("data", "model", "rank", "share", "round-robin", "priority"),
         [(row.data, row.model, str(row.rank), f"{row.share:g}", number(row.round_robin, ".1f"),
           number(row.priority, ".1f")) for row in rows])  # fmt: skip
    if rows and options.data != "tiny":
        keep("skipping", map(asdict, rows))
    return rows


def _compare(data: str, X: object, model: str, rank: int) -> list[Saving]:
    paths = {name: _path(X, model, rank, name) for name in ("round-robin", "priority")}
    goal = paths["round-robin"][0][-1]
    found = []
    for share in SHARES:
        there = [_reached(path, goal * (1.0 + share)) for path in paths.values()]
        found.append(Saving(data, model, rank, share, *there))
    return found


def _path(X: object, model: str, rank: int, schedule: str) -> tuple[np.ndarray, np.ndarray]:
    """Objective and rows so far, in units of all rows, after every epoch."""
    meaning, penalty = MODELS[model]
    program = CoordinateFactorization(
        X=X, model=meaning, penalty=(penalty, penalty), components=rank, schedule=schedule
    )
    history = run(program, workers=1, epochs=EPOCHS, seed=0).history
    rows = np.array([figures["rows"] for figures in history]) / sum(X.shape)  # type: ignore[attr-defined]
    return np.array([figures["objective"] for figures in history]), rows


def _reached(path: tuple[np.ndarray, np.ndarray], goal: float) -> float:
    near = np.flatnonzero(path[0] <= goal)
    return float(path[1][near[0]]) if len(near) else float("nan")


if __name__ == "__main__":
    main()
