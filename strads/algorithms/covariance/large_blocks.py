"""Steps and certificates of large problems, which the leader computes with LAPACK.

A factorisation of thousands of variables is best done by all cores at once, while the workers wait.
For small problems, which workers solve side by side, :mod:`strads.kernels.covariance.newton_step`
has the same in compiled code, and says what is computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from strads.kernels.covariance.newton_step import HALVINGS, ROUNDING, SHARE


class Direction(NamedTuple):
    """The active entries of a problem, with their rows, columns and directions."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


def factor(A: np.ndarray) -> float:
    """Replace a symmetric matrix by its Cholesky factor, in the upper triangle of ``A.T``.

    Returns
    -------
    float
        log det A; NaN if A is not positive definite to working precision.
    """
    _, info = lapack.dpotrf(A.T, lower=0, clean=0, overwrite_a=1)
    diagonal = np.diagonal(A)
    if info != 0 or not np.all(np.isfinite(diagonal)):
        return float("nan")
    return 2.0 * float(np.log(diagonal).sum())


def invert(L: np.ndarray) -> np.ndarray:
    """Return the inverse of a matrix from what :func:`factor` made of it, which is overwritten."""
    lapack.dpotri(L.T, lower=0, overwrite_c=1)
    below = np.tril(L)
    below += np.tril(L, -1).T
    return below


def take_step(
    S: np.ndarray, theta: np.ndarray, W: np.ndarray, alpha: float, along: Direction, slope: float,
    logdet: float,
) -> float:  # fmt: skip
    """Move Θ along a direction, as far as the objective falls, and set W to its inverse.

    Returns
    -------
    float
        log det of the new Θ; NaN if no step was found, and Θ is unchanged.
    """
    rows, columns, values = along
    entries, start = S[rows, columns], theta[rows, columns]
    off = rows != columns

    def linear(moved: np.ndarray) -> float:
        return float(entries @ moved + alpha * np.abs(moved[off]).sum())

    before, t = linear(start) - logdet, 1.0
    free = abs(slope) <= ROUNDING * (abs(before + logdet) + abs(logdet) + len(S))
    for _ in range(HALVINGS):
        trial = theta.copy()
        trial[rows, columns] = moved = start + t * values
        found = factor(trial)
        if np.isfinite(found) and (free or linear(moved) - found <= before + SHARE * t * slope):
            theta[rows, columns] = moved
            W[:] = invert(trial)
            return found
        t *= 0.5
    return float("nan")


def dual_value(S: np.ndarray, W: np.ndarray, alpha: float) -> float:
    """Return log det W̃ + m; −∞ if W̃ is not positive definite."""
    found = factor(feasible(S, W, alpha))
    return float("-inf") if np.isnan(found) else found + len(S)


def feasible(S: np.ndarray, W: np.ndarray, alpha: float) -> np.ndarray:
    """Return W̃: the diagonal of S, and elsewhere W moved into the interval of α around S."""
    made = np.clip(W, S - alpha, S + alpha)
    np.fill_diagonal(made, np.diagonal(S))
    return made


def shrunk(S: np.ndarray, alpha: float) -> np.ndarray:
    """Return S with its entries off the diagonal made smaller by one factor, as far as α allows.

    That is dual feasible, and positive definite if S is positive semi-definite and α > 0.
    """
    largest = float(np.max(np.abs(S - np.diag(np.diagonal(S))), initial=0.0))
    made: np.ndarray = S * (1.0 - min(1.0, alpha / largest if largest else 1.0))
    np.fill_diagonal(made, np.diagonal(S))
    return made


def first_dual_value(S: np.ndarray, alpha: float) -> float:
    """Return a dual value without knowing Θ; −∞ if S is not positive semi-definite."""
    found = factor(shrunk(S, alpha))
    return float("-inf") if np.isnan(found) else found + len(S)


def best_dual_value(S: np.ndarray, W: np.ndarray, alpha: float) -> float:
    """Return the best dual value between W̃ and what is feasible without knowing Θ."""
    near, far = feasible(S, W, alpha), shrunk(S, alpha)
    values = (factor((1.0 - s) * near + s * far) for s in (0.0, 0.01, 0.1, 0.3, 0.6, 1.0))
    return max((value + len(S) for value in values if np.isfinite(value)), default=-np.inf)
