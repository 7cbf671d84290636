"""celer, whose paths and cross-validation keep the working set from one penalty to the next."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness.problem import Setting, Solver
from bench.linear.solvers import ITERATIONS


def start(problem: Any, setting: Setting) -> Callable[[], np.ndarray]:
    """Prepare a path or a cross-validation."""
    (X, y), alphas, ratio = problem.load(), problem.alphas, problem.l1_ratio
    given = {"tol": setting["tol"], "max_iter": 1000, "max_epochs": ITERATIONS}

    def path() -> np.ndarray:
        from celer import celer_path

        found = celer_path(X, y, pb="lasso", l1_ratio=ratio, alphas=alphas, **given)
        return np.asarray(found[1])

    def cross_validation() -> np.ndarray:
        from celer import ElasticNetCV

        model = ElasticNetCV(
            l1_ratio=ratio, alphas=alphas, cv=problem.folds, n_jobs=setting["workers"], **given
        )
        return np.asarray(model.fit(X, y).mse_path_)

    return cross_validation if hasattr(problem, "folds") else path


SOLVERS = {"celer": Solver("celer", start)}
