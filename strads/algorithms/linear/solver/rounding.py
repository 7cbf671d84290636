"""An upper bound on the duality gap, from its computed parts and bounds on their rounding errors.

u = 2⁻⁵³ is the unit roundoff and γ_k = ku / (1 − ku) (Higham, Accuracy and Stability of Numerical
Algorithms, 2002, lemma 3.1): the error of a sum of k rounded products is at most γ_k times the sum
of their absolute values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

#: Unit roundoff of double precision.
UNIT = 2.0**-53


@dataclass(frozen=True)
class Certificate:
    """A bound on the duality gap of weights.

    Attributes
    ----------
    gap : float
        Upper bound on the relative duality gap (P(w) − D(θ)) / P(0); infinite if there is none.
    rounding : float
        The part of the bound that accounts for rounding errors: `gap` minus the computed gap.
    """

    gap: float
    rounding: float

    def plus(self, more: float) -> Certificate:
        """Return the bound with more rounding errors, as a share of P(0)."""
        if not np.isfinite(self.gap + more):
            return Certificate(np.inf, np.inf)
        return Certificate(self.gap + more, self.rounding + more)


def gamma(count: float) -> float:
    """Return γ_count, a bound on the relative error of `count` rounded operations in a row."""
    return count * UNIT / (1.0 - count * UNIT) if count * UNIT < 0.5 else np.inf


@dataclass(frozen=True)
class Parts:
    """The numbers from which a gap is computed, and bounds on their errors.

    Attributes
    ----------
    r2, ry, y2 : float
        ‖ρ‖², ρᵀy, ‖y‖².
    penalty : float
        α‖w‖₁ · N.
    slope, bare : float
        Largest |x_jᵀρ| / Nα, with the error bound (the residual divided by it is feasible), and
        without.
    residual_error : float
        Bound on ‖E‖, the error of ρ.
    ry_error : float
        Bound on the error of `ry`.
    terms : float
        Number of summands in the sums.
    """

    r2: float
    ry: float
    y2: float
    penalty: float
    slope: float
    bare: float
    residual_error: float
    ry_error: float
    terms: float


def bounded(parts: Parts) -> Certificate:
    """Return the gap computed from its parts, each moved by its error bound to the worse side."""
    if parts.y2 == 0.0 and parts.r2 == 0.0 and parts.penalty == 0.0:
        return Certificate(0.0, 0.0)
    slip = 1.0 + 4.0 * gamma(parts.terms + 10.0)
    norm = math.sqrt(parts.r2) * slip + parts.residual_error
    primal = 0.5 * norm * norm + parts.penalty * slip
    scale = _scale(parts, parts.slope)
    dual = scale * (parts.ry - parts.ry_error) - 0.5 * scale * scale * parts.r2 * slip * slip
    dual -= 8.0 * UNIT * scale * abs(parts.ry)
    at_zero = 0.5 * parts.y2 / (slip * slip)
    gap = (primal - dual) / at_zero if at_zero > 0.0 else np.inf
    scale = _scale(parts, parts.bare)
    computed = 0.5 * parts.r2 + parts.penalty
    computed -= scale * parts.ry - 0.5 * scale * scale * parts.r2
    rounding = gap - max(computed, 0.0) / at_zero if at_zero > 0.0 else np.inf
    if not (np.isfinite(gap) and np.isfinite(rounding)):
        return Certificate(np.inf, np.inf)
    return Certificate(max(gap, 0.0), max(rounding, 0.0))


def _scale(parts: Parts, slope: float) -> float:
    """Return the factor by which the residual becomes the best feasible dual point."""
    bound = 1.0 / slope if slope > 0.0 else np.inf
    return min(max(parts.ry / parts.r2, 0.0), bound) if parts.r2 > 0.0 else 0.0
