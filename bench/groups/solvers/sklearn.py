"""scikit-learn, which has the multi-task Lasso only, of dense X."""

from collections.abc import Callable
from typing import Any

import scipy.sparse as sp

from bench.groups.solvers import Answer, answer
from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import ITERATIONS


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    X, Y, alpha = problem.load().X, problem.target, problem.alpha
    if problem.kind != "tasks":
        raise ValueError("scikit-learn has no group Lasso")
    if sp.issparse(X):
        raise ValueError("scikit-learn's multi-task Lasso takes dense X")

    def fit() -> Answer:
        from sklearn.linear_model import MultiTaskLasso

        return answer(MultiTaskLasso(alpha, tol=setting["tol"], max_iter=ITERATIONS).fit(X, Y))

    return fit


SOLVERS = {"sklearn": Solver("scikit-learn", start, "sklearn")}
