r"""The duality gap of a generalised linear model, with a bound on rounding errors.

    P = Σ ω_i φ(f_i, y_i) + penalty·‖w‖₁ + ½ ridge·‖w‖²
    D = Σ ω_i (−φ*(−θ_i, y_i)) − ½ ridge·‖s w‖²

for any θ that satisfies |x_jᵀ(ω∘θ) − s ridge w_j| ≤ penalty for all j and, with an intercept,
Σ ω_i θ_i = 0. Let ϑ be numbers like −φ'(f): for which sϑ is in the domain of the dual for all
0 ≤ s ≤ 1. Multiplying those of one sign by a number ≤ 1 makes Σ ω_i ϑ_i = 0, and θ = sϑ feasible.

Nothing is assumed of how ϑ has been computed: as floating-point numbers they are exact. What has
errors is what is computed from them:

* The multiplication makes the sum zero but for rounding; the exactly balanced numbers differ by a
  share of some u. So do the products sϑ.
* |x_jᵀ(ω∘ϑ)| is known up to a bound, which the caller adds to the largest of them.
* f is known up to a bound E_i, and so φ up to |φ'| E_i + ½ L E_i², where φ'' ≤ L within E_i.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from strads.algorithms.linear.losses.loss import Local, Loss
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, gamma


def largest_curvature(loss: Loss, local: Local, weight: np.ndarray, reach: float) -> float:
    """Return a bound on φ'' of samples with weight, for predictions off by up to `reach`."""
    if math.isfinite(loss.smoothness):
        return loss.smoothness
    growth: float = getattr(loss, "growth", np.inf)
    return float(local.curvature[weight > 0.0].max(initial=0.0)) * math.exp(
        min(growth * reach, 700.0)
    )


def balanced(theta: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return θ with those of one sign made smaller, so that Σ weight·θ = 0 but for 8u of a side."""
    products = weight * theta
    above, below = math.fsum(products[products > 0.0]), -math.fsum(products[products < 0.0])
    if above == below:
        return theta
    factor = below / above if above > below else above / below
    return np.where((theta > 0.0) == (above > below), factor * theta, theta)


@dataclass(frozen=True)
class Reached:
    """What the gap is computed from.

    Attributes
    ----------
    loss : Loss
    y, weight : ndarray of shape (n,)
        Targets and ω.
    local : Local
        The loss at the predictions.
    error : float
        Bound on Σ ω_i (|φ'| E_i + ½ L E_i²).
    theta : ndarray of shape (n,)
        ϑ, balanced if there is an intercept.
    largest, doubt : float
        Largest |x_jᵀ(ω∘ϑ) − ridge w_j| / penalty as computed, and with its error bound.
    cost : float
        penalty·‖w‖₁ + ½ ridge·‖w‖².
    shrunk2 : float
        ridge·‖w‖².
    terms : float
        Number of summands in the sums.
    at_zero : float
        P of the best model without features.
    """

    loss: Loss
    y: np.ndarray
    weight: np.ndarray
    local: Local
    error: float
    theta: np.ndarray
    largest: float
    doubt: float
    cost: float
    shrunk2: float
    terms: float
    at_zero: float

    def bounded(self) -> Certificate:
        """Return the relative gap, P moved up by its error bound and D moved down."""
        slip = 2.0 * gamma(self.terms + 16.0)
        value = float(self.weight @ self.local.value)
        primal = (value + self.cost + self.error) * (1.0 + slip)
        scale = min(1.0, 1.0 / self.doubt) if self.doubt > 0.0 else 1.0
        scale *= 1.0 - 4.0 * UNIT
        theta = scale * self.theta
        terms = self.loss.dual(theta, self.y)
        lost = 0.5 * scale * scale * self.shrunk2
        doubt = float(self.weight @ self.loss.dual_error(theta, self.y))
        doubt += (float(self.weight @ np.abs(terms)) + lost) * slip
        dual = float(self.weight @ terms) - lost - doubt
        return self._relative(primal, dual, value)

    def _relative(self, primal: float, dual: float, value: float) -> Certificate:
        computed = value + self.cost - self._dual_as_computed()
        if not self.at_zero > 0.0:
            exact = primal <= 0.0
            return Certificate(0.0, 0.0) if exact else Certificate(math.inf, math.inf)
        gap = (primal - dual) / (self.at_zero * (1.0 - gamma(self.terms + 16.0)))
        if not math.isfinite(gap):
            return Certificate(math.inf, math.inf)
        return Certificate(max(gap, 0.0), max(gap - max(computed, 0.0) / self.at_zero, 0.0))

    def _dual_as_computed(self) -> float:
        scale = min(1.0, 1.0 / self.largest) if self.largest > 0.0 else 1.0
        terms = self.loss.dual(scale * self.theta, self.y)
        return float(self.weight @ terms) - 0.5 * scale * scale * self.shrunk2
