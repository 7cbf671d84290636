"""What the codes of a few signals leave unexplained, and its products with all atoms.

A row of X, of codes and of atoms is padded with zeros to whole vectors
(:mod:`strads.kernels.lanes`). Four signals are treated together, so that each entry of the
dictionary that is read serves four of them.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, splat, store, total

kernel = numba.njit(nogil=True, error_model="numpy")

#: Number of signals that are treated together.
GROUP = 4


@kernel
def residual(
    X: np.ndarray, i: int, C: np.ndarray, row: int, D: np.ndarray, R: np.ndarray, s: int
) -> float:
    """Set ``R[s]`` to x − Dᵀc of signal `i`; return ‖x − Dᵀc‖².

    Parameters
    ----------
    X : ndarray of shape (n_signals, padded features)
    i : int
        The signal.
    C : ndarray of shape (n, padded atoms)
        Codes.
    row : int
        The row of C with the code c of the signal.
    D : ndarray of shape (padded atoms, padded features)
        Atoms.
    R : ndarray of shape (≥ s + 1, padded features)
        Row `s` is written.
    s : int

    Returns
    -------
    float
        The squared norm, summed in the type of X.
    """
    for f in range(0, X.shape[1], LANES):
        store(R, s, f, load(X, i, f))
    for j in range(C.shape[1]):
        if C[row, j] != 0.0:
            share = splat(R, -C[row, j])
            for f in range(0, X.shape[1], LANES):
                store(R, s, f, madd(share, load(D, j, f), load(R, s, f)))
    return squared_norm(R, s)


@kernel
def squared_norm(R: np.ndarray, s: int) -> float:
    """Return ‖R[s]‖², summed in the type of R."""
    squares = splat(R, 0.0)
    for f in range(0, R.shape[1], LANES):
        row = load(R, s, f)
        squares = madd(row, row, squares)
    return np.float64(total(squares))


@kernel
def correlations(R: np.ndarray, T: np.ndarray, Z: np.ndarray) -> None:
    """Set the first :data:`GROUP` rows of Z to R T.

    Parameters
    ----------
    R : ndarray of shape (GROUP, padded features)
        Residuals of a group of signals.
    T : ndarray of shape (padded features, padded atoms)
        Atoms, one a column.
    Z : ndarray of shape (GROUP, padded atoms)
        Written in place.
    """
    for a in range(0, T.shape[1], LANES):
        z0, z1, z2, z3 = splat(Z, 0.0), splat(Z, 0.0), splat(Z, 0.0), splat(Z, 0.0)
        for f in range(R.shape[1]):
            t = load(T, f, a)
            z0, z1 = madd(splat(Z, R[0, f]), t, z0), madd(splat(Z, R[1, f]), t, z1)
            z2, z3 = madd(splat(Z, R[2, f]), t, z2), madd(splat(Z, R[3, f]), t, z3)
        store(Z, 0, a, z0)
        store(Z, 1, a, z1)
        store(Z, 2, a, z2)
        store(Z, 3, a, z3)
