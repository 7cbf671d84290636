"""Minimise a composite objective along a direction, by the sign of its slope.

    ψ(t) = Σ_i ω_i φ(f_i + t f'_i, y_i) + Σ_j penalty_j |v_j + t d_j| + ½ ridge ‖v + t d‖²

ψ is convex. Its slope jumps where a weight changes its sign, above all at t = 1, where the weights
lie that the step sets to zero; so the slopes on both sides of 1 are looked at first.

Source of the update of the interval: the Illinois method (Dowell and Jarratt 1971), a variant of
regula falsi.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from strads.algorithms.linear.losses.loss import Local

#: The slope may keep this share of what it is at the start; largest number of values of t.
FLAT, MOST = 0.1, 30
#: A slope of less than this share of the objective may be rounding.
ROUNDING: Final = 1e-12
#: The longest step, as a multiple of the one that was proposed.
LONGEST: Final = 4.0


class Differentiable(Protocol):
    """A loss that has a derivative; predictions are of shape (n,) or (n, K)."""

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return value, negative derivative and curvature at predictions."""
        ...


@dataclass
class Line:
    """The objective along a direction.

    Attributes
    ----------
    loss : Differentiable
    y : ndarray of shape (n,)
    weight : ndarray of shape (n,)
        Of shape (n, 1) for a loss of several predictions a sample.
    f, along : ndarray of shape (n,) or (n, K)
        Predictions, the intercept included, at t = 0, and their change from there to t = 1.
    theta : ndarray of shape (n,) or (n, K)
        −φ' at t = 0.
    v, d : ndarray
        Weights at t = 0, and their change from there to t = 1.
    penalty : float or ndarray
        Of all weights, or of each.
    ridge : float
    positive : bool
        Whether weights must not become negative: then t goes no further than to the first that is
        zero.
    """

    loss: Differentiable
    y: np.ndarray
    weight: np.ndarray
    f: np.ndarray
    along: np.ndarray
    theta: np.ndarray
    v: np.ndarray
    d: np.ndarray
    penalty: float | np.ndarray
    ridge: float
    positive: bool = False

    @property
    def longest(self) -> float:
        """The largest t."""
        if not self.positive:
            return LONGEST
        falls = self.d < 0.0
        at_zero = float(np.min(-self.v[falls] / self.d[falls], initial=LONGEST))
        return max(at_zero, 1.0)

    def smooth(self, t: float) -> float:
        """Return the slope of the loss."""
        theta = self.loss.at(self.f + t * self.along, self.y).theta
        return -float(np.vdot(self.weight * theta, self.along))

    def cost(self, t: float, side: float) -> float:
        """Return the slope of the penalty on one side of t: before it (−1) or behind (1)."""
        v = self.v + t * self.d
        signs = np.where(v != 0.0, np.sign(v), side * np.sign(self.d))
        return float(np.vdot(self.penalty * signs, self.d)) + self.ridge * float(v @ self.d)

    def minimiser(self, height: float) -> float:
        """Return a t at which the slope is small.

        It is 1 if the slope at 0 is so small beside the objective `height` that rounding decides.
        """
        start = -float(np.vdot(self.weight * self.theta, self.along)) + self.cost(0.0, 1.0)
        if abs(start) <= ROUNDING * height:
            return 1.0
        if not start < 0.0:
            return 0.0
        at_one, flat = self.smooth(1.0), FLAT * -start
        if at_one + self.cost(1.0, -1.0) > flat:
            return self._between(0.0, start, 1.0, at_one + self.cost(1.0, -1.0), flat)
        low, slope, longest = 1.0, at_one + self.cost(1.0, 1.0), self.longest
        while slope < -flat and low < longest:
            high = min(2.0 * low, longest)
            beyond = self.smooth(high) + self.cost(high, 1.0)
            if beyond > 0.0:
                return self._between(low, slope, high, beyond, flat)
            low, slope = high, beyond
        return low

    def _between(self, low: float, below: float, high: float, above: float, flat: float) -> float:
        """Return a t between two with slopes below and above zero, where the slope is small.

        If no such t is found, where the slope jumps from one side to the other, the last t with a
        slope below zero is returned. After a step that has not halved the interval comes its
        middle, since a loss may be so curved that the slope at its end says nothing.
        """
        width, slow = high - low, False
        for _ in range(MOST):
            t = 0.5 * (low + high) if slow else high - above * (high - low) / (above - below)
            slope = self.smooth(t) + self.cost(t, 1.0)
            if abs(slope) <= flat:
                return t
            if slope > 0.0:
                high, above, below = t, slope, 0.5 * below
            else:
                low, below, above = t, slope, 0.5 * above
            slow = not slow and high - low > 0.5 * width
            width = high - low
        return low
