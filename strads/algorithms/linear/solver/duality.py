"""The duality gap of the Lasso, without a bound on rounding errors; it steers the solver.

    P(w) = ‖r‖²/2n + α‖w‖₁,   r = y − Xw,
    D(ν) = (νᵀy − ‖ν‖²/2) / n   for any ν with |x_jᵀν| ≤ nα for all j.

The residual, scaled into the feasible set, is such a ν. With an intercept, y and the columns of X
are centred, and so is r. The certificate of the returned weights, which accounts for rounding
errors, is computed elsewhere: :mod:`strads.algorithms.linear.certified.certificate`. The gap may be
NaN; write ``not gap <= tol`` so that NaN counts as a large gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Gap:
    """Primal value, best dual value of a scaled residual, and the gap relative to P(0)."""

    primal: float
    dual: float
    relative: float
    scale: float  # the residual times this is the dual point


def lasso_gap(
    r2: float, ry: float, y2: float, l1: float, largest: float, alpha: float, n: int
) -> Gap:
    """Return the gap of a point that is given by its inner products.

    Parameters
    ----------
    r2, ry, y2 : float
        ‖r‖², rᵀy, ‖y‖².
    l1 : float
        ‖w‖₁.
    largest : float
        max_j |x_jᵀr| (max_j x_jᵀr under the constraint w ≥ 0).
    alpha : float
        Weight of the penalty.
    n : int
        Number of samples.

    Returns
    -------
    Gap
    """
    primal = r2 / (2 * n) + alpha * l1
    bound = n * alpha / largest if largest > 0.0 else np.inf
    scale = float(np.clip(ry / r2, 0.0, bound)) if r2 > 0.0 else 0.0
    dual = (scale * ry - 0.5 * scale * scale * r2) / n
    at_zero = y2 / (2 * n)
    relative = 0.0 if primal == dual else np.inf
    if at_zero > 0.0:
        relative = max((primal - dual) / at_zero, 0.0)
    return Gap(primal, dual, relative, scale)
