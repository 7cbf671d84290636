"""pybiglasso: IRLS along a path, for dense X with an intercept.

It penalises weights of standardised columns; dense columns of the benchmark are standardised.
"""

from collections.abc import Callable
from typing import Any

import scipy.sparse as sp

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import ITERATIONS, Answer
from bench.logistic.solvers import answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    (X, y), alpha = problem.load(), problem.alpha
    if sp.issparse(X) or not problem.intercept:
        raise ValueError("pybiglasso takes dense X, and always fits an intercept")

    def fit() -> Answer:
        from pybiglasso.sklearn import BiglassoClassifier

        model = BiglassoClassifier(alpha, tol=setting["tol"], max_iter=ITERATIONS)
        return answer(model.fit(X, y))

    return fit


SOLVERS = {"pybiglasso": Solver("pybiglasso", start)}
