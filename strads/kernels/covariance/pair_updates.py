r"""Coordinate descent of CONCORD.

The objective is

.. math:: -\sum_i \log \omega_{ii} + \tfrac12 \mathrm{tr}(\Omega S \Omega)
          + \alpha \sum_{i < j} |\omega_{ij}|

over symmetric Ω (Khare, Oh and Rajaratnam, JRSS B 2015). T = ΩS is kept up to date. An update of
ω_ij reads and writes rows i and j of Ω and T, and nothing else that changes. So pairs that share no
variable can be updated at the same time, with the same result as one after the other.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.linear.prox import soft_threshold

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def update_pair(
    i: int, j: int, S: np.ndarray, alpha: float, omega: np.ndarray, T: np.ndarray
) -> float:
    """Minimise over ω_ij = ω_ji; return its new value."""
    before, slope = omega[i, j], T[i, j] + T[j, i]
    if before == 0.0 and abs(slope) <= alpha:  # most pairs, which need no division
        return 0.0
    curvature = S[i, i] + S[j, j]
    after = soft_threshold(curvature * before - slope, alpha) / curvature
    step = after - before
    if step != 0.0:
        omega[i, j] = omega[j, i] = after
        for k in range(len(S)):
            T[i, k] += step * S[j, k]
        for k in range(len(S)):
            T[j, k] += step * S[i, k]
    return after


@kernel
def update_diagonal(i: int, S: np.ndarray, omega: np.ndarray, T: np.ndarray) -> None:
    """Minimise over ω_ii: the positive root of S_ii ω² + r ω − 1, where r is T_ii − S_ii ω_ii."""
    variance, before = S[i, i], omega[i, i]
    rest = T[i, i] - variance * before
    after = (np.sqrt(rest * rest + 4.0 * variance) - rest) / (2.0 * variance)
    if rest > 0.0:  # the same without a difference of nearly equal numbers
        after = 2.0 / (np.sqrt(rest * rest + 4.0 * variance) + rest)
    step = after - before
    omega[i, i] = after
    for k in range(len(S)):
        T[i, k] += step * S[i, k]


@kernel
def row_violation(
    i: int, S: np.ndarray, alpha: float, omega: np.ndarray, T: np.ndarray
) -> tuple[float, float, float]:
    """Say how far row i is from the optimum.

    Returns
    -------
    pairs : float
        Largest violation of the conditions of optimality of ω_ij with j > i.
    diagonal : float
        The same of ω_ii, times ω_ii.
    objective : float
        The row's terms of the objective.
    """
    worst, size, product = 0.0, 0.0, 0.0
    for j in range(len(S)):
        product += omega[i, j] * T[i, j]
        if j > i:
            slope, value = T[i, j] + T[j, i], omega[i, j]
            excess = abs(slope) - alpha if value == 0.0 else abs(slope + np.sign(value) * alpha)
            worst, size = max(worst, excess), size + abs(value)
    own = omega[i, i]
    return worst, abs(T[i, i] * own - 1.0), 0.5 * product + alpha * size - np.log(own)
