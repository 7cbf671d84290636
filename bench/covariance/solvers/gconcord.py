"""gconcord's coordinate descent; its penalty counts every pair twice."""

from collections.abc import Callable
from typing import Any

import scipy.sparse as sp

from bench.covariance.solvers import demand
from bench.harness.problem import Setting, Solver


def start(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit."""
    demand(problem, "gconcord", "concord")
    import gconcord

    S, alpha, tol = problem.load(), problem.alpha, setting["tol"]

    def fit() -> Any:
        omega = gconcord.concord(
            S, 0.5 * alpha, algorithm="coordinate", tolerance=tol, max_iterations=10_000
        )["omega"]
        return omega.toarray() if sp.issparse(omega) else omega

    return fit


SOLVERS = {"gconcord": Solver("gconcord", start)}
