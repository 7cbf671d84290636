"""Ours."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.svm.solvers import Answer, answer


def machine(problem: Any, setting: Setting) -> Any:
    """The estimator of a problem."""
    from strads import LinearSVC, LinearSVR

    given = {
        "C": problem.C, "loss": problem.loss, "fit_intercept": problem.intercept,
        "tol": setting["tol"], "n_workers": setting["workers"] or None,
    }  # fmt: skip
    if problem.objective.classes:
        return LinearSVC(**given)
    return LinearSVR(epsilon=problem.epsilon, **given)


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    X, y = problem.load()
    return lambda: answer(machine(problem, setting).fit(X, y))


SOLVERS = {"strads": Solver("strads", start)}
