"""The duality gap of a code, computed from the signal, the atoms and the code in double precision.

    P(c) = ½‖x − Dᵀc‖² + α‖c‖₁        (optionally with c ≥ 0)
    D(θ) = ½‖x‖² − ½‖x − θ‖²          for all θ with ``|d_jᵀθ|`` ≤ α (or d_jᵀθ ≤ α)

The dual point is the residual, scaled until it is feasible. P(c) − D(θ) bounds how far P(c) is
above the least value, whatever computed c.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.coding.descent import gap_of
from strads.kernels.lanes import LANES, doubled, load, madd, splat, store, total

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def certified(
    X: np.ndarray, i: int, C: np.ndarray, D: np.ndarray, alpha: float, positive: bool,
    work: np.ndarray,
) -> tuple[float, float, float]:  # fmt: skip
    """Return P(c) of signal `i`, its duality gap, and ½‖x‖².

    Parameters
    ----------
    X : ndarray of shape (n_signals, padded features)
    i : int
    C : ndarray of shape (n_signals, padded atoms)
        Codes.
    D : ndarray of shape (padded atoms, padded features)
    alpha : float
    positive : bool
        Whether c ≥ 0.
    work : ndarray of float64, shape (≥ 1, padded features)
        Work space.

    Returns
    -------
    value, gap, scale : float
    """
    size, whole = 0.0, splat(work, 0.0)
    for f in range(0, X.shape[1], LANES):
        x = doubled(load(X, i, f))
        store(work, 0, f, x)
        whole = madd(x, x, whole)
    for j in range(C.shape[1]):
        if C[i, j] != 0.0:
            size += abs(np.float64(C[i, j]))
            share = splat(work, -np.float64(C[i, j]))
            for f in range(0, X.shape[1], LANES):
                store(work, 0, f, madd(share, doubled(load(D, j, f)), load(work, 0, f)))
    squares = splat(work, 0.0)
    for f in range(0, X.shape[1], LANES):
        r = load(work, 0, f)
        squares = madd(r, r, squares)
    rr, largest, fitted = total(squares), 0.0, 0.0
    for j in range(C.shape[1]):
        sums = splat(work, 0.0)
        for f in range(0, X.shape[1], LANES):
            sums = madd(doubled(load(D, j, f)), load(work, 0, f), sums)
        z = total(sums)
        largest = max(largest, z if positive else abs(z))
        fitted += np.float64(C[i, j]) * z
    gap = gap_of(alpha, size, rr, fitted, largest)
    return 0.5 * rr + alpha * size, gap, 0.5 * total(whole)
