"""What skipping rows that hardly move saves: coordinate descent under each of its schedules."""

from typing import Annotated, Any

import numpy as np
import pandas as pd
from typer import Option

from bench.harness.command import command, loaded
from bench.harness.tables import Table, keep
from bench.ratings.data import ratings
from strads import run
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.algorithms.factorization.programs.rows import Model

EPOCHS = 30
SCHEDULES = ("round-robin", "priority", "auto")
SHARES = (0.01, 0.002)
#: Model and λ of MatrixFactorization and of ImplicitFactorization.
MODELS = {
    "ratings": (Model((1.0, 0.0, 0.0, 1.0, 1.0, 0.0), scaled=True, biased=True), 0.05),
    "implicit": (Model((-1.0, 1.0, 0.0, 1.0, 0.0, 1.0), everything=True), 0.01),
}


def main(
    data: Annotated[str, Option(help="ml-1m, anime, netflix[:ratings], tiny")] = "ml-1m",
    rank: int = 40,
) -> list[dict[str, Any]]:
    """Row updates until the objective is within a share of round-robin's after 30 epochs.

    They are divided by the number of rows: sweeps, not counting skipped rows.
    """
    rows: list[dict[str, Any]] = []
    for name, (X, _) in loaded([data], ratings):
        for model in MODELS:
            paths = {each: path(X, model, rank, each) for each in SCHEDULES}
            goal = paths["round-robin"]["objective"].iloc[-1]
            for share in SHARES:
                near = {each: walk[walk["objective"] <= goal * (1.0 + share)]
                        for each, walk in paths.items()}  # fmt: skip
                first = {each: walk["rows"].min() for each, walk in near.items()}
                rows.append({"data": name, "model": model, "rank": rank, "share": share} | first)
    Table(f"sweeps of rows to within a share of the objective after {EPOCHS}", [
        ("data", "{data}"), ("model", "{model}"), ("rank", "{rank}"), ("share", "{share:g}"),
        ("round-robin", "{round-robin:.1f}"), ("priority", "{priority:.1f}"),
        ("auto", "{auto:.1f}"),
    ], rows).show()  # fmt: skip
    if rows and data != "tiny":
        keep("skipping", rows)
    return rows


def path(X: Any, model: str, rank: int, schedule: str) -> pd.DataFrame:
    """Objective and rows so far, in units of all rows, after every epoch."""
    meaning, penalty = MODELS[model]
    program = CoordinateFactorization(
        X=X, model=meaning, penalty=(penalty, penalty), components=rank, schedule=schedule
    )
    history = pd.DataFrame(run(program, workers=1, epochs=EPOCHS, seed=0).history)
    return history.assign(rows=history["rows"] / np.sum(X.shape))


if __name__ == "__main__":
    command(main)
