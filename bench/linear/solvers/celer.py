"""celer, whose paths keep the working set from one penalty to the next.

Its cross-validation does not work with scikit-learn 1.9, so only its paths are compared.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import ITERATIONS


def start(problem: Any, setting: Setting) -> Callable[[], np.ndarray]:
    """Prepare a path."""
    if hasattr(problem, "folds"):
        raise ValueError("celer has no cross-validation that works with scikit-learn 1.9")
    X, y = problem.load()

    def path() -> np.ndarray:
        from celer import celer_path

        found = celer_path(
            X, y, pb="lasso", l1_ratio=problem.l1_ratio, alphas=problem.alphas,
            tol=setting["tol"], max_iter=1000, max_epochs=ITERATIONS,
        )  # fmt: skip
        return np.asarray(found[1])

    return path


SOLVERS = {"celer": Solver("celer", start)}
