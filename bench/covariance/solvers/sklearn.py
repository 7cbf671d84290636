"""scikit-learn: its graphical Lasso, and a Lasso for every variable on the Gram matrix of all."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.covariance.solvers import demand
from bench.harness.problem import Setting, Solver


def start(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit."""
    demand(problem, "sklearn", "glasso", "neighbours")
    S, alpha, tol = problem.load(), problem.alpha, setting["tol"]
    if problem.kind == "glasso":
        from sklearn.covariance import graphical_lasso

        def glasso() -> Any:
            try:
                return graphical_lasso(S, alpha, tol=tol, enet_tol=tol, max_iter=100)[1]
            except FloatingPointError:  # the system is too ill-conditioned for this solver
                return np.full(S.shape, np.nan)

        return glasso
    from sklearn.linear_model import Lasso

    X = np.asfortranarray(problem.columns())

    def lassos() -> np.ndarray:
        found, places = np.zeros_like(S), np.arange(len(S))
        for j in places:
            others = places != j
            lasso = Lasso(alpha, fit_intercept=False, tol=tol, max_iter=100_000)
            found[j, others] = lasso.fit(X[:, others], X[:, j]).coef_
        return found

    return lassos


SOLVERS = {"sklearn": Solver("scikit-learn", start, module="sklearn")}
