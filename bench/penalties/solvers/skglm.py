"""skglm: coordinate descent with Anderson acceleration, or proximal Newton, on working sets.

Its tolerance is the largest distance of a gradient from the subdifferential, in units of α; the
setting's is a share of α.
"""

from collections.abc import Callable
from typing import Any

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import ITERATIONS, Answer
from bench.logistic.solvers import answer


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    (X, y), alpha = problem.load(), problem.alpha
    given = {"tol": setting["tol"] * alpha, "fit_intercept": problem.intercept, "max_iter": 1000}

    def concave() -> Answer:
        from skglm import MCPRegression

        model = MCPRegression(alpha, problem.gamma, max_epochs=ITERATIONS, **given)
        return answer(model.fit(X, y))

    def counts() -> Answer:
        from skglm import GeneralizedLinearEstimator
        from skglm.datafits import Poisson
        from skglm.penalties import L1
        from skglm.solvers import ProxNewton

        model = GeneralizedLinearEstimator(Poisson(), L1(alpha), ProxNewton(**given))
        return answer(model.fit(X, y))

    def weights() -> Answer:
        from skglm import WeightedLasso

        model = WeightedLasso(alpha, problem.factors, max_epochs=ITERATIONS, **given)
        return answer(model.fit(X, y))

    return {"concave": concave, "counts": counts, "weights": weights}[problem.kind]


SOLVERS = {"skglm": Solver("skglm", start)}
