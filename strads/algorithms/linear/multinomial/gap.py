r"""The duality gap of multinomial logistic regression, with a bound on rounding errors.

    P = Σ ω_i φ(f_i, y_i) + penalty·‖W‖₁ + ½ ridge·‖W‖²
    D = Σ ω_i H(e_y − sθ_i) − ½ ridge·‖sW‖²

with the entropy H, for any θ whose rows have the sum zero, of which e_y − sθ_i are probabilities,
that satisfies |x_jᵀ(ω∘sθ_k) − s ridge w_jk| ≤ penalty for all pairs and, with intercepts,
Σ ω_i θ_ik = 0 for all k.

The entries |θ_ik| of other classes than the label, as floating-point numbers, are taken as exact,
and the entry of the label is minus the sum of the row, which the computed one is but for a few u.

The intercepts are the best but for rounding, so the sums c_k = Σ ω_i θ_ik are small, not zero. The
point (1 − ε)θ + ε(e_y − q) balances them for some probabilities q, equal for all samples, if
ε ≥ |c_k| / n_k, where n_k is the weight of class k. Since entropies are concave and not negative,
D loses at most the share ε by that; and a score changes by at most ε‖x_j‖√N.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.multinomial.softmax import SoftmaxLoss
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, gamma


@dataclass(frozen=True)
class Reached:
    """What the gap is computed from.

    Attributes
    ----------
    loss : SoftmaxLoss
    y, weight : ndarray of shape (n,)
        Numbers of the labels, and ω, whose sum is N.
    local : Local
        The loss at the predictions as computed.
    w : ndarray of shape (m, K)
        Rows of W that are not zero.
    intercepts : ndarray of shape (K,)
    centred : bool
        Whether there are intercepts.
    penalty, ridge : float
    largest : float
        Largest |x_jᵀ(ω∘θ_k) − ridge w_jk| as computed.
    longest : float
        Largest norm of a column, √Σ ω_i x_ij².
    at_zero : float
        P of the best model without features.
    """

    loss: SoftmaxLoss
    y: np.ndarray
    weight: np.ndarray
    local: Local
    w: np.ndarray
    intercepts: np.ndarray
    centred: bool
    penalty: float
    ridge: float
    largest: float
    longest: float
    at_zero: float

    @property
    def cost(self) -> float:
        """The penalty."""
        squares = float(np.vdot(self.w, self.w))
        return self.penalty * float(np.abs(self.w).sum()) + 0.5 * self.ridge * squares

    @property
    def primal(self) -> float:
        """P as computed."""
        return float(self.weight @ self.local.value) + self.cost

    def scale(self, largest: float) -> float:
        """Return the s that scores up to `largest` ask for."""
        return min(1.0, self.penalty / largest) if largest > 0.0 else 1.0

    def dual(self, scale: float) -> float:
        """Return D as computed."""
        entropies = float(self.weight @ self.loss.dual(scale * self.local.theta, self.y))
        return entropies - 0.5 * scale * scale * self.ridge * float(np.vdot(self.w, self.w))

    def gap(self) -> Gap:
        """Return the gap as computed; P and D are divided by the number of samples."""
        n, scale = len(self.y), self.scale(self.largest)
        primal, dual = self.primal, self.dual(scale)
        away = max(primal - dual, 0.0)
        relative = away / self.at_zero if self.at_zero > 0.0 else math.inf
        return Gap(primal / n, dual / n, relative, scale)

    def bounded(self) -> Certificate:
        """Return the relative gap, P moved up by its error bound and D moved down."""
        with np.errstate(all="ignore"):  # an overflow or a NaN ends as an infinite gap
            gap = self._bounded()
        if not (math.isfinite(gap) and self.at_zero > 0.0):
            return Certificate(math.inf, math.inf)
        return Certificate(max(gap, 0.0), max(gap - self.gap().relative, 0.0))

    def _bounded(self) -> float:
        n, k = self.local.theta.shape
        theta, slip = self.local.theta, 4.0 * gamma(n + k + len(self.w) + 24.0)
        primal = (self.primal + self._prediction_error()) * (1.0 + slip)
        moved = self._share_to_balance()
        if not moved < 1.0:
            return math.inf
        norms = np.sqrt(self.weight @ theta**2)
        computed = gamma(n + k + 24.0) * (1.0 + slip)
        balance = moved * math.sqrt(float(self.weight.sum())) * (1.0 + slip)
        largest = self.doubtful_score(computed, norms, balance)
        largest += 8.0 * UNIT * (self.largest + self.ridge * float(np.abs(self.w).max(initial=0.0)))
        scale = self.scale(largest) * (1.0 - gamma(4.0 * k + 32.0))
        point = scale * theta
        entropies = float(self.weight @ self.loss.dual(point, self.y))
        lost = 0.5 * scale * scale * self.ridge * float(np.vdot(self.w, self.w))
        dual = (1.0 - moved) * entropies - lost - slip * (entropies + lost)
        dual -= float(self.weight @ self.loss.dual_error(point, self.y)) * (1.0 + slip)
        return (primal - dual) / (self.at_zero * (1.0 - slip))

    def doubtful_score(self, computed: float, norms: np.ndarray, balance: float) -> float:
        """Return the largest score, moved up by its error bound.

        Parameters
        ----------
        computed : float
            What rounding adds to a score, as a share of the norm of the column and of that of θ_k.
        norms : ndarray of shape (K,)
            These norms of θ.
        balance : float
            What balancing θ adds to it, as a share of the norm of the column.
        """
        return self.largest + self.longest * (computed * float(norms.max()) + balance)

    def _prediction_error(self) -> float:
        """Bound what errors of the predictions do to P: φ is smooth with the constant ½."""
        steps = gamma(len(self.w) + 8.0)
        sizes = self.longest * np.abs(self.w).sum(axis=0)
        sizes += np.abs(self.intercepts) * math.sqrt(float(self.weight.sum()))
        errors = steps * sizes
        norms = np.sqrt(self.weight @ self.local.theta**2)
        return float(norms @ errors) + 0.5 * self.loss.smoothness * float(errors @ errors)

    def _share_to_balance(self) -> float:
        """Return ε."""
        if not self.centred:
            return 0.0
        products = self.weight[:, None] * self.local.theta
        n, k = products.shape
        sums = np.abs(products.sum(axis=0)) + gamma(n + k + 16.0) * np.abs(products).sum(axis=0)
        of_class = np.bincount(self.y, weights=self.weight, minlength=k)
        return float((sums / of_class).max()) * (1.0 + gamma(n + 16.0))
