"""``python -m bench.compare medlda``: accuracy and seconds of supervised topic models."""

import warnings
from typing import Annotated, Any

import pandas as pd
from typer import Option

from bench.harness.command import loaded
from bench.harness.tables import Table, keep
from bench.medlda.data import labelled
from bench.medlda.solvers import SOLVERS

#: Solvers by default: a number is that of the workers.
DEFAULT = ("medlda-1", "medlda-2", "gibbs-2", "topics+svm-2", "tfidf+svm-1")


def main(
    data: list[str] = ("20news-bow",),
    topics: Annotated[list[int], Option(help="numbers of topics")] = (40,),
    solvers: Annotated[list[str], Option(help="with the number of workers")] = DEFAULT,
    sweeps: Annotated[int, Option(help="of every topic model")] = 40,
    repeats: Annotated[int, Option(help="fits of every solver, each with a seed of its own")] = 5,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Accuracy on test documents, seconds of a fit and of a sweep; medians of interleaved fits."""
    if tiny:
        data, topics, sweeps, repeats = ["tiny"], [6], 5, 1
    rows: list[dict[str, Any]] = []
    for name, given in loaded(data, labelled):
        print(f"{name}: {given.told}")
        for k in topics:
            found = []
            for solver in solvers:  # compile and import before anything is timed
                run(solver, labelled("tiny"), k, 2, 0)
            for seed in range(repeats):
                for solver in solvers:
                    heading = {"data": name, "topics": k, "solver": solver, "sweeps": sweeps,
                               "seed": seed}  # fmt: skip
                    found.append(heading | run(solver, given, k, sweeps, seed))
            show(found)
            rows += found
    if rows and not tiny:
        keep("medlda", rows)
    return rows


def run(solver: str, given: Any, topics: int, sweeps: int, seed: int) -> dict[str, Any]:
    """One fit of a solver."""
    name, _, workers = solver.rpartition("-")
    if name not in SOLVERS or not workers.isdigit():
        raise ValueError(f"unknown solver {solver!r}; known: {', '.join(SOLVERS)}, each with a "
                         "number of workers, such as medlda-2")  # fmt: skip
    function, method = SOLVERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a linear SVM at its limit of iterations
        return function(given, topics, sweeps, seed, int(workers), method)


def show(rows: list[dict[str, Any]]) -> None:
    """Print a table with medians over seeds."""
    runs = pd.DataFrame(rows)
    for figure in ("sweep", "s_error", "hinge_loss"):
        if figure not in runs:
            runs[figure] = float("nan")
    table = runs.groupby(["data", "topics", "solver"], sort=False).agg(
        accuracy=("accuracy", "median"), low=("accuracy", "min"), high=("accuracy", "max"),
        seconds=("seconds", "median"), sweep=("sweep", "median"),
        predicting=("predicting", "median"), s_error=("s_error", "median"),
        hinge=("hinge_loss", "median"),
    ).reset_index()  # fmt: skip
    Table("{data}, K = {topics}: accuracy on test documents", [
        ("solver", "{solver}"), ("accuracy", "{accuracy:.4f}"),
        ("min – max", "{low:.4f} – {high:.4f}"), ("fit, s", "{seconds:.2f}"),
        ("sweep, s", "{sweep:.4f}"), ("predict, s", "{predicting:.2f}"),
        ("s-error", "{s_error:.1e}"), ("hinge loss", "{hinge:.3f}"),
    ], table).show()  # fmt: skip
