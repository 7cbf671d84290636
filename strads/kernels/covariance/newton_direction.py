r"""Newton directions of the graphical Lasso by coordinate descent, as in QUIC.

The objective is −log det Θ + tr(SΘ) + α Σ_{i≠j} ``|Θ_ij|``, with W = Θ⁻¹ and gradient
G = S − W of its smooth part. A direction D minimises the quadratic model

.. math:: \mathrm{tr}(GD) + \tfrac12 \mathrm{tr}(WDWD)
          + \alpha \sum_{i \ne j} |\Theta_{ij} + D_{ij}|

over the active entries: the diagonal, entries of Θ that are not zero, and those with \|G_ij\| > α
(Hsieh, Sustik, Dhillon and Ravikumar, JMLR 2014). The active entries are symmetric and stored row
by row, with ascending columns: entry e of row i, from ``starts[i]`` to ``starts[i + 1]`` − 1, is in
column ``columns[e]`` and has the direction ``direction[e]``.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, splat, store
from strads.kernels.linear.prox import soft_threshold

# Work space of a sweep; see sweep.
_Work = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

kernel = numba.njit(nogil=True, error_model="numpy")
#: For loops that add up many numbers: the compiler may choose the order of the additions.
summing = numba.njit(nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})

#: A direction is good enough once a sweep lowers the model by no more than this share of all that
#: the sweeps have lowered it.
ENOUGH = 0.02
#: Largest number of sweeps for one direction.
SWEEPS = 30


@kernel
def list_active(
    S: np.ndarray, theta: np.ndarray, W: np.ndarray, alpha: float, starts: np.ndarray,
    columns: np.ndarray, direction: np.ndarray,
) -> tuple[float, float, float]:  # fmt: skip
    """List the active entries, and say how far Θ is from the optimum.

    Parameters
    ----------
    S, theta, W : ndarray of shape (m, m)
    alpha : float
    starts : ndarray of shape (m + 1,)
        Written.
    columns, direction : ndarray of shape (m * m,)
        Written: the columns of the active entries, and zeros.

    Returns
    -------
    violation : float
        Largest violation of the conditions of optimality.
    estimate : float
        The duality gap to first order: tr(SΘ) + α Σ ``|Θ_ij|`` − tr(W̃Θ), where W̃ is W with its
        entries moved to the nearest that are dual feasible. Never negative.
    linear : float
        tr(SΘ) + α Σ ``|Θ_ij|``.
    """
    m = len(S)
    count, violation, estimate, linear = 0, 0.0, 0.0, 0.0
    for i in range(m):
        starts[i] = count
        for j in range(m):
            gradient, value = S[i, j] - W[i, j], theta[i, j]
            penalty = 0.0 if i == j else alpha
            excess = abs(gradient) - penalty
            if value != 0.0 or excess > 0.0 or i == j:
                columns[count] = j
                direction[count] = 0.0
                count += 1
                if value != 0.0:
                    excess = abs(gradient + np.sign(value) * penalty)
                    shift = min(max(gradient, -penalty), penalty)  # S − W̃
                    estimate += shift * value + penalty * abs(value)
                    linear += S[i, j] * value + penalty * abs(value)
                violation = max(violation, excess)
    starts[m] = count
    return violation, estimate, linear


@kernel
def images(
    starts: np.ndarray, columns: np.ndarray, direction: np.ndarray, strip: np.ndarray,
    Y: np.ndarray,
) -> None:  # fmt: skip
    """Set Y to D times a strip of W."""
    for r in range(len(Y)):
        found = splat(Y, 0.0)
        for e in range(starts[r], starts[r + 1]):
            if direction[e] != 0.0:
                found = madd(splat(Y, direction[e]), load(strip, columns[e], 0), found)
        store(Y, r, 0, found)


@kernel
def add_row(step: float, strip: np.ndarray, source: int, Y: np.ndarray, target: int) -> None:
    """Add a multiple of a row of the strip to a row of Y."""
    store(Y, target, 0, madd(splat(Y, step), load(strip, source, 0), load(Y, target, 0)))


@summing
def row_dot(W: np.ndarray, j: int, y: np.ndarray) -> float:
    """Return the product of row j of W with y."""
    total = 0.0
    for k in range(len(y)):
        total += W[j, k] * y[k]
    return total


@kernel
def sweep_row(
    i: int, S: np.ndarray, theta: np.ndarray, W: np.ndarray, alpha: float, starts: np.ndarray,
    columns: np.ndarray, direction: np.ndarray, work: _Work,
) -> float:  # fmt: skip
    """Minimise the model over the active entries of row i up to the diagonal, one by one."""
    strip, Y, y, place = work
    fallen, own = 0.0, W[i, i]
    for e in range(starts[i], starts[i + 1]):
        j = columns[e]
        slope = S[i, j] - W[i, j] + row_dot(W, j, y)
        if j == i:
            curvature = own * own
            step = -slope / curvature
            direction[e] += step
            y[i] += step * own
            add_row(step, strip, i, Y, i)
            place[i] = e  # rows below meet the entries behind it one after the other
            return fallen + 0.5 * slope * slope / curvature
        place[j] += 1
        curvature = W[i, j] * W[i, j] + own * W[j, j]
        before = theta[i, j] + direction[e]
        after = soft_threshold(before - slope / curvature, alpha / curvature)
        step = after - before
        if step != 0.0:
            fallen -= step * (2.0 * slope + curvature * step)
            fallen -= 2.0 * alpha * (abs(after) - abs(before))
            direction[e] += step
            direction[place[j]] += step
            y[i] += step * W[i, j]
            y[j] += step * own
            add_row(step, strip, j, Y, i)
            add_row(step, strip, i, Y, j)
    return fallen


@kernel
def sweep(
    S: np.ndarray, theta: np.ndarray, W: np.ndarray, alpha: float, starts: np.ndarray,
    columns: np.ndarray, direction: np.ndarray, work: _Work,
) -> float:  # fmt: skip
    """Minimise the model over one active entry after the other.

    Entry (i, j) of W D W is w_j · y with y = D w_i. The images D w_i of sixteen rows are computed
    together, which vectors of the processor do at once, and are kept up to date from then on. So a
    sweep takes O(m) operations for each active entry, and no second matrix.

    Parameters
    ----------
    work : tuple of arrays
        Work space: a strip of sixteen columns of W, and its image Y = D strip, both of shape
        (m, 16); one column of Y, shape (m,); and of every row the entry whose mirror image was met
        last, int64 of shape (m,).

    Returns
    -------
    float
        By how much the model has fallen.
    """
    strip, Y, y, _ = work
    m, fallen = len(S), 0.0
    for first in range(0, m, LANES):
        last = min(first + LANES, m)
        for r in range(m):
            for i in range(first, last):
                strip[r, i - first] = W[r, i]
            for i in range(last, first + LANES):
                strip[r, i - first] = 0.0
        images(starts, columns, direction, strip, Y)
        for i in range(first, last):
            for r in range(m):
                y[r] = Y[r, i - first]
            fallen += sweep_row(i, S, theta, W, alpha, starts, columns, direction, work)
    return fallen


@kernel
def newton_direction(
    S: np.ndarray, theta: np.ndarray, W: np.ndarray, alpha: float, starts: np.ndarray,
    columns: np.ndarray, direction: np.ndarray, work: _Work,
) -> tuple[float, int]:  # fmt: skip
    """Set the direction of the active entries; see :func:`sweep`.

    Returns
    -------
    slope : float
        tr(GD) + α Σ (``|Θ_ij + D_ij|`` − ``|Θ_ij|``), which is negative unless Θ is optimal.
    sweeps : int
        Number of sweeps.
    """
    total, sweeps = 0.0, 0
    while sweeps < SWEEPS:
        fallen = sweep(S, theta, W, alpha, starts, columns, direction, work)
        total += fallen
        sweeps += 1
        if fallen <= ENOUGH * total:
            break
    slope = 0.0
    for i in range(len(S)):
        for e in range(starts[i], starts[i + 1]):
            j, move = columns[e], direction[e]
            slope += (S[i, j] - W[i, j]) * move
            if j != i:
                slope += alpha * (abs(theta[i, j] + move) - abs(theta[i, j]))
    return slope, sweeps
