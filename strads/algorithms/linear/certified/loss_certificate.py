"""The certificate of a generalised linear model: an upper bound on its duality gap.

    P(w, b) = Σ ω_i φ(x_iᵀw + b, y_i) / N + α‖w‖₁ + β‖w‖² / 2,    N = Σ ω_i

The bound is that of :mod:`strads.algorithms.linear.solver.proximal_newton.gap`, for the weights and
the intercept as they are returned. Columns are scaled and shifted as for the Lasso
(:mod:`strads.algorithms.linear.certified.centring`), so that Σ ω_i θ_i x_ij does not lose digits;
with an intercept, θ is orthogonal to ω, so the shift does not change these sums.
"""

from __future__ import annotations

import math

import numpy as np

from strads.algorithms.linear.certified.centring import Columns
from strads.algorithms.linear.certified.certificate import largest_slopes
from strads.algorithms.linear.certified.products import residual_of
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.proximal_newton.gap import (
    Reached,
    balanced,
    largest_curvature,
)
from strads.algorithms.linear.solver.proximal_newton.intercept import best_intercept
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, gamma


def certify_loss(
    columns: Columns, loss: Loss, y: np.ndarray, coef: np.ndarray, penalty: Penalty, *,
    centred: bool, positive: bool = False,
) -> tuple[Certificate, float]:  # fmt: skip
    """Return an upper bound on the relative duality gap, and the intercept that it is for.

    Parameters
    ----------
    columns : Columns
        Statistics of X as it was given, with the weights of the rows; shifted only if `centred`.
    loss : Loss
    y : ndarray of float64
        Targets.
    coef : ndarray
        Weights, in the precision in which they are returned to the user.
    penalty : Penalty
    centred : bool
        Whether the model has an intercept.
    positive : bool
        Whether the weights are constrained to w ≥ 0.
    """
    coef = np.asarray(coef, np.float64)
    if not np.all(np.isfinite(coef)) or (positive and coef.min(initial=0.0) < 0.0):
        return Certificate(math.inf, math.inf), 0.0
    with np.errstate(all="ignore"):  # an overflow or a NaN ends as an infinite gap
        return _certify(columns, loss, y, coef, penalty, centred, positive)


def _certify(
    columns: Columns, loss: Loss, y: np.ndarray, coef: np.ndarray, penalty: Penalty, centred: bool,
    positive: bool,
) -> tuple[Certificate, float]:  # fmt: skip
    weight = columns.weight
    total, support = math.fsum(weight), np.flatnonzero(coef)
    moved = np.ldexp(coef[support], columns.exponent[support])
    negative, sizes, steps = residual_of(columns, np.zeros(len(y)), support, moved)
    at_zero = loss.value(np.zeros(len(y)), y)
    intercept = inner = blurred = 0.0
    local = loss.at(-negative, y)
    if centred:
        constant = loss.constant(y, weight)
        at_zero = loss.value(np.full(len(y), constant), y)
        inner, local = best_intercept(loss, -negative, y, weight, constant)
        shifts = columns.reference[support] * moved
        intercept = inner - math.fsum(shifts)
        blurred = 8.0 * UNIT * (abs(inner) + float(np.abs(shifts).sum()))
    errors = gamma(steps + 8.0) * (sizes + abs(inner)) + 2.0**-1000
    reach = float(errors.max()) + blurred
    curvature = largest_curvature(loss, local, weight, reach)
    error = float(weight @ (np.abs(local.theta) * errors + 0.5 * curvature * errors**2))
    # The intercept is nearly the best: what its rounding does is of second order.
    error += abs(math.fsum(weight * local.theta)) * blurred
    error += 0.5 * curvature * total * (blurred * blurred)  # a power of a float may raise
    theta = balanced(local.theta, weight) if centred else local.theta
    limits = total * np.ldexp(penalty.alpha, -columns.exponent)
    shrunk = np.zeros(len(coef))
    shrunk[support] = np.ldexp(total * penalty.beta * moved, -2 * columns.exponent[support])
    norm = math.sqrt(float(weight @ theta**2))
    unsure = np.maximum(limits - 16.0 * UNIT * norm * columns.norm, 0.0)
    doubt, largest = largest_slopes(columns, theta, norm, 0.0, unsure, shrunk, positive)
    reached = Reached(
        loss, y, weight, local, error=error, theta=theta, largest=largest, doubt=doubt,
        cost=float(limits[support] @ np.abs(moved)) + 0.5 * float(shrunk[support] @ moved),
        shrunk2=float(shrunk[support] @ moved), terms=float(max(len(y), len(support))),
        at_zero=float(weight @ at_zero),
    )  # fmt: skip
    return reached.bounded(), intercept
