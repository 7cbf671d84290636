"""A step along a Newton direction, and the certificate, of a small problem.

Names are those of :mod:`strads.kernels.covariance.newton_direction`. What is done here for small
problems, :mod:`strads.algorithms.covariance.large_blocks` does for large ones with LAPACK.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.covariance.cholesky import factor, invert

kernel = numba.njit(nogil=True, error_model="numpy")

#: Share of the decrease promised by the slope that a step must reach (Armijo's rule).
SHARE = 1e-3
#: Largest number of halvings of a step.
HALVINGS = 40
#: Slopes below this share of the objective's terms are rounding errors: Armijo's rule then says
#: nothing, and a full step is taken if it leads to a positive definite matrix.
ROUNDING = 1e-13


@kernel
def linear_part(
    S: np.ndarray, theta: np.ndarray, alpha: float, starts: np.ndarray, columns: np.ndarray,
    direction: np.ndarray, t: float,
) -> float:  # fmt: skip
    """Return tr(SΘ') + α Σ ``|Θ'_ij|`` for Θ' = Θ + tD."""
    total = 0.0
    for i in range(len(S)):
        for e in range(starts[i], starts[i + 1]):
            j = columns[e]
            value = theta[i, j] + t * direction[e]
            total += S[i, j] * value
            if j != i:
                total += alpha * abs(value)
    return total


@kernel
def take_step(
    S: np.ndarray, theta: np.ndarray, W: np.ndarray, alpha: float, starts: np.ndarray,
    columns: np.ndarray, direction: np.ndarray, slope: float, logdet: float, L: np.ndarray,
    M: np.ndarray,
) -> float:  # fmt: skip
    """Move Θ along the direction, as far as the objective falls, and set W to its inverse.

    Parameters
    ----------
    slope : float
        What :func:`~strads.kernels.covariance.newton_direction.newton_direction` returned.
    logdet : float
        log det Θ.
    L, M : ndarray of shape (at least m, at least m)
        Work space.

    Returns
    -------
    float
        log det of the new Θ; NaN if no step was found, and Θ is unchanged.
    """
    m, t = len(S), 1.0
    linear = linear_part(S, theta, alpha, starts, columns, direction, 0.0)
    before = linear - logdet
    free = abs(slope) <= ROUNDING * (abs(linear) + abs(logdet) + m)
    for _ in range(HALVINGS):
        for i in range(m):
            L[i, : i + 1] = theta[i, : i + 1]
            for e in range(starts[i], starts[i + 1]):
                L[i, columns[e]] = theta[i, columns[e]] + t * direction[e]
        found = factor(L, m)
        if not np.isnan(found):
            after = linear_part(S, theta, alpha, starts, columns, direction, t) - found
            if free or after <= before + SHARE * t * slope:
                for i in range(m):
                    for e in range(starts[i], starts[i + 1]):
                        theta[i, columns[e]] += t * direction[e]
                invert(L, m, M, W)
                return found
        t *= 0.5
    return np.nan


@kernel
def dual_value(S: np.ndarray, W: np.ndarray, alpha: float, L: np.ndarray) -> float:
    """Return log det W̃ + m, where W̃ is W with its entries moved to the nearest feasible ones.

    W̃ is dual feasible if it has the diagonal of S, and entries within α of those of S elsewhere.

    Returns
    -------
    float
        The dual value, a lower bound of the objective; −∞ if W̃ is not positive definite.
    """
    m = len(S)
    for i in range(m):
        for j in range(i):
            L[i, j] = min(max(W[i, j], S[i, j] - alpha), S[i, j] + alpha)
        L[i, i] = S[i, i]
    found = factor(L, m)
    return -np.inf if np.isnan(found) else found + m
