"""GGLasso: ADMM with an eigenvalue decomposition a step, on all variables or on each component."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.covariance.solvers import demand
from bench.harness.problem import Setting, Solver


def start(problem: Any, setting: Setting, name: str) -> Callable[[], Any]:
    """Prepare a fit."""
    demand(problem, "GGLasso", "glasso")
    from gglasso.solver import single_admm_solver

    solver = getattr(single_admm_solver, name)
    S, alpha, tol = problem.load(), problem.alpha, setting["tol"]

    def fit() -> Any:
        found = solver(S, alpha, np.eye(len(S)), tol=tol, rtol=tol, max_iter=10_000)
        return (found[0] if isinstance(found, tuple) else found)["Theta"]

    return fit


SOLVERS = {
    "gglasso": Solver("gglasso", partial(start, name="ADMM_SGL")),
    "gglasso-blocks": Solver("gglasso", partial(start, name="block_SGL")),
}
