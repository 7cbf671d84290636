"""liblinear's newGLMNET, as scikit-learn calls it.

It penalises the intercept, which is the weight of a constant column; with a large constant the
penalty hardly counts, but the problem becomes ill-conditioned. So it is compared without intercept.
"""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import ITERATIONS, Answer
from bench.logistic.solvers import answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit; X is brought into rows, as the library takes it, before."""
    X, y, alpha = problem.by_rows, problem.load().y, problem.alpha
    if problem.intercept:
        raise ValueError("liblinear penalises the intercept")

    def fit() -> Answer:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(
            penalty="l1", solver="liblinear", C=1.0 / (len(y) * alpha), tol=setting["tol"],
            fit_intercept=False, max_iter=ITERATIONS, random_state=0,
        )  # fmt: skip
        return answer(model.fit(X, y))

    return fit


SOLVERS = {"liblinear": Solver("scikit-learn", start, "sklearn")}
