"""Ours; the covariances are given."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver


def model(problem: Any, setting: Setting) -> Any:
    """The estimator of a problem."""
    import strads

    kinds = {
        "glasso": strads.GraphicalLasso, "neighbours": strads.NeighbourhoodSelection,
        "concord": strads.CONCORD,
    }  # fmt: skip
    return kinds[problem.kind](
        problem.alpha, covariance="precomputed", tol=setting["tol"],
        n_workers=setting["workers"] or None, max_iter=10_000,
    )  # fmt: skip


def start(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit."""
    S = problem.load()

    def fit() -> Any:
        found = model(problem, setting).fit(S)
        return found.coef_.toarray() if problem.kind == "neighbours" else found.precision_

    return fit


SOLVERS = {"strads": Solver("strads", start)}
