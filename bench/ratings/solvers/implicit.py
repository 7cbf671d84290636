"""implicit, which takes the stored value for the confidence itself, so it is given 1 + x."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness.problem import Setting, Solver
from bench.ratings.solvers import Factors


def start(problem: Any, setting: Setting) -> Callable[[], Factors]:
    """Fit CSR."""
    X = problem.load().train.copy()  # a mapped matrix is read-only, which implicit refuses
    X.data += np.float32(1.0)

    def fit() -> Factors:
        from implicit.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(
            factors=setting["rank"], regularization=setting["regularization"], alpha=1.0,
            iterations=setting["iterations"], use_cg=True, num_threads=setting["workers"],
            dtype=np.float32, random_state=0,
        )  # fmt: skip
        model.fit(X, show_progress=False)
        return Factors(model.user_factors, model.item_factors)

    return fit


SOLVERS = {"implicit": Solver("implicit", start, only="implicit")}
