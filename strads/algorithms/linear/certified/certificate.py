r"""The certificate of a Lasso: an upper bound on the duality gap of the returned weights.

    P(w) = Σ ω_i r_i² / 2N + α Σ_j f_j |w_j| + β‖w‖²/2,
        r = y − Xw − b,   b the best intercept,   N = Σ ω_i,
    D(θ) = Σ ω_i (θ_i y_i − θ_i²/2) / N   for any θ with |Σ ω_i θ_i x_ij| ≤ Nαf_j for all j
                                          and, with an intercept, Σ ω_i θ_i = 0.

The certificate uses nothing from the solver but the weights, checks every column, and accounts for
rounding errors: it bounds P from above and D from below, so the true gap is never larger than the
bound. If rounding errors alone exceed the tolerance, so does the bound: the tolerance cannot be
certified in this arithmetic.

With β > 0 (elastic net), D is that of the Lasso with one more row for every column: √(Nβ) times
the unit vector, target 0, weight 1. θ is the residual of the longer data, scaled.

*Features without a penalty* (f_j = 0). ρ is made orthogonal to them; what rounding leaves in their
span is bounded as :mod:`strads.algorithms.linear.solver.members.span` says.

*Exponents.* y and every column are multiplied by powers of two, which is exact (module
``centring`` in this folder): w_j and the penalty of column j are then multiplied by powers of two
as well, and the ridge by the square of the latter.

*Errors* (u = 2⁻⁵³, γ_k = ku / (1 − ku), Higham 2002, lemma 3.1). Let ρ be the computed residual, a
vector of floating-point numbers, and t the exact residual:

* |ρ_i − t_i + const| ≤ E_i = γ_k (|y_i| + Σ_j |d_ij w_j|), for k summands; the constant does not
  matter, since b is the best intercept. Centring is a projection, so ‖r‖ ≤ ‖ρ‖ + ‖E‖.
* The dual point is exactly s·(ρ − ρ̄). Σ ω_i d_ij (ρ_i − ρ̄) differs from its computed value by at
  most ‖d_j‖ (γ‖ρ‖ + |ρ̄|√N) (Cauchy and Schwarz); s is chosen so that the constraints hold even
  with this error added.

References
----------
Higham. Accuracy and Stability of Numerical Algorithms. SIAM 2002.
Ogita, Rump, Oishi. Accurate sum and dot product. SIAM J. Sci. Comput. 26(6), 2005. Of this paper,
the bounds of section 3 for sums in working precision suffice once nothing cancels.
"""

from __future__ import annotations

import math

import numpy as np

from strads.algorithms.linear.certified.centring import Columns, centred_twice, moderate
from strads.algorithms.linear.certified.products import exact_scores, residual_of, scores_of
from strads.algorithms.linear.certified.without_penalty import orthogonal_to
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, Parts, bounded, gamma

#: Bound on the relative error of norms and other sums of positive numbers, up to 10¹² summands.
SLACK = 1e-3


def certify(
    columns: Columns, y: np.ndarray, coef: np.ndarray, alpha: float, beta: float = 0.0, *,
    centred: bool, positive: bool = False, factors: np.ndarray | None = None,
) -> Certificate:  # fmt: skip
    """Return an upper bound on the relative duality gap of weights.

    Parameters
    ----------
    columns : Columns
        Statistics of X as it was given, with the weights of the rows; shifted only if `centred`.
    y : ndarray of float64
        Targets as they were given.
    coef : ndarray
        Weights, in the precision in which they are returned to the user.
    alpha, beta : float
        Weights of ‖w‖₁ and of ½‖w‖².
    centred : bool
        Whether the model has an intercept.
    positive : bool
        Whether the weights are constrained to w ≥ 0.
    factors : ndarray, optional
        f; None: 1 for all.

    Returns
    -------
    Certificate
        Its gap is infinite if nothing can be bounded.
    """
    with np.errstate(all="ignore"):  # an overflow or a NaN ends as an infinite gap
        coef = np.asarray(coef, np.float64)
        factors = np.ones(len(coef)) if factors is None else factors
        return _certify(columns, y, coef, alpha, beta, centred, positive, factors)


def _certify(columns, y, coef, alpha, beta, centred, positive, factors) -> Certificate:
    weight, n = columns.weight, len(columns.weight)
    if not np.all(np.isfinite(coef)) or (positive and coef.min(initial=0.0) < 0.0):
        return Certificate(np.inf, np.inf)
    total = math.fsum(weight)
    y, power = moderate(np.where(weight > 0.0, y, y[np.argmax(weight)]))
    mean = rest = y_error = middle = 0.0
    if centred:
        y, mean, rest = centred_twice(y, weight)
        y_error = 4.0 * UNIT * (_norm(y, weight) + abs(rest) * math.sqrt(total))
    support = np.flatnonzero(coef)
    moved = np.ldexp(coef[support], columns.exponent[support] - power)
    limits = total * np.ldexp(float(alpha), -power - columns.exponent)  # scaled penalties, times N
    limits = np.where(np.isinf(factors), np.inf, limits * np.where(np.isinf(factors), 1.0, factors))
    free = np.flatnonzero((factors == 0.0) & (columns.norm > 0.0))
    penalty = float(limits[support] @ np.abs(moved))
    if len(support) and alpha > 0.0 and not len(free):
        penalty = max(penalty, 2.0**-1000)  # a sum that underflows is still positive
    r, sizes, steps = residual_of(columns, y, support, moved)
    error = _norm(gamma(steps + 8.0) * sizes + 2.0**-1000 * n, weight)
    if centred:
        r, _, _ = centred_twice(r, weight)
        middle = _mean_bound(r, weight, total)
        if np.any(y):  # the mean of equal values is exact
            penalty += 0.5 * total * _intercept_error(columns, support, moved, mean, n) ** 2
    shrunk = np.zeros(len(coef))  # Nβw_j, in the units of scores
    shrunk[support] = np.ldexp(total * beta * moved, -2 * columns.exponent[support])
    added2 = float(shrunk[support] @ moved)  # Nβ‖w‖²: what the rows of the ridge add
    norm_r, norm_y = math.sqrt(_norm(r, weight) ** 2 + added2), _norm(y, weight)
    error += 4.0 * UNIT * math.sqrt(added2)
    theta, lost = r, 0.0
    if len(free):
        moved_free = np.ldexp(coef[free], columns.exponent[free] - power)
        ridge = np.ldexp(total * beta, -2 * columns.exponent[free])
        theta, lost = orthogonal_to(columns, r, free, moved_free, ridge, norm_y, limits)
        if centred:
            theta, _, _ = centred_twice(theta, weight)
            middle += _mean_bound(theta, weight, total)
        norm_r = max(norm_r, math.sqrt(_norm(theta, weight) ** 2 + added2))
        limits[free] = np.inf
    slope, bare = largest_slopes(columns, theta, norm_r, middle, limits, shrunk, positive)
    ry_error = gamma(n + 8) * norm_r * norm_y + 2.0 * norm_r * y_error
    ry_error += middle * float(weight @ np.abs(y))
    found = bounded(
        Parts(
            r2=norm_r**2, ry=float((weight * theta) @ y), y2=max(norm_y - y_error, 0.0) ** 2,
            penalty=penalty, slope=slope, bare=bare, ry_error=ry_error,
            residual_error=error + y_error + 4.0 * UNIT * norm_r,
            terms=float(max(n, len(support))),
        )
    )  # fmt: skip
    return found.plus(lost / (0.5 * norm_y**2 or 1.0))


def _mean_bound(values: np.ndarray, weight: np.ndarray, total: float) -> float:
    """Return an upper bound on the size of the weighted mean of values."""
    return (abs(math.fsum(weight * values)) + 4.0 * UNIT * float(weight @ np.abs(values))) / total


def _intercept_error(columns, support, moved, mean, n) -> float:
    """Bound the rounding error of the intercept, which is a sum of means times weights."""
    total = math.fsum(columns.weight)
    means = np.abs(columns.reference[support]) + np.abs(columns.rest[support])
    spread = columns.norm[support] / math.sqrt(total)
    errors = 8.0 * UNIT * means + gamma(n + 8) * spread
    return 8.0 * UNIT * abs(mean) + float(errors @ np.abs(moved))


def largest_slopes(columns, r, norm_r, middle, limits, shrunk, positive) -> tuple[float, float]:
    """Return the largest |score| / limit over all columns, with error bounds and without.

    A score is that of the longer data: `shrunk`, what the ridge takes off, is subtracted.

    The scores of columns that may be the largest within their error bounds are computed again, as
    if in twice the precision.
    """
    n, total = len(r), math.fsum(columns.weight)
    sizes = columns.norm * (1.0 + SLACK)
    off = middle * (total * np.abs(columns.rest) + gamma(n + 8) * math.sqrt(total) * sizes)
    scores = scores_of(columns, columns.weight * r) - shrunk
    off += np.where(shrunk != 0.0, 4.0 * UNIT * (np.abs(shrunk) + np.abs(scores)), 0.0)
    doubts = sizes * (gamma(columns.summands(n)) * norm_r) + off * (1.0 + SLACK)
    least = _violation(scores, -doubts, limits, positive)
    ids = np.flatnonzero(
        (_violation(scores, doubts, limits, positive) > least.max(initial=0.0))
        & (doubts > 1e-13 * limits)
    )
    if len(ids) and columns.refined:
        scores[ids] = exact_scores(columns, r, ids) - shrunk[ids]
        twice = sizes[ids] * (4.0 * gamma(n + 8) ** 2 * norm_r) + 2.0 * UNIT * np.abs(scores[ids])
        doubts[ids] = np.minimum(twice + off[ids] * (1.0 + SLACK), doubts[ids])
    slopes = _violation(scores, doubts, limits, positive)
    bare = _violation(scores, 0.0 * doubts, limits, positive)
    columns.seen(bare)
    return float(slopes.max(initial=0.0)), float(bare.max(initial=0.0))


def _violation(scores, doubts, limits, positive) -> np.ndarray:
    """Return the sizes of the scores plus the error bounds `doubts`, divided by the limits."""
    above = np.maximum((scores if positive else np.abs(scores)) + doubts, 0.0)
    slopes = np.where(above > 0.0, above / np.maximum(limits, 1e-320), 0.0)
    return np.where(np.isfinite(limits), slopes, 0.0)


def _norm(values: np.ndarray, weight: np.ndarray) -> float:
    """Return √Σ weight·values², without over- or underflow."""
    scaled, exponent = moderate(values)
    return math.ldexp(math.sqrt(float(weight @ (scaled * scaled))), exponent)
