"""The squared hinge loss of labels 0 and 1.

With s = 2y − 1 it is max(0, 1 − s f)². Then θ is 2 s max(0, 1 − s f), and the term of the dual
objective is sθ − θ²/4, for θ of the sign s.
"""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.solver.rounding import UNIT


class SquaredHingeLoss:
    """The squared hinge loss, of support vector machines; see :class:`strads.Loss`."""

    smoothness = 2.0

    def __repr__(self) -> str:
        """Return what makes an equal one."""
        return "SquaredHingeLoss()"

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return value, negative derivative and curvature at predictions."""
        sign = 2.0 * y - 1.0
        missing = np.maximum(1.0 - sign * f, 0.0)
        return Local(missing * missing, 2.0 * sign * missing, 2.0 * (missing > 0.0))

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the loss at predictions."""
        value: np.ndarray = np.square(np.maximum(1.0 - (2.0 * y - 1.0) * f, 0.0))
        return value

    def dual(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the terms of the dual objective."""
        return theta * (2.0 * y - 1.0 - 0.25 * theta)

    def dual_error(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much these may differ if θ and all operations are off by up to 8u."""
        return 16.0 * UNIT * np.abs(theta) * (1.0 + np.abs(theta))

    def constant(self, y: np.ndarray, weight: np.ndarray) -> float:
        """Return the prediction with the least loss: the difference of the classes' shares."""
        return float(weight @ (2.0 * y - 1.0) / weight.sum())
