"""Block coordinate descent on the atoms: each in turn, for the codes as they are.

    min ½ tr(DᵀAD) − tr(DᵀB)   with ‖d_j‖ ≤ 1, optionally with D ≥ 0

The minimum over one atom is the projection of its minimum without constraints, so no step raises
the objective (Mairal, Bach, Ponce and Sapiro: Online learning for matrix factorization and sparse
coding, 2010, algorithm 2).
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, splat, store, total

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def sweep_atoms(
    D: np.ndarray, A: np.ndarray, B: np.ndarray, least: float, positive: bool, sweeps: int,
    work: np.ndarray,
) -> None:  # fmt: skip
    """Minimise over each atom, `sweeps` times; an atom with A_jj ≤ `least` stays as it is.

    Parameters
    ----------
    D : ndarray of float64, shape (padded atoms, padded features)
        Atoms; changed in place.
    A : ndarray of float64, shape (padded atoms, padded atoms)
        Σ ccᵀ over signals with codes c.
    B : ndarray of float64, shape (padded atoms, padded features)
        Σ cxᵀ.
    least : float
    positive : bool
        Whether atoms have no negative entries.
    sweeps : int
    work : ndarray of float64, shape (≥ 1, padded features)
        Work space.
    """
    for _ in range(sweeps):
        for j in range(D.shape[0]):
            if A[j, j] > least:
                _move(D, j, A, B, positive, work)


@kernel
def _move(
    D: np.ndarray, j: int, A: np.ndarray, B: np.ndarray, positive: bool, work: np.ndarray
) -> None:
    """Minimise over atom `j`."""
    for f in range(0, D.shape[1], LANES):
        slope = load(B, j, f)
        for k in range(D.shape[0]):
            slope = madd(splat(D, -A[j, k]), load(D, k, f), slope)
        store(work, 0, f, madd(splat(D, 1.0 / A[j, j]), slope, load(D, j, f)))
    squares = splat(D, 0.0)
    for f in range(0, D.shape[1], LANES):
        if positive:
            for e in range(f, f + LANES):
                work[0, e] = max(work[0, e], 0.0)
        row = load(work, 0, f)
        squares = madd(row, row, squares)
    norm = np.sqrt(total(squares))
    scale = splat(D, 1.0 / norm if norm > 1.0 else 1.0)
    zero = splat(D, 0.0)
    for f in range(0, D.shape[1], LANES):
        store(D, j, f, madd(scale, load(work, 0, f), zero))


@kernel
def replace_unused(D: np.ndarray, j: int, X: np.ndarray, i: int, positive: bool) -> None:
    """Set atom `j` to signal `i`, scaled to length 1; leave it as it is if nothing is left.

    Parameters
    ----------
    D : ndarray of float64, shape (padded atoms, padded features)
        Changed in place.
    j : int
    X : ndarray of shape (n_signals, padded features)
    i : int
    positive : bool
        Whether atoms have no negative entries: those of the signal are left out.
    """
    squares = 0.0
    for f in range(X.shape[1]):
        if X[i, f] > 0.0 or not positive:
            squares += np.float64(X[i, f]) * X[i, f]
    if not squares > 0.0:
        return
    for f in range(X.shape[1]):
        D[j, f] = X[i, f] / np.sqrt(squares) if X[i, f] > 0.0 or not positive else 0.0
