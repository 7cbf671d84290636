"""LIBLINEAR as scikit-learn calls it, in the dual and in the primal: one thread."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.svm.solvers import Answer, answer

#: Enough to see that it does not get there.
ITERATIONS = 20_000


def start(problem: Any, setting: Setting, *, dual: bool) -> Callable[[], Answer]:
    """Prepare a fit."""
    X, y = problem.load()
    if not dual and not problem.objective.squared:
        raise ValueError("LIBLINEAR solves problems with losses that are not squared in the dual")

    def fit() -> Answer:
        from sklearn.svm import LinearSVC, LinearSVR

        given = {
            "C": problem.C, "loss": problem.loss, "fit_intercept": problem.intercept,
            "tol": setting["tol"], "dual": dual, "max_iter": ITERATIONS, "random_state": 0,
        }  # fmt: skip
        if not problem.objective.classes:
            return answer(LinearSVR(epsilon=problem.epsilon, **given).fit(X, y))
        return answer(LinearSVC(**given).fit(X, y))

    return fit


SOLVERS = {
    "liblinear-dual": Solver("scikit-learn", partial(start, dual=True), "sklearn"),
    "liblinear-primal": Solver("scikit-learn", partial(start, dual=False), "sklearn"),
}
