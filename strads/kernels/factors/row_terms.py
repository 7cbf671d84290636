"""What a row of a factor adds to the objective, seen from that row alone.

With the other factor H frozen, row w of W (bias β) has the convex quadratic

    φ(w, β) = Σ_j (q_j s_j² − 2 t_j s_j) + wᵀSw + λ (‖w‖² + β²),   s_j = wᵀh_j + β

over the row's stored entries x_j. Every factorisation here is a choice of weights and targets, both
linear in the entry: q_j = q₀ + q₁x_j and t_j = t₀ + t₁x_j − (mean and bias of the other side).

    squared error of ratings        q = 1,      t = x,   S = 0
    confidence-weighted (implicit)  q = c − 1,  t = c,   S = HᵀH
    all entries, zeros as well      q = 0,      t = x,   S = HᵀH

A row is given by its entries' positions lo..hi−1 in a CSR (or CSC) matrix.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, prefetch, splat, store, total

kernel = numba.njit(nogil=True, error_model="numpy")

#: How many neighbours ahead rows of H are asked for: they come from all over the memory.
AHEAD = 16
#: Entries of `terms`: q₀, q₁, t₀, t₁, then what the value of an entry adds for t² and for t.
Q0, Q1, T0, T1, SQUARE, LINEAR, TERMS = 0, 1, 2, 3, 4, 5, 6


class Side(NamedTuple):
    """One side of a half-sweep: the frozen factor and what belongs to it.

    Attributes
    ----------
    H : ndarray of shape (n, padded rank)
    bias : ndarray of shape (n,)
        Of the rows of H.
    S : ndarray of shape (padded rank, padded rank)
        HᵀH where all entries count, else zeros that are not read.
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
    """Add ``c * A[a]`` to ``B[b]``."""
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
    """λ of a row with so many entries; the first two words of every `step` are λ and `scaled`."""
    return step[0] * entries if step[1] > 0.0 else step[0] * 1


@kernel
def times(S: np.ndarray, A: np.ndarray, a: Any, B: np.ndarray, b: Any) -> None:
    """Set ``B[b]`` to ``S @ A[a]``, S symmetric."""
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
    """Add Σ (t_j − q_j s_j) h_j to ``work[0]``.

    Parameters
    ----------
    x, j : ndarray
        Entries, and their rows in H.
    lo, hi : int
        Positions of the row's entries.
    W : ndarray
    w : int
        The row of W.
    beta : float
        Its bias.
    side : Side
    terms : ndarray of shape (TERMS,)
        In the type of W.
    work : ndarray of shape (k, padded rank)

    Returns
    -------
    slope of β, value : float
        Σ (t_j − q_j s_j), and the objective's data term without wᵀSw.
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
