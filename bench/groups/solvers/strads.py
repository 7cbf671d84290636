"""Ours."""

from collections.abc import Callable
from typing import Any

from bench.groups.solvers import Answer, answer
from bench.harness.problem import Setting, Solver


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    X, Y = problem.load().X, problem.target
    given = {"alpha": problem.alpha, "tol": setting["tol"],
             "n_workers": setting["workers"] or None, "random_state": 0}  # fmt: skip

    def fit() -> Answer:
        from strads import GroupLasso, MultiTaskLasso

        groups = problem.kind == "groups"
        model = GroupLasso(problem.width, **given) if groups else MultiTaskLasso(**given)
        return answer(model.fit(X, Y))

    return fit


SOLVERS = {"strads": Solver("strads", start)}
