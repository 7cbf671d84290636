"""Peers on implicit ratings: implicit and cmfrec, at their fastest.

Both minimise Σ_ui c_ui (p_ui − w_uᵀh_i)² + λ(‖W‖² + ‖H‖²) over all pairs, with c = 1 + x and p = 1
where a rating x is stored, c = 1 and p = 0 elsewhere. implicit takes the stored value for c itself,
so it is given 1 + x. cmfrec's conjugate gradients settle well above the minimum, however many their
steps and sweeps; *cholesky* is its exact solver, which does not.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.compare.solver import THREADS, Factors, Setting, Solver


def _confidences(X: sp.csr_matrix) -> sp.csr_matrix:
    X = X.copy()  # a mapped matrix is read-only, which implicit refuses
    X.data += np.float32(1.0)
    return X


def _implicit(X: sp.csr_matrix, setting: Setting) -> Factors:
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=setting.rank, regularization=setting.regularization, alpha=1.0,
        iterations=setting.iterations, use_cg=True, num_threads=THREADS, dtype=np.float32,
        random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, show_progress=False)
    return Factors(model.user_factors, model.item_factors)


def _cmfrec(*, cg: bool) -> Any:
    def fit(X: sp.coo_matrix, setting: Setting) -> Factors:
        import cmfrec

        model = cmfrec.CMF_implicit(
            k=setting.rank, lambda_=setting.regularization, alpha=1.0, use_cg=cg,
            finalize_chol=False, niter=setting.iterations, nthreads=THREADS, use_float=True,
            produce_dicts=False, precompute_for_predictions=False, verbose=False,
        )  # fmt: skip
        model.fit(X)
        return Factors(model.A_, model.B_)

    return fit


SOLVERS = {
    "implicit": Solver("implicit", _confidences, _implicit),
    "cmfrec": Solver("cmfrec", sp.coo_matrix, _cmfrec(cg=True)),
    "cmfrec-cholesky": Solver("cmfrec", sp.coo_matrix, _cmfrec(cg=False)),
}
