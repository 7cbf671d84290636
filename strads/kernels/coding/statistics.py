"""What the update of the atoms needs to know of signals and codes: A = Σ ccᵀ and B = Σ cxᵀ."""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, doubled, load, madd, splat, store

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def add_signal(
    X: np.ndarray, i: int, C: np.ndarray, row: int, A: np.ndarray, B: np.ndarray,
    active: np.ndarray,
) -> float:  # fmt: skip
    """Add ccᵀ to A and cxᵀ to B; return ‖c‖₁.

    Parameters
    ----------
    X : ndarray of shape (n_signals, padded features)
    i : int
        The signal x.
    C : ndarray of shape (n, padded atoms)
    row : int
        The row of C with its code c.
    A : ndarray of float64, shape (padded atoms, padded atoms)
    B : ndarray of float64, shape (padded atoms, padded features)
    active : ndarray of int32, shape (≥ padded atoms,)
        Work space.
    """
    count, size = 0, 0.0
    for j in range(C.shape[1]):
        if C[row, j] != 0.0:
            active[count] = j
            count += 1
    for m in range(count):
        j = active[m]
        weight = np.float64(C[row, j])
        size += abs(weight)
        for n in range(count):
            A[j, active[n]] += weight * C[row, active[n]]
        share = splat(B, weight)
        for f in range(0, X.shape[1], LANES):
            store(B, j, f, madd(share, doubled(load(X, i, f)), load(B, j, f)))
    return size
