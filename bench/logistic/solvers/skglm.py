"""skglm: proximal Newton on working sets."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import Answer
from bench.logistic.solvers import answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    (X, y), alpha = problem.load(), problem.alpha

    def fit() -> Answer:
        from skglm import SparseLogisticRegression

        model = SparseLogisticRegression(
            alpha, tol=setting["tol"], fit_intercept=problem.intercept, max_iter=200
        )
        return answer(model.fit(X, y))

    return fit


SOLVERS = {"skglm": Solver("skglm", start)}
