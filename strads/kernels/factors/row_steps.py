"""Preconditioned conjugate-gradient steps on a row of a factor.

They decrease φ of :mod:`strads.kernels.factors.row_terms`. Its matrix A = S + Σ q_j h_jh_jᵀ + λI
differs from row to row, but not by much from its mean over all rows. The inverse P of that mean is
the preconditioner, one matrix for all rows. With it a single step, which reads the neighbours
twice, decreases φ about as much as three steps without preconditioner, which read them four times
(Takács, Pilászy and Tikk, RecSys 2011). The length of a step is `relax` times the length that
minimises φ along its direction. Any factor between 0 and 2 decreases φ; factors above 1 speed up
the alternation between the two factors, as in successive over-relaxation.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.factors.row_terms import (
    AHEAD,
    Q0,
    Q1,
    Side,
    add_row,
    clear_row,
    dot_rows,
    row_penalty,
    slope,
    times,
)
from strads.kernels.lanes import LANES, load, madd, mul, prefetch, splat, store

kernel = numba.njit(nogil=True, error_model="numpy")

#: Rows of `work`: residual r = −∇φ/2, preconditioned residual z = Pr, direction d, its image Ad;
#: number of rows.
R, Z, D, AD, WORK = 0, 1, 2, 3, 4
#: Entries of `step`: λ, whether λ is multiplied by the number of the row's entries, number of
#: steps, relaxation, preconditioner of the bias (0: no bias), whether S counts, whether the penalty
#: that the row is reported with is that of its new values; number of entries.
PENALTY, SCALED, STEPS, RELAX, BIAS, GRAM, NEW_COST, STEP = 0, 1, 2, 3, 4, 5, 6, 7
#: A direction d counts as flat if dᵀAd is at most this times rᵀPr: without a penalty A may be
#: singular, and what rounding leaves of a residual would then be divided by what rounding leaves
#: of dᵀAd.
FLAT = 1e-9


@kernel
def row_steps(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, W: np.ndarray, w: int, beta: float,
    side: Side, P: np.ndarray, terms: np.ndarray, step: np.ndarray, work: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """Move row `w` of W by a few steps.

    Parameters
    ----------
    x, j, lo, hi, W, w, beta, side, terms
        See :func:`strads.kernels.factors.row_terms.slope`. Row `w` of W is changed in place.
    P : ndarray of shape (padded rank, padded rank)
        The preconditioner.
    step : ndarray of shape (STEP,)
        See the constants of this module.
    work : ndarray of shape (WORK, padded rank)
        Work space.

    Returns
    -------
    bias, value : float
        The new bias; and φ before the move, with the constants that `terms` ask for and without
        the penalty λ (‖w‖² + β²).
    """
    penalty = row_penalty(step, hi - lo)
    value = _residual(W, w, side, penalty, step, work)
    of_bias, data_value = slope(x, j, lo, hi, W, w, beta, side, terms, work)
    r_bias = (of_bias - penalty * beta) * (step[BIAS] > 0.0)
    times(P, work, R, work, Z)
    d_bias = step[BIAS] * r_bias
    _turn(0.0, work)
    rz = dot_rows(work, R, work, Z) + r_bias * d_bias
    for n in range(int(step[STEPS])):
        if not rz > 0.0:
            break
        last = n + 1 == int(step[STEPS])
        curvature, ad_bias = _image(x, j, lo, hi, d_bias, side, terms, step, work, last)
        if not curvature > FLAT * rz:
            break
        length = rz / curvature
        add_row(step[RELAX] * length, work, D, W, w)
        beta += step[RELAX] * length * d_bias
        if last:
            break
        add_row(-length, work, AD, work, R)
        r_bias -= length * ad_bias * (step[BIAS] > 0.0)
        times(P, work, R, work, Z)
        z_bias = step[BIAS] * r_bias
        before = rz
        rz = dot_rows(work, R, work, Z) + r_bias * z_bias
        _turn(rz / before, work)
        d_bias = z_bias + rz / before * d_bias
    return beta, value + data_value


@kernel
def _residual(
    W: np.ndarray, w: int, side: Side, penalty: Any, step: np.ndarray, work: np.ndarray
) -> float:
    """Set r to −(S + λI) w; return wᵀSw."""
    if step[GRAM] > 0.0:
        times(side.S, W, w, work, R)
    else:
        clear_row(work, R)
    value = dot_rows(W, w, work, R)
    add_row(penalty, W, w, work, R)
    for f in range(0, work.shape[1], LANES):
        store(work, R, f, mul(splat(work, -1.0), load(work, R, f)))
    return value


@kernel
def _image(
    x: np.ndarray, j: np.ndarray, lo: int, hi: int, d_bias: float, side: Side,
    terms: np.ndarray, step: np.ndarray, work: np.ndarray, last: bool,
) -> tuple[float, float]:  # fmt: skip
    """Compute Ad for the direction d; return dᵀAd and the bias entry of Ad.

    In the `last` step, dᵀAd alone is needed, and Ad is left incomplete.
    """
    penalty = row_penalty(step, hi - lo)
    if step[GRAM] > 0.0:
        times(side.S, work, D, work, AD)
    else:
        clear_row(work, AD)
    add_row(penalty, work, D, work, AD)
    curvature = dot_rows(work, D, work, AD) + penalty * d_bias * d_bias
    ad_bias = penalty * d_bias
    for k in range(lo, hi):
        prefetch(side.H, j[min(k + AHEAD, hi - 1)])
        i = np.uint64(j[k])
        s = dot_rows(work, D, side.H, i) + d_bias
        v = (terms[Q0] + terms[Q1] * x[k]) * s
        curvature += v * s
        if not last:
            add_row(v, side.H, i, work, AD)
            ad_bias += v
    return curvature, ad_bias


@kernel
def _turn(share: Any, work: np.ndarray) -> None:
    """Set the direction d to z + `share` · d; with a share of 0, to z without reading d."""
    factor = splat(work, share)
    for f in range(0, work.shape[1], LANES):
        z = load(work, Z, f)
        store(work, D, f, madd(factor, load(work, D, f), z) if share != 0.0 else z)
