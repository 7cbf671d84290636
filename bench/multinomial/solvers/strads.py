"""Ours."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.multinomial.solvers import Answer, answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    (X, y), alpha = problem.load(), problem.alpha

    def fit() -> Answer:
        from strads import SparseLogisticRegression

        model = SparseLogisticRegression(
            alpha, multi_class="multinomial", tol=setting["tol"], fit_intercept=problem.intercept,
            n_workers=setting["workers"] or None, random_state=0,
        )  # fmt: skip
        return answer(model.fit(X, y))

    return fit


SOLVERS = {"strads": Solver("strads", start)}
