"""External judge of group Lassos and multi-task Lassos: the relative duality gap.

    P(W, b) = ‖Y − XW − 1b‖² / 2n + α Σ_g ‖W_g‖,    relative gap = (P(W, b) − D) / P(0),

with Frobenius norms, rows of W in contiguous groups of one width, and P(0) = ‖Y − Ȳ‖² / 2n. It
knows nothing of the solver: only X, Y of a column for every task, and the returned weights and
intercepts. P is at the returned b, so a wrong b counts. The dual point is the residual at the best
b, times the number that makes D largest while it is feasible. It sums to zero in every task, so
that X need not be centred: X_gᵀR is the same for a group and its centred twin.
"""

from typing import Any, NamedTuple

import numpy as np


class Verdict(NamedTuple):
    """What the judge found."""

    gap: float
    active: int  # groups that have a weight


def judge(
    X: Any, Y: np.ndarray, coef: np.ndarray, intercept: np.ndarray, *, alpha: float, width: int
) -> Verdict:
    """Judge a solution as the solver returned it: a row of weights and an intercept a task."""
    n, W = len(Y), np.asarray(coef, np.float64).T
    if not (np.isfinite(W).all() and np.isfinite(intercept).all()):
        return Verdict(np.inf, 0)
    residual, target = Y - np.asarray(X @ W) - intercept, centred(Y)
    sizes = norms(W, width)
    primal = squared(residual) / (2 * n) + alpha * float(sizes.sum())
    gap = primal - dual(X, target, centred(residual), alpha, width)
    at_zero = squared(target) / (2 * n)
    return Verdict(gap / at_zero if at_zero > 0.0 else gap, int(np.count_nonzero(sizes)))


def dual(X: Any, target: np.ndarray, residual: np.ndarray, alpha: float, width: int) -> float:
    """D at the best feasible multiple of a centred residual."""
    n, r2, along = len(target), squared(residual), float(np.vdot(residual, target))
    largest = largest_norm(X, residual, width)
    if r2 == 0.0:
        return 0.0
    scale = min(max(along / r2, 0.0), n * alpha / largest if largest > 0.0 else np.inf)
    return (scale * along - 0.5 * scale * scale * r2) / n


def alpha_max(X: Any, Y: np.ndarray, width: int) -> float:
    """Smallest penalty whose solution is zero."""
    return largest_norm(X, centred(Y), width) / len(Y)


def largest_norm(X: Any, R: np.ndarray, width: int) -> float:
    """Return max_g ‖X_gᵀR‖."""
    return float(norms(np.asarray(X.T @ R), width).max())


def norms(W: np.ndarray, width: int) -> np.ndarray:
    """Norm of every group of rows."""
    return np.sqrt(np.square(W).reshape(len(W) // width, -1).sum(axis=1))


def centred(Y: np.ndarray) -> np.ndarray:
    """Columns of mean zero."""
    return Y - Y.mean(axis=0)


def squared(Y: np.ndarray) -> float:
    """Squared Frobenius norm."""
    return float(np.vdot(Y, Y))
