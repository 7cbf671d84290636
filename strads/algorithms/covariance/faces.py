"""Newton directions of ill-conditioned problems: the quadratic model solved on a face.

If variables are strongly correlated, coordinate descent on the model hardly moves. But once it has
chosen which entries of Θ are zero, and the signs of the others, the model is a quadratic function
of these: W D W on them has a known value. Conjugate gradients solve that. The inverse of D ↦ W D W
on all entries is R ↦ Θ R Θ, which is a good preconditioner on most of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from strads.algorithms.covariance.large_blocks import Direction

#: Largest number of steps of conjugate gradients, and the share of the residual to reach.
STEPS, ENOUGH = 60, 1e-9
#: Largest number of faces: each has the entries that the one before has not moved to zero.
FACES = 8

Vector = np.ndarray


def on_face(
    S: np.ndarray, theta: np.ndarray, W: np.ndarray, alpha: float, along: Direction
) -> tuple[Vector, float]:
    """Improve a direction on the face that it leads to.

    Parameters
    ----------
    S, theta, W : ndarray of shape (m, m)
    alpha : float
    along : Direction
        What coordinate descent has found.

    Returns
    -------
    values : ndarray
        The direction of the same entries: the best for the model of those tried.
    slope : float
        tr(GD) + α Σ (|Θ_ij + D_ij| − |Θ_ij|).
    """
    rows, columns, begin = along
    off, start = rows != columns, theta[rows, columns]
    gradient = (S - W)[rows, columns]

    def image(A: np.ndarray, values: Vector) -> Vector:
        D = np.zeros_like(A)
        D[rows, columns] = values
        made = A @ D @ A
        found: Vector = 0.5 * (made + made.T)[rows, columns]  # so that all stays symmetric
        return found

    def masked(A: np.ndarray, free: np.ndarray) -> Callable[[Vector], Vector]:
        return lambda values: image(A, values) * free

    def penalty(values: Vector) -> float:
        return alpha * float((np.abs(start + values) - np.abs(start))[off].sum())

    def model(values: Vector) -> float:
        return float(gradient @ values + 0.5 * values @ image(W, values)) + penalty(values)

    values = begin.copy()
    for _ in range(FACES):
        free = (start + values != 0.0) | ~off
        signs = np.where(off, np.sign(start + values), 0.0)
        residual = -(gradient + image(W, values) + alpha * signs)
        move = conjugate(residual * free, masked(W, free), masked(theta, free))
        crosses = off & free & (signs * (start + values + move) < 0.0)
        clipped = np.where(crosses, -start, values + move)
        reach = np.divide(-(start + values), move, where=crosses, out=np.ones_like(move))
        values = min([values, clipped, values + float(reach.min()) * move], key=model)
        if not crosses.any():
            break
    return values, float(gradient @ values) + penalty(values)


def conjugate(
    residual: Vector, apply: Callable[[Vector], Vector], precondition: Callable[[Vector], Vector]
) -> Vector:
    """Solve a positive definite system by preconditioned conjugate gradients."""
    found = np.zeros_like(residual)
    goal = ENOUGH * float(np.linalg.norm(residual))
    z = precondition(residual)
    direction, product = z, float(residual @ z)
    for _ in range(STEPS):
        if np.linalg.norm(residual) <= goal or not product > 0.0:
            break
        applied = apply(direction)
        curvature = float(direction @ applied)
        if not curvature > 0.0:
            break
        step = product / curvature
        found = found + step * direction
        residual = residual - step * applied
        z = precondition(residual)
        before, product = product, float(residual @ z)
        direction = z + (product / before) * direction
    return found
