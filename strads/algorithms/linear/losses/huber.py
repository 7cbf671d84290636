r"""The Huber loss: squared for small errors, linear for large ones, so that outliers count less.

With r = y − f and the limit δ it is r²/2 for |r| ≤ δ, else δ|r| − δ²/2. Then θ is r, clipped to
±δ, and the term of the dual objective is θy − θ²/2.

Source: Huber, Robust estimation of a location parameter, Ann. Math. Stat. 35, 1964.
"""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.solver.proximal_newton.intercept import best_intercept
from strads.algorithms.linear.solver.rounding import UNIT


class HuberLoss:
    """The Huber loss; see :class:`strads.Loss`.

    Parameters
    ----------
    delta : float, default=1.35
        Error above which the loss is linear, in units of y.
    """

    smoothness = 1.0

    def __init__(self, delta: float = 1.35) -> None:
        if not 0.0 < delta < np.inf:
            raise ValueError(f"delta={delta!r} must be positive and finite")
        self.delta = delta

    def __repr__(self) -> str:
        """Return what makes an equal one."""
        return f"HuberLoss({self.delta!r})"

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return value, negative derivative and curvature at predictions."""
        r = y - f
        theta = np.clip(r, -self.delta, self.delta)
        return Local(self.value(f, y), theta, (np.abs(r) <= self.delta).astype(np.float64))

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the loss at predictions."""
        size = np.abs(y - f)
        inner = np.minimum(size, self.delta)
        value: np.ndarray = 0.5 * inner * inner + self.delta * (size - inner)
        return value

    def dual(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the terms of the dual objective."""
        return theta * (y - 0.5 * theta)

    def dual_error(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much these may differ if θ and all operations are off by up to 8u."""
        return 16.0 * UNIT * np.abs(theta) * (np.abs(y) + np.abs(theta))

    def constant(self, y: np.ndarray, weight: np.ndarray) -> float:
        """Return the location with the least loss."""
        start = float(np.median(y[weight > 0.0]))
        return best_intercept(self, np.zeros(len(y)), y, weight, start)[0]
