"""snapml: SySCD, which is proprietary and run as it is."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import THREADS, Setting, Solver
from bench.svm.solvers import Answer, answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    if not problem.objective.classes:
        raise ValueError("snapml has no support vector regression")
    X, y = problem.load()

    def fit() -> Answer:
        from snapml import SupportVectorMachine

        model = SupportVectorMachine(
            loss=problem.loss, regularizer=1.0 / problem.C, fit_intercept=problem.intercept,
            tol=setting["tol"], max_iter=20_000, n_jobs=THREADS, random_state=0,
        )  # fmt: skip
        return answer(model.fit(X, y))

    return fit


SOLVERS = {"snapml": Solver("snapml", start)}
