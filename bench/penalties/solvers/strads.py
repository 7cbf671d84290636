"""Ours."""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import Answer
from bench.logistic.solvers import answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    X, y = problem.load()
    given = {"alpha": problem.alpha, "tol": setting["tol"], "fit_intercept": problem.intercept,
             "n_workers": setting["workers"] or None, "random_state": 0}  # fmt: skip

    def concave() -> Answer:
        from strads import MCP, NonconvexRegressor

        return answer(NonconvexRegressor(MCP(problem.gamma), **given).fit(X, y))

    def counts() -> Answer:
        from strads import GeneralizedLinearRegressor, PoissonLoss

        return answer(GeneralizedLinearRegressor(PoissonLoss(), **given).fit(X, y))

    def weights() -> Answer:
        from strads import Lasso

        return answer(Lasso(weights=problem.factors, **given).fit(X, y))

    return {"concave": concave, "counts": counts, "weights": weights}[problem.kind]


SOLVERS = {"strads": Solver("strads", start)}
