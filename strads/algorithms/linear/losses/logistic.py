r"""The logistic loss log(1 + exp(f)) − y f for labels y of 0 and 1.

With s = 2y − 1 it is log(1 + exp(−s f)). Its derivative is p − y with p = 1 / (1 + exp(−f)), its
curvature p (1 − p) ≤ ¼. Since θ = y − p lies between y − 1 and y, the term of the dual objective is
the entropy of a coin that falls with probability |θ|:

    −|θ| log|θ| − (1 − |θ|) log(1 − |θ|)
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr, xlog1py

from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.solver.rounding import UNIT


class LogisticLoss:
    """The logistic loss; see :class:`~strads.algorithms.linear.losses.loss.Loss`."""

    smoothness = 0.25

    def __repr__(self) -> str:
        """Return what makes an equal one."""
        return "LogisticLoss()"

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return value, negative derivative and curvature at predictions."""
        sign = 2.0 * y - 1.0
        margin = sign * f
        tail = np.exp(-np.abs(margin))
        wrong = np.where(margin > 0.0, tail, 1.0) / (1.0 + tail)  # probability of the other label
        value = np.log1p(tail) - np.minimum(margin, 0.0)
        return Local(value, sign * wrong, tail / (1.0 + tail) ** 2)

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the loss at predictions."""
        margin = (2.0 * y - 1.0) * f
        value: np.ndarray = np.log1p(np.exp(-np.abs(margin))) - np.minimum(margin, 0.0)
        return value

    def dual(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the entropies."""
        share = np.abs(theta)
        entropy: np.ndarray = entr(share) - xlog1py(1.0 - share, -share)
        return entropy

    def dual_error(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much the entropies may differ if θ and all operations are off by up to 8u.

        The derivative of the entropy is ``log((1 − |θ|) / |θ|)``. Near ``|θ| = 1``, where it is
        infinite, a change of 8u changes the entropy by less than 16u · 40.
        """
        share = np.abs(theta)
        with np.errstate(divide="ignore"):
            steep = np.minimum(-np.log1p(-share), 40.0)
        return 16.0 * UNIT * (entr(share) - xlog1py(1.0 - share, -share) + share * steep)

    def constant(self, y: np.ndarray, weight: np.ndarray) -> float:
        """Return the logarithm of the odds of label 1."""
        ones = float(weight @ y)
        return float(np.log(ones) - np.log(float(weight.sum()) - ones))
