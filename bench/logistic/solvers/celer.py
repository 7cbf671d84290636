"""celer: proximal Newton on working sets; it has no intercept."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import Answer
from bench.logistic.solvers import answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    (X, y), alpha = problem.load(), problem.alpha
    if problem.intercept:
        raise ValueError("celer's logistic regression has no intercept")

    def fit() -> Answer:
        from celer import LogisticRegression

        model = LogisticRegression(
            C=1.0 / (len(y) * alpha), tol=setting["tol"], max_iter=200, solver="celer-pn"
        )
        return answer(model.fit(X, y))

    return fit


SOLVERS = {"celer": Solver("celer", start)}
