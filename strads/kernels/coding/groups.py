"""Codes of a group of signals: residuals, correlations, and the descent of each."""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.coding.descent import Space, descend
from strads.kernels.coding.residuals import GROUP, correlations, residual, squared_norm

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def code_group(
    X: np.ndarray, ids: np.ndarray, C: np.ndarray, rows: np.ndarray, D: np.ndarray, T: np.ndarray,
    G: np.ndarray, alpha: float, positive: bool, tol: float, looks: int, R: np.ndarray,
    Z: np.ndarray, space: Space, value: np.ndarray,
) -> None:  # fmt: skip
    """Move the codes of at most :data:`GROUP` signals, from whatever they are.

    Parameters
    ----------
    X : ndarray of shape (n_signals, padded features)
    ids : ndarray of int, shape (≤ GROUP,)
        Signals.
    C : ndarray of shape (n, padded atoms)
        Codes.
    rows : ndarray of int, same shape as ids
        Rows of C with the codes of these signals.
    D, T, G : ndarray
        Atoms as rows, atoms as columns, and their Gram matrix; padded.
    alpha, positive, tol, looks, space
        See :func:`strads.kernels.coding.descent.descend`.
    R, Z : ndarray of shape (GROUP, padded features) and (GROUP, padded atoms)
        Work space.
    value : ndarray of float64, shape (GROUP,)
        Set to ‖x − Dᵀc‖² of each signal, as far as rounding allows.
    """
    for s in range(GROUP):
        # A short group repeats its last signal, so that the products below have four.
        at = min(s, len(ids) - 1)
        value[s] = residual(X, ids[at], C, rows[at], D, R, s)
    correlations(R, T, Z)
    for s in range(len(ids)):
        xx = squared_norm(X, ids[s])
        value[s], _ = descend(C, rows[s], Z, s, G, alpha, positive, xx, value[s], tol, looks, space)


@kernel
def refresh(dictionary: np.ndarray, D: np.ndarray, T: np.ndarray, G: np.ndarray) -> None:
    """Set D to the dictionary, rounded to its type; T to its transpose; and G to DDᵀ.

    Parameters
    ----------
    dictionary : ndarray of float64, shape (padded atoms, padded features)
    D, T, G : ndarray
        Written in place.
    """
    for j in range(D.shape[0]):
        for f in range(D.shape[1]):
            D[j, f] = dictionary[j, f]
            T[f, j] = D[j, f]
    for j in range(0, D.shape[0], GROUP):
        correlations(D[j : j + GROUP], T, G[j : j + GROUP])
