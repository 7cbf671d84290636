"""Codes of a group of signals: residuals, correlations, and the descent of each."""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.coding.descent import descend, settled, undo
from strads.kernels.coding.homotopy import pursue
from strads.kernels.coding.residuals import GROUP, correlations, residual, squared_norm
from strads.kernels.coding.space import MEMBERS, Space

kernel = numba.njit(nogil=True, error_model="numpy")

#: A code whose duality gap is at most this share of ½‖x‖² is improved by descent, from where it is.
NEAR = 1e-4


@kernel
def code_group(
    X: np.ndarray, ids: np.ndarray, C: np.ndarray, rows: np.ndarray, D: np.ndarray, T: np.ndarray,
    G: np.ndarray, alpha: float, positive: bool, tol: float, looks: int, R: np.ndarray,
    Z: np.ndarray, space: Space, value: np.ndarray,
) -> int:  # fmt: skip
    """Move the codes of at most :data:`GROUP` signals, from whatever they are.

    A code that is far from the best one is computed anew by the homotopy method, since that is
    quicker than descent. Descent does the rest. The objective of no code rises.

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

    Returns
    -------
    int
        Number of codes that ended for want of looks.
    """
    for s in range(GROUP):
        # A short group repeats its last signal, so that the products below have four.
        at = min(s, len(ids) - 1)
        value[s] = residual(X, ids[at], C, rows[at], D, R, s)
    correlations(R, T, Z)
    short = 0
    for s in range(len(ids)):
        xx, row = squared_norm(X, ids[s]), rows[s]
        gap, most, count = settled(C, row, Z, s, alpha, positive, value[s], space.active)
        if not gap > 0.5 * tol * xx:
            continue
        if alpha > 0.0 and gap > 0.5 * NEAR * xx and count <= MEMBERS:
            undo(C, row, Z, s, G, space.active, count)
            value[s] = pursue(C, row, Z, s, G, alpha, positive, xx, tol, space)
        value[s], ended = descend(
            C, row, Z, s, G, alpha, positive, xx, value[s], tol, most, looks, space
        )
        short += ended
    return short


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
