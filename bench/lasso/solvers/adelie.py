"""adelie, by a path of the one penalty."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Setting, Solver
from bench.lasso.solvers import Answer

THREADS = 2


def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
    """Prepare a fit."""
    (X, y), alpha = problem.load(), problem.alpha

    def fit() -> Answer:
        import adelie as ad

        if sp.issparse(X):
            matrix = ad.matrix.sparse(sp.csc_matrix(X), method="naive", n_threads=THREADS)
        else:
            matrix = ad.matrix.dense(np.asfortranarray(X), method="naive", n_threads=THREADS)
        state = ad.grpnet(
            matrix, ad.glm.gaussian(np.asarray(y, np.float64)), lmda_path=[alpha],
            intercept=problem.intercept, tol=setting["tol"], early_exit=False,
            n_threads=THREADS, progress_bar=False,
        )  # fmt: skip
        return Answer(state.betas[-1].toarray().ravel(), float(state.intercepts[-1]), state)

    return fit


SOLVERS = {"adelie": Solver("adelie", start, "adelie")}
