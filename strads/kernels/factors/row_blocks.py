"""Coordinate descent on a row of a factor, sixteen coordinates at a time.

It decreases φ(w, β) + 2κ‖w‖₁, optionally under w ≥ 0, with φ of
:mod:`strads.kernels.factors.row_terms`. The coordinates are divided into blocks of sixteen. A first
pass over the neighbours gives the quadratic of a block, a 16 × 16 matrix and a slope, on which
coordinate descent costs very little; a second pass brings the residuals up to date with the move.
Rendle, Krichene, Zhang and Koren (iALS++, 2021) solve the blocks by Cholesky decomposition instead,
which allows neither bounds nor an L1 penalty.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.factors.row_terms import (
    LINEAR,
    Q0,
    Q1,
    SQUARE,
    T0,
    T1,
    Side,
    add_row,
    clear_row,
    dot_rows,
    row_penalty,
    times,
)
from strads.kernels.lanes import LANES, load, madd, mul, splat, store, total
from strads.kernels.linear.prox import soft_threshold

kernel = numba.njit(nogil=True, error_model="numpy")

#: Rows of `work`: Sw; then slope, move and (sixteen rows) matrix of a block; number of rows.
SW, SLOPE, MOVE, MATRIX, WORK = 0, 1, 2, 3, 3 + LANES
#: Entries of `step`: λ, whether λ and κ are multiplied by the number of the row's entries, κ,
#: number of sweeps over a block, whether w ≥ 0, whether there is a bias, whether S counts,
#: whether the penalty that the row is reported with is that of its new values; number of entries.
PENALTY, SCALED, L1, SWEEPS, NONNEGATIVE, BIASED, GRAM, NEW_COST, STEP = 0, 1, 2, 3, 4, 5, 6, 7, 8


@kernel
def row_blocks(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, W: np.ndarray, w: int, beta: float,
    side: Side, terms: np.ndarray, step: np.ndarray, work: np.ndarray, g: np.ndarray,
) -> tuple[float, float, float]:  # fmt: skip
    """Move row `w` of W, all blocks of coordinates once.

    Parameters
    ----------
    x, j, lo, hi, W, w, beta, side, terms
        See :func:`strads.kernels.factors.row_terms.slope`. Row `w` of W is changed in place.
    step : ndarray of shape (STEP,)
        See the constants of this module.
    work : ndarray of shape (WORK, padded rank)
        Work space.
    g : ndarray of shape (≥ hi − lo,)
        Work space: t − qs of every entry.

    Returns
    -------
    bias, value, moved : float
        The new bias; φ before the move, with the constants that `terms` ask for and without the
        penalties; and the squared length of the move.
    """
    if step[GRAM] > 0.0:
        times(side.S, W, w, work, SW)
    else:
        clear_row(work, SW)
    value = dot_rows(W, w, work, SW)
    value += _look(x, j, lo, hi, W, w, beta, side, terms, g)
    moved = 0.0
    if step[BIASED] > 0.0:
        shift = _shift(x, lo, hi, beta, terms, row_penalty(step, hi - lo), g)
        beta, moved = beta + shift, shift * shift
    for first in range(0, W.shape[1], LANES):
        _block(x, j, lo, hi, W, w, first, side, terms, step, work, g)
        length = _descend(W, w, first, hi - lo, step, work)
        if length > 0.0:
            moved += length
            _apply(x, j, lo, hi, first, side, terms, step, work, g)
    return beta, value, moved


@kernel
def _look(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, W: np.ndarray, w: int, beta: float,
    side: Side, terms: np.ndarray, g: np.ndarray,
) -> float:  # fmt: skip
    """Set g to t − qs of every entry; return the sum in φ, with the constants of `terms`."""
    value = 0.0
    for k in range(lo, hi):
        i = np.uint64(j[k])
        s = dot_rows(W, w, side.H, i) + beta
        q, t = terms[Q0] + terms[Q1] * x[k], terms[T0] + terms[T1] * x[k] - side.bias[i]
        g[k - lo] = t - q * s
        value += (q * s - 2 * t) * s + (terms[SQUARE] * t + terms[LINEAR]) * t
    return value


@kernel
def _shift(
    x: np.ndarray, lo: int, hi: int, beta: float, terms: np.ndarray, penalty: float, g: np.ndarray
) -> float:  # fmt: skip
    """Move the bias to the value that minimises φ; return the move."""
    above, below = -penalty * beta, penalty
    for k in range(lo, hi):
        above += g[k - lo]
        below += terms[Q0] + terms[Q1] * x[k]
    if not below > 0.0:
        return 0.0
    shift = above / below
    for k in range(lo, hi):
        g[k - lo] -= (terms[Q0] + terms[Q1] * x[k]) * shift
    return shift


@kernel
def _block(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, W: np.ndarray, w: int, first: int,
    side: Side, terms: np.ndarray, step: np.ndarray, work: np.ndarray, g: np.ndarray,
) -> None:  # fmt: skip
    """Set the matrix and the slope −∇φ/2 of the block that begins at coordinate `first`."""
    H = side.H
    for a in range(LANES):
        store(work, MATRIX + a, 0, splat(work, 0.0))
    sums = splat(work, 0.0)
    for k in range(lo, hi):
        h = load(H, np.uint64(j[k]), first)
        sums = madd(splat(work, g[k - lo]), h, sums)
    if terms[Q0] != 0.0 or terms[Q1] != 0.0:
        _add_squares(x, j, lo, hi, first, H, terms, work)
    store(work, SLOPE, 0, sums)
    penalty = row_penalty(step, hi - lo)
    for a in range(LANES):
        work[SLOPE, a] -= work[SW, first + a] + penalty * W[w, first + a]
        if step[GRAM] > 0.0:
            row = load(side.S, first + a, first)
            store(work, MATRIX + a, 0, madd(splat(work, 1.0), row, load(work, MATRIX + a, 0)))
        work[MATRIX + a, a] += penalty


@kernel
def _add_squares(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, first: int, H: np.ndarray,
    terms: np.ndarray, work: np.ndarray,
) -> None:  # fmt: skip
    """Add Σ q_j h_j h_jᵀ to the block's matrix, four neighbours each time that it is read."""
    whole = hi - (hi - lo) % 4
    for k in range(lo, whole, 4):
        i0, i1, i2, i3 = (
            np.uint64(j[k]), np.uint64(j[k + 1]), np.uint64(j[k + 2]), np.uint64(j[k + 3])
        )  # fmt: skip
        h0, h1 = load(H, i0, first), load(H, i1, first)
        h2, h3 = load(H, i2, first), load(H, i3, first)
        q0, q1 = (
            splat(work, terms[Q0] + terms[Q1] * x[k]),
            splat(work, terms[Q0] + terms[Q1] * x[k + 1]),
        )
        q2, q3 = (
            splat(work, terms[Q0] + terms[Q1] * x[k + 2]),
            splat(work, terms[Q0] + terms[Q1] * x[k + 3]),
        )
        g0, g1, g2, g3 = mul(q0, h0), mul(q1, h1), mul(q2, h2), mul(q3, h3)
        for a in range(LANES):
            row = madd(splat(work, H[i0, first + a]), g0, load(work, MATRIX + a, 0))
            row = madd(splat(work, H[i1, first + a]), g1, row)
            row = madd(splat(work, H[i2, first + a]), g2, row)
            store(work, MATRIX + a, 0, madd(splat(work, H[i3, first + a]), g3, row))
    for k in range(whole, hi):
        i = np.uint64(j[k])
        square = mul(splat(work, terms[Q0] + terms[Q1] * x[k]), load(H, i, first))
        for a in range(LANES):
            row = load(work, MATRIX + a, 0)
            store(work, MATRIX + a, 0, madd(splat(work, H[i, first + a]), square, row))


@kernel
def _descend(
    W: np.ndarray, w: int, first: int, entries: int, step: np.ndarray, work: np.ndarray
) -> float:
    """Descend along each coordinate of a block; set the move, return its squared length."""
    kappa = step[L1] * entries if step[SCALED] > 0.0 else step[L1] * 1
    clear_row(work, MOVE)
    for _ in range(int(step[SWEEPS])):
        for a in range(LANES):
            curvature = work[MATRIX + a, a]
            old = W[w, first + a]
            if curvature > 0.0:
                new = soft_threshold(curvature * old + work[SLOPE, a], kappa) / curvature
            elif curvature == 0.0 and kappa > 0.0:
                new = old * 0  # only the L1 penalty depends on this coordinate
            else:
                continue
            if step[NONNEGATIVE] > 0.0:
                new = max(new, 0.0)
            W[w, first + a] = new
            move = W[w, first + a] - old
            if move != 0.0:
                work[MOVE, a] += move
                change = splat(work, -move)
                row = madd(change, load(work, MATRIX + a, 0), load(work, SLOPE, 0))
                store(work, SLOPE, 0, row)
    move = load(work, MOVE, 0)
    return total(madd(move, move, splat(work, 0.0)))


@kernel
def _apply(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, first: int, side: Side,
    terms: np.ndarray, step: np.ndarray, work: np.ndarray, g: np.ndarray,
) -> None:  # fmt: skip
    """Bring Sw and g up to date with the move of a block."""
    if step[GRAM] > 0.0:
        for a in range(LANES):
            add_row(work[MOVE, a], side.S, first + a, work, SW)
    if terms[Q0] == 0.0 and terms[Q1] == 0.0:
        return
    move = load(work, MOVE, 0)
    for k in range(lo, hi):
        s: Any = total(madd(move, load(side.H, np.uint64(j[k]), first), splat(work, 0.0)))
        g[k - lo] -= (terms[Q0] + terms[Q1] * x[k]) * s
