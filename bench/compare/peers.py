"""Peers at their fastest, as solvers of explicit and of implicit ratings.

On explicit ratings, LIBMF and cmfrec minimise Σ_(u,i) (x_ui − x̂_ui)² + λ(‖w_u‖² + ‖h_i‖²), the sum
over known ratings. LIBMF has neither mean nor biases, and predicts the mean for users and items
that it did not meet. cmfrec removes the mean; *biased* adds its biases, *cholesky* them and exact
solutions.

On implicit ratings, implicit and cmfrec minimise Σ_ui c_ui (p_ui − w_uᵀh_i)² + λ(‖W‖² + ‖H‖²) over
all pairs, with c = 1 + x and p = 1 where a rating x is stored, c = 1 and p = 0 elsewhere. implicit
takes the stored value for c itself, so it is given 1 + x. cmfrec's conjugate gradients settle well
above the minimum, however many their steps and sweeps; *cholesky* is its exact solver, which does
not.
"""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from bench.compare.solver import THREADS, Factors, Hung, Setting, Solver, to_triples


class Triples(NamedTuple):
    """What LIBMF takes: rows of (user, item, value), as float32."""

    rows: np.ndarray
    shape: tuple[int, int]
    mean: float


def _triples(X: sp.csr_matrix) -> Triples:
    rows = np.empty((X.nnz, 3), dtype=np.float32)
    for column, values in enumerate(to_triples(X)):
        rows[:, column] = values
    return Triples(rows, X.shape, float(X.data.mean(dtype=np.float64)))


def _libmf(triples: Triples, setting: Setting) -> Factors:
    module = _quiet_libmf()
    lam = setting.regularization
    model = module.MF(
        k=setting.rank, nr_threads=THREADS, nr_bins=26, nr_iters=setting.iterations,
        lambda_p1=0.0, lambda_q1=0.0, lambda_p2=lam, lambda_q2=lam, eta=0.1, quiet=True,
        copy_data=True,
    )  # fmt: skip
    work = 1e-8 * len(triples.rows) * setting.rank * setting.iterations
    _within(10.0 + work, lambda: model.fit(triples.rows))
    users = _padded(model.p_factors(), triples.shape[0])
    items = _padded(model.q_factors(), triples.shape[1])
    return Factors(users, items, unseen=triples.mean)


def _within(seconds: float, fit: Callable[[], None]) -> None:
    """Fit in a thread of its own; give the thread up when it hangs.

    LIBMF's main thread lets its workers begin another epoch before it tells them to end. With
    little data the workers may finish that epoch first; then all threads wait for each other for
    ever.
    """
    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Hung(f"LIBMF was still not done after {seconds:.0f} s")


def _quiet_libmf() -> Any:
    """Import LIBMF without what it prints and warns of at its first import."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import libmf.mf as module
    return module


def _padded(factors: np.ndarray, rows: int) -> np.ndarray:
    """Add rows of NaN: LIBMF's factors end at the largest id that it met."""
    if len(factors) == rows:
        return factors
    return np.vstack([factors, np.full((rows - len(factors), factors.shape[1]), np.nan)])


def _cmfrec(*, biased: bool, cg: bool) -> Any:
    def fit(X: sp.coo_matrix, setting: Setting) -> Factors:
        import cmfrec

        model = cmfrec.CMF(
            k=setting.rank, lambda_=setting.regularization, method="als", use_cg=cg,
            finalize_chol=False, scale_lam=True, niter=setting.iterations, user_bias=biased,
            item_bias=biased, nthreads=THREADS, use_float=True, produce_dicts=False,
            precompute_for_predictions=False, verbose=False,
        )  # fmt: skip
        model.fit(X)
        mean = float(model.glob_mean_)
        biases = (model.user_bias_, model.item_bias_) if biased else (None, None)
        return Factors(model.A_, model.B_, *biases, mean=mean, unseen=mean)

    return fit


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


def _cmfrec_implicit(*, cg: bool) -> Any:
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


PEERS = {
    "explicit": {
        "libmf": Solver("libmf", _triples, _libmf),
        "cmfrec": Solver("cmfrec", sp.coo_matrix, _cmfrec(biased=False, cg=True)),
        "cmfrec-biased": Solver("cmfrec", sp.coo_matrix, _cmfrec(biased=True, cg=True)),
        "cmfrec-cholesky": Solver("cmfrec", sp.coo_matrix, _cmfrec(biased=True, cg=False)),
    },
    "implicit": {
        "implicit": Solver("implicit", _confidences, _implicit),
        "cmfrec": Solver("cmfrec", sp.coo_matrix, _cmfrec_implicit(cg=True)),
        "cmfrec-cholesky": Solver("cmfrec", sp.coo_matrix, _cmfrec_implicit(cg=False)),
    },
}
