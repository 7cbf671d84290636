"""skglm: block coordinate descent on working sets, with Anderson acceleration."""

from collections.abc import Callable
from typing import Any

from bench.groups.solvers import Answer, answer
from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import ITERATIONS


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    X, Y = problem.load().X, problem.target
    given = {"alpha": problem.alpha, "tol": setting["tol"],
             "max_iter": 1000, "max_epochs": ITERATIONS}  # fmt: skip

    def fit() -> Answer:
        from skglm import GroupLasso, MultiTaskLasso

        groups = problem.kind == "groups"
        model = GroupLasso(problem.width, **given) if groups else MultiTaskLasso(**given)
        return answer(model.fit(X, Y))

    return fit


SOLVERS = {"skglm": Solver("skglm", start)}
