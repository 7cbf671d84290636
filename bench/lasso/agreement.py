"""Do weights depend on the form of X, or on the number of workers? Largest differences."""

import itertools
import time
import warnings
from typing import Annotated, Any

import numpy as np
import scipy.sparse as sp
from typer import Option

import strads
from bench.harness.command import command, loaded
from bench.harness.tables import Table
from bench.lasso.data import dataset, unit_dataset
from bench.lasso.judge import alpha_max, judge

#: Dense X with more numbers than this is left out.
LARGEST = 40_000_000
COLUMNS = [("data, α", "{data}, α_max/{divisor:g}"), ("non-zeros", "{nonzeros:,}"),
           ("largest judged gap", "{gap:.0e}"), ("dense, 2 workers", "{dense-2:.0e}"),
           ("sparse, 1 worker", "{sparse-1:.0e}"), ("sparse, 2 workers", "{sparse-2:.0e}"),
           ("polished", "{polished}")]  # fmt: skip


def main(
    data: list[str] = ("alon", "golub", "gene-11tumors", "singh", "madelon", "w8a", "dorothea",
                       "cal-housing", "a9a", "BASEHOCK", "20news-bow", "news20"),
    alphas: Annotated[list[float], Option(help="divisors of the least alpha without weights")] = (
        50.0,
    ),
    tol: Annotated[float, Option(help="relative duality gap")] = 1e-6,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Fit dense and sparse X, columns of one length, with one and with two workers.

    A difference is the largest one to the weights of dense X and one worker, or of sparse X and
    one worker where X is too large to be dense, relative to the largest weight.
    """
    rows: list[dict[str, Any]] = []
    for name, _ in loaded(["tiny"] if tiny else data, dataset):
        for divisor in alphas:
            rows.append(compared(name, divisor, tol))
            print(Table("", COLUMNS, rows[-1:]).markdown().splitlines()[-1], flush=True)
    Table("Largest difference of weights, relative to the largest weight", COLUMNS, rows).show()
    return rows


def compared(name: str, divisor: float, tol: float) -> dict[str, Any]:
    """Row of one problem."""
    X, y = unit_dataset(name)
    alpha = alpha_max(X, y) / divisor
    weights: dict[str, np.ndarray] = {}
    row: dict[str, Any] = {"data": name, "divisor": divisor, "gap": 0.0}
    polished = []
    for form, workers in itertools.product(("dense", "sparse"), (1, 2)):
        if form == "dense" and np.prod(X.shape, dtype=float) > LARGEST:
            continue
        given = sp.csc_array(X) if form == "sparse" else densely(X)
        model = strads.Lasso(alpha, tol=tol, max_iter=10**6, n_workers=workers)
        since = time.perf_counter()
        with warnings.catch_warnings(action="ignore"):
            model.fit(given, y)
        found = judge(X, y, model.coef_, model.intercept_, alpha=alpha)
        key = f"{form}-{workers}"
        weights[key] = model.coef_
        row[f"seconds-{key}"] = time.perf_counter() - since
        row["gap"], row["nonzeros"] = max(row["gap"], found.gap), found.nonzeros
        polished.append(model.history_[-1].get("polished", 0) > 0)
    row["polished"] = {True: "all", False: "some" if any(polished) else "none"}[all(polished)]
    first = next(iter(weights.values()))
    size = np.abs(first).max()
    return row | {key: float(np.abs(w - first).max() / size) for key, w in weights.items()}


def densely(X: Any) -> np.ndarray:
    """Return X as a dense matrix, Fortran-ordered."""
    return np.asfortranarray(X.toarray() if sp.issparse(X) else X)


if __name__ == "__main__":
    command(main)
