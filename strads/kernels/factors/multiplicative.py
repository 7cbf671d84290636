"""Multiplicative updates of a row of a non-negative factor, which decrease a β-divergence.

With the other factor H fixed, row w of W has the objective Σ_i d_β(x_i, s_i) + λ₁‖w‖₁ + λ₂‖w‖²/2,
with s_i = wᵀh_i, where the sum is over *all* rows of H, and x_i = 0 where nothing is stored:

    β = 2   half the squared error             d = (x − s)² / 2
    β = 1   Kullback–Leibler divergence        d = x log(x/s) − x + s
    β = 0   Itakura–Saito divergence           d = x/s − log(x/s) − 1
    else    d = (x^β + (β − 1) s^β − β x s^(β−1)) / (β (β − 1))

The update of Févotte and Idier (2011) multiplies w by the γ-th power of

    Σ_i x_i s_i^(β−2) h_i  /  (Σ_i s_i^(β−1) h_i + λ₁ + λ₂ w)

Only stored entries contribute to the numerator. The denominator's sum is HᵀH w if β = 2 and the sum
of the rows of H if β = 1; for any other β it takes a pass over all rows of H.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.factors.row_terms import add_row, clear_row, dot_rows, times
from strads.kernels.lanes import LANES, load, store

kernel = numba.njit(nogil=True, error_model="numpy")

#: Smallest value of s in powers with negative exponents, and of a denominator, as in scikit-learn.
EPSILON = float(np.finfo(np.float32).eps)
#: Rows of `work`: numerator and denominator; number of rows.
ABOVE, BELOW, WORK = 0, 1, 2
#: Entries of `step`: β, γ, λ₁, λ₂, the value below which a new entry of w becomes 0; their number.
BETA, GAMMA, L1, L2, CUT, STEP = 0, 1, 2, 3, 4, 5


@kernel
def multiply_row(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, W: np.ndarray, w: int, H: np.ndarray,
    S: np.ndarray, step: np.ndarray, work: np.ndarray,
) -> None:  # fmt: skip
    """Update row `w` of W in place.

    Parameters
    ----------
    x, j : ndarray
        Entries of the matrix, and the rows of H that belong to them.
    lo, hi : int
        Positions of the row's entries in `x` and `j`.
    W : ndarray of shape (m, padded rank)
    w : int
        The row of W.
    H : ndarray of shape (n, padded rank)
    S : ndarray of shape (padded rank, padded rank)
        HᵀH if β = 2; the sum of the rows of H in its first row if β = 1; else it is not read.
    step : ndarray of shape (STEP,)
        See the constants of this module.
    work : ndarray of shape (WORK, padded rank)
        Work space.
    """
    beta = step[BETA]
    clear_row(work, ABOVE)
    for k in range(lo, hi):
        i = np.uint64(j[k])
        weight = np.float64(x[k])
        if beta != 2.0:
            s = np.float64(dot_rows(W, w, H, i))
            if beta < 2.0:
                s = max(s, EPSILON)
            weight *= _power(s, beta - 2.0)
        add_row(weight, H, i, work, ABOVE)
    _denominator(W, w, H, S, beta, work)
    for f in range(W.shape[1]):
        old = np.float64(W[w, f])
        below = work[BELOW, f] + step[L1] + step[L2] * old
        if below == 0.0:
            below = EPSILON
        ratio = work[ABOVE, f] / below
        if step[GAMMA] != 1.0:
            ratio = ratio ** step[GAMMA]
        new = old * ratio
        W[w, f] = new if new >= step[CUT] else 0.0


@kernel
def _denominator(
    W: np.ndarray, w: int, H: np.ndarray, S: np.ndarray, beta: float, work: np.ndarray
) -> None:
    """Set the denominator without the penalties."""
    if beta == 2.0:
        times(S, W, w, work, BELOW)
        return
    if beta == 1.0:
        for f in range(0, S.shape[1], LANES):
            store(work, BELOW, f, load(S, 0, f))
        return
    clear_row(work, BELOW)
    for i in range(H.shape[0]):
        s = np.float64(dot_rows(W, w, H, i))
        if beta < 1.0:
            s = max(s, EPSILON)
        add_row(_power(s, beta - 1.0), H, i, work, BELOW)


@kernel
def row_divergence(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, W: np.ndarray, w: int, H: np.ndarray,
    S: np.ndarray, beta: float,
) -> float:  # fmt: skip
    """Return Σ_i d_β(x_i, s_i) of row `w`, without penalties.

    Stored entries up to :data:`EPSILON` count as zeros, and s as at least that, as in scikit-learn.
    See :func:`multiply_row` for the parameters.
    """
    stored = 0.0
    for k in range(lo, hi):
        y = np.float64(x[k])
        s = np.float64(dot_rows(W, w, H, np.uint64(j[k])))
        if beta == 2.0:
            stored += 0.5 * y * y - y * s
        elif y > EPSILON:
            s = max(s, EPSILON)
            if beta == 1.0:
                stored += y * np.log(y / s) - y
            elif beta == 0.0:
                stored += y / s - np.log(y / s)
            else:
                stored += (y**beta - beta * y * _power(s, beta - 1.0)) / (beta * (beta - 1.0))
    return stored + _of_all_rows(W, w, H, S, beta)


@kernel
def _of_all_rows(W: np.ndarray, w: int, H: np.ndarray, S: np.ndarray, beta: float) -> float:
    """Return the part of the divergence that entries have whether they are stored or not."""
    rest = 0.0
    if beta == 2.0:
        for f in range(W.shape[1]):
            rest += 0.5 * W[w, f] * dot_rows(W, w, S, f)
    elif beta == 1.0:
        rest += dot_rows(W, w, S, 0)
    elif beta == 0.0:
        rest -= H.shape[0]
    else:
        for i in range(H.shape[0]):
            s = np.float64(dot_rows(W, w, H, i))
            rest += (max(s, EPSILON) if beta < 0.0 else s) ** beta / beta
    return rest


@kernel
def _power(s: float, exponent: float) -> Any:
    """Return s to a power; the usual exponents cost no logarithm."""
    if exponent == -1.0:
        return 1.0 / s
    if exponent == -2.0:
        return 1.0 / (s * s)
    if exponent == 1.0:
        return s
    return s**exponent
