r"""The loss of multinomial logistic regression, log Σ_k exp(f_k) − f_y for a label y.

With the probabilities p_k = exp(f_k) / Σ_l exp(f_l), its gradient is p − e_y and its Hessian
diag(p) − ppᵀ, whose largest eigenvalue is at most ½. θ = e_y − p has the entry 1 − p_y for the
label and −p_k for other classes. The conjugate at −θ is finite if e_y − θ are probabilities, and
the term of the dual objective is their entropy:

    −(1 − θ_y) log(1 − θ_y) − Σ_{k≠y} |θ_k| log|θ_k|
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr, xlog1py

from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.solver.rounding import gamma

#: ‖Hessian‖ ≤ this.
SMOOTHNESS = 0.5


class SoftmaxLoss:
    """The loss for rows of K predictions.

    Methods are those of a :class:`~strads.algorithms.linear.losses.loss.Loss`, but predictions and
    θ have the shape (n, K), and a :class:`~strads.algorithms.linear.losses.loss.Local` has the
    probabilities for a curvature.
    """

    smoothness = SMOOTHNESS

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return value, θ and probabilities at predictions.

        Parameters
        ----------
        f : ndarray of shape (n, K)
        y : ndarray of int, shape (n,)
            Number of the label.
        """
        rows = np.arange(len(f))
        top = f.max(axis=1, keepdims=True)
        shares = np.exp(f - top)
        others = shares.copy()
        others[rows, y] = 0.0
        wrong = others.sum(axis=1)
        whole = wrong + shares[rows, y]
        shares /= whole[:, None]
        theta = -shares
        theta[rows, y] = wrong / whole  # 1 − p_y without loss of digits
        value = (top[:, 0] - f[rows, y]) + np.log(whole)
        return Local(value, theta, shares)

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the loss at predictions alone."""
        return self.at(f, y).value

    def dual(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the entropies."""
        return self._entropies(theta, y)[0]

    def dual_error(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much the entropies may differ if θ and sums of K numbers are off by u.

        The derivative of −(1 − t) log(1 − t) is log(1 − t) + 1. Near t = 1, where it is infinite,
        a change of the size of rounding changes the entropy by less than 40 times as much.
        """
        entropy, steep = self._entropies(theta, y)
        size = entropy + np.abs(theta).sum(axis=1) * (1.0 + steep)
        error: np.ndarray = 2.0 * gamma(theta.shape[1] + 16.0) * size
        return error

    def constant(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the predictions that are best for all samples alike; their sum is zero."""
        logarithms = np.log(np.bincount(y, weights=weight))
        best: np.ndarray = logarithms - logarithms.mean()
        return best

    def _entropies(self, theta: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = np.arange(len(theta))
        wrong = theta[rows, y]
        terms = entr(np.abs(theta))
        terms[rows, y] = 0.0
        entropy = terms.sum(axis=1) - xlog1py(1.0 - wrong, -wrong)
        with np.errstate(divide="ignore"):
            steep = np.minimum(-np.log1p(-wrong), 40.0)
        return entropy, steep
