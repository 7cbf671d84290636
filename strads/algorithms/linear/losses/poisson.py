r"""The Poisson loss for counts y ≥ 0, whose mean is exp(f): half the deviance of a sample.

    φ(f, y) = exp(f) − y f + y log y − y

Its minimum over f is zero. Then θ = y − exp(f), the curvature is exp(f), and the term of the dual
objective is m − m log m + y log y − y with m = y − θ ≥ 0, which for a multiple sθ with 0 ≤ s ≤ 1 is
a mean of y and exp(f). The derivative exp(f) − y is not Lipschitz continuous, so nothing can be
screened.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import xlogy

from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.solver.rounding import UNIT

#: Above, derivatives are those at this prediction, so that they stay numbers; the loss is infinite.
LARGEST: Final = 600.0
#: Below this distance from log y, the loss is computed by halving it so many times.
NEAR, HALVINGS = 1.0, 4


class PoissonLoss:
    """The Poisson loss; see :class:`strads.Loss`."""

    smoothness = np.inf
    growth = 1.0
    link = "log"

    def __repr__(self) -> str:
        """Return what makes an equal one."""
        return "PoissonLoss()"

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return value, negative derivative and curvature at predictions."""
        mean = np.exp(np.minimum(f, LARGEST))
        return Local(self.value(f, y), y - mean, mean)

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the loss at predictions."""
        counted = y > 0.0
        away = f - np.log(np.where(counted, y, 1.0))
        with np.errstate(over="ignore"):
            value: np.ndarray = np.where(counted, y * bend(away), np.exp(f))
        return value

    def dual(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the terms of the dual objective."""
        m = y - theta
        terms = m - xlogy(m, np.maximum(m, 0.0)) + xlogy(y, y) - y
        return np.where(m >= 0.0, terms, -np.inf)

    def dual_error(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much these may differ if θ and all operations are off by up to 8u.

        The derivative by m is −log m. Where a change of m may be as large as m itself, the terms
        change by less than the change times its own logarithm and that of m.
        """
        m = np.maximum(y - theta, 0.0)
        moved = 8.0 * UNIT * (np.abs(y) + np.abs(theta))
        with np.errstate(divide="ignore"):
            steep = np.where(m > 0.0, np.abs(np.log(m)), 0.0)
        steep += np.where(moved > 0.0, np.abs(np.log(np.where(moved > 0.0, moved, 1.0))), 0.0)
        sizes = m + np.abs(xlogy(m, m)) + np.abs(xlogy(y, y)) + np.abs(y)
        return moved * (steep + 1.0) + 8.0 * UNIT * sizes

    def constant(self, y: np.ndarray, weight: np.ndarray) -> float:
        """Return the logarithm of the mean count."""
        return float(np.log(np.average(y, weights=weight)))

    def check(self, y: np.ndarray, *, centred: bool) -> None:
        """Refuse targets that are no counts.

        Raises
        ------
        ValueError
            If one is negative, or, in a model with an intercept, all are zero.
        """
        if not y.min() >= 0.0:
            raise ValueError(f"PoissonLoss: y must not be negative, and has {y.min()}")
        if centred and not y.max() > 0.0:
            raise ValueError(
                "PoissonLoss: y is zero for all samples with weight (sample_weight), so the best "
                "intercept is −∞"
            )


def bend(d: np.ndarray) -> np.ndarray:
    """Return exp(d) − 1 − d without cancellation.

    With g(d) for it and s = exp(d/2) − 1, g(d) = s² + 2g(d/2), a sum of positive numbers. Near zero
    g is a series.
    """
    far = np.expm1(d) - d
    x = np.where(np.abs(d) < NEAR, d, 0.0) / 2.0**HALVINGS
    series = 1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x / 720.0)))
    near = x * x * (series + x**5 * (1.0 / 5040.0 + x / 40320.0))
    for _ in range(HALVINGS):
        near = np.expm1(x) ** 2 + 2.0 * near
        x = 2.0 * x
    return np.where(np.abs(d) < NEAR, near, far)
