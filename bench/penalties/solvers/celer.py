"""celer, whose Lasso takes weights of features."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import ITERATIONS, Answer
from bench.logistic.solvers import answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    if problem.kind != "weights":
        raise ValueError("celer has no concave penalty and no Poisson loss")
    (X, y), factors = problem.load(), problem.factors
    given = {"tol": setting["tol"], "fit_intercept": problem.intercept,
             "max_iter": 1000, "max_epochs": ITERATIONS}  # fmt: skip

    def fit() -> Answer:
        from celer import Lasso

        return answer(Lasso(problem.alpha, weights=factors, **given).fit(X, y))

    return fit


SOLVERS = {"celer": Solver("celer", start)}
