r"""The relative duality gap of a linear SVM, with a bound on rounding errors.

The gap (P(w) − D(β)) / P(w) holds for any w and any β between its bounds. Both are exact as they
are stored; what has errors is what is computed from them. With u and γ_k as in
:mod:`strads.algorithms.linear.solver.rounding`, and m the length of the longest sample:

* f_i is known up to E_i ≤ γ_{m+2} ‖x_i‖ ‖w‖, and so φ_i up to |φ_i'| E_i, and c_i E_i² for a
  squared loss.
* Xᵀβ is known up to γ_{n+2} Σ |β_i| ‖x_i‖ in norm.
* Sums have the errors of their number of terms.
"""

from __future__ import annotations

import math

import numpy as np

from strads.algorithms.linear.dual.judge import (
    LINEAR,
    LINEAR_SIZE,
    LOSS,
    LOSS_SLOPE,
    REACH,
    V2,
    W2,
)
from strads.algorithms.linear.solver.rounding import Certificate, gamma


def certified(figures: np.ndarray, *, n: int, longest: int, squares: float) -> Certificate:
    """Return the relative gap of one model, P moved up by its error bound and D moved down.

    Parameters
    ----------
    figures : ndarray
        A row of the program's figures, see :mod:`strads.algorithms.linear.dual.judge`.
    n : int
        Number of samples.
    longest : int
        Largest number of entries of a sample, plus one for the intercept.
    squares : float
        Σ c_i ‖x_i‖² for a squared loss, else 0.
    """
    slip = 2.0 * gamma(n + longest + 64.0)
    length = math.sqrt(figures[W2]) * (1.0 + slip)
    error = gamma(longest + 2.0) * length
    loss = figures[LOSS] * (1.0 + slip) + error * figures[LOSS_SLOPE] * (1.0 + slip)
    loss += error * error * squares
    primal = 0.5 * length * length + loss
    reach = math.sqrt(figures[V2]) * (1.0 + slip)
    reach += gamma(n + 2.0) * figures[REACH] * (1.0 + slip)
    dual = figures[LINEAR] - slip * figures[LINEAR_SIZE] - 0.5 * reach * reach
    computed = 0.5 * figures[W2] + figures[LOSS] - figures[LINEAR] + 0.5 * figures[V2]
    if not (math.isfinite(primal) and math.isfinite(dual)):
        return Certificate(math.inf, math.inf)
    if primal <= 0.0:
        return Certificate(0.0, 0.0)
    gap = (primal - dual) / max(primal - 2.0 * (primal - objective(figures)), 1e-300)
    share = max(computed, 0.0) / primal
    return Certificate(max(gap, 0.0), max(gap - share, 0.0))


def objective(figures: np.ndarray) -> float:
    """Return P(w) as computed."""
    return float(0.5 * figures[W2] + figures[LOSS])
