"""skglm's GraphicalLasso: block coordinate descent, compiled."""

from collections.abc import Callable
from typing import Any

from bench.covariance.solvers import demand
from bench.harness.problem import Setting, Solver


def start(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit."""
    demand(problem, "skglm", "glasso")
    from skglm.covariance import GraphicalLasso

    S, alpha, tol = problem.load(), problem.alpha, setting["tol"]

    def fit() -> Any:
        model = GraphicalLasso(alpha, tol=tol, inner_tol=tol, max_iter=10_000)
        return model.fit(S, mode="precomputed").precision_

    return fit


SOLVERS = {"skglm": Solver("skglm", start)}
