"""The objective φ of one row of a factor, while the other factor is fixed.

With the other factor H fixed, row w of W, with bias β, has the convex quadratic objective

    φ(w, β) = Σ_j (q_j s_j² − 2 t_j s_j) + wᵀSw + λ (‖w‖² + β²),   s_j = wᵀh_j + β

whose sum is over the row's stored entries x_j. Every factorisation here is a choice of weights q
and targets t, both linear in the entry: q_j = q₀ + q₁x_j, t_j = t₀ + t₁x_j − (bias of row j of H).

    squared error of ratings                 q = 1,      t = x,   S = 0
    confidence-weighted (implicit feedback)  q = c − 1,  t = c,   S = HᵀH
    squared error of all entries, zeros too  q = 0,      t = x,   S = HᵀH

The entries of a row are those at positions lo..hi−1 of a CSR (or CSC) matrix. The rows of H that
belong to them are called the row's neighbours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, prefetch, splat, store, total

kernel = numba.njit(nogil=True, error_model="numpy")

#: Rows of H are prefetched this many neighbours ahead, since they are scattered in memory.
AHEAD = 16
#: Entries of `terms`: q₀, q₁, t₀, t₁; then two constants c, d for which the value of φ includes
#: Σ (c t_j² + d t_j), so that it can be a sum of squared errors; number of entries.
Q0, Q1, T0, T1, SQUARE, LINEAR, TERMS = 0, 1, 2, 3, 4, 5, 6


class Side(NamedTuple):
    """The fixed factor while the rows of the other factor are moved.

    Attributes
    ----------
    H : ndarray of shape (n, padded rank)
    bias : ndarray of shape (n,)
        Biases of the rows of H, subtracted from the targets.
    S : ndarray of shape (padded rank, padded rank)
        HᵀH if entries that are not stored count too; else it is not read.
    """

    H: np.ndarray
    bias: np.ndarray
    S: np.ndarray


@kernel
def dot_rows(A: np.ndarray, a: Any, B: np.ndarray, b: Any) -> Any:
    """Return ``A[a] @ B[b]``."""
    sum_ = splat(A, 0.0)
    for f in range(0, A.shape[1], LANES):
        sum_ = madd(load(A, a, f), load(B, b, f), sum_)
    return total(sum_)


@kernel
def add_row(c: Any, A: np.ndarray, a: Any, B: np.ndarray, b: Any) -> None:
    """Add ``c * A[a]`` to ``B[b]`` in place."""
    factor = splat(A, c)
    for f in range(0, A.shape[1], LANES):
        store(B, b, f, madd(factor, load(A, a, f), load(B, b, f)))


@kernel
def clear_row(A: np.ndarray, a: Any) -> None:
    """Set ``A[a]`` to zero."""
    for f in range(0, A.shape[1], LANES):
        store(A, a, f, splat(A, 0.0))


@kernel
def row_penalty(step: np.ndarray, entries: int) -> Any:
    """Return λ of a row: ``step[0]``, times the number of its `entries` if ``step[1]`` is set."""
    return step[0] * entries if step[1] > 0.0 else step[0] * 1


@kernel
def times(S: np.ndarray, A: np.ndarray, a: Any, B: np.ndarray, b: Any) -> None:
    """Set ``B[b]`` to ``S @ A[a]``, where S is symmetric."""
    for f in range(0, S.shape[1], LANES):
        sum_ = splat(S, 0.0)
        for g in range(S.shape[0]):
            sum_ = madd(splat(S, A[a, g]), load(S, g, f), sum_)
        store(B, b, f, sum_)


@kernel
def slope(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, W: np.ndarray, w: int, beta: float,
    side: Side, terms: np.ndarray, work: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """Add Σ (t_j − q_j s_j) h_j, half the negative gradient of the sum in φ, to ``work[0]``.

    Parameters
    ----------
    x, j : ndarray
        Entries of the matrix, and the rows of H that belong to them.
    lo, hi : int
        Positions of the row's entries in `x` and `j`.
    W : ndarray of shape (m, padded rank)
    w : int
        The row of W.
    beta : float
        Its bias β.
    side : Side
    terms : ndarray of shape (TERMS,)
        See the constants of this module; in the type of W.
    work : ndarray of shape (k, padded rank)
        Its first row is changed in place.

    Returns
    -------
    slope, value : float
        Σ (t_j − q_j s_j), half the negative derivative by β; and the sum in φ, with the constants
        that `terms` ask for.
    """
    of_bias = value = 0.0
    H, bias = side.H, side.bias
    for k in range(lo, hi):
        prefetch(H, j[min(k + AHEAD, hi - 1)])
        i = np.uint64(j[k])
        s = dot_rows(W, w, H, i) + beta
        q, t = terms[Q0] + terms[Q1] * x[k], terms[T0] + terms[T1] * x[k] - bias[i]
        g = t - q * s
        add_row(g, H, i, work, 0)
        of_bias += g
        value += (q * s - 2 * t) * s + (terms[SQUARE] * t + terms[LINEAR]) * t
    return of_bias, value
