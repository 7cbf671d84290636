"""External judge of logistic regressions with an L1 penalty: the relative duality gap.

    P(w, b) = Σ log(1 + exp(−y_i (x_iᵀw + b))) / n + α‖w‖₁

relative to P of the best model without features. It knows nothing of the solver: only X, labels of
−1 and 1, and the returned weights and intercept. The dual point is the negative derivative of the
loss, with those of one sign made smaller so that all sum to zero (with an intercept), times the
largest number ≤ 1 that makes it feasible.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr, expit

from bench.lasso.judge import largest_score


class Verdict(NamedTuple):
    """What the judge found."""

    gap: float
    nonzeros: int


def judge(
    X: Any, y: np.ndarray, coef: np.ndarray, intercept: float, *, alpha: float, fit_intercept: bool
) -> Verdict:
    """Judge a solution as the solver returned it."""
    if not fit_intercept and intercept != 0.0:
        raise ValueError("an intercept was returned for a problem without one")
    n, coef = len(y), np.asarray(coef, np.float64)
    if not np.isfinite(coef).all():
        return Verdict(np.inf, 0)
    margin = y * (np.asarray(X @ coef).ravel() + intercept)
    primal = float(np.logaddexp(0.0, -margin).mean()) + alpha * float(np.abs(coef).sum())
    theta = y * expit(-margin)
    if fit_intercept:
        above, below = theta[theta > 0.0].sum(), -theta[theta < 0.0].sum()
        least = min(above, below)
        theta = np.where(theta > 0.0, theta * (least / above), theta * (least / below))
    largest = largest_score(X, theta)
    share = np.abs(theta) * min(1.0, n * alpha / largest if largest > 0.0 else 1.0)
    dual = float((entr(share) + entr(1.0 - share)).mean())
    ones = float((y > 0.0).mean())
    at_zero = entr(ones) + entr(1.0 - ones) if fit_intercept else np.log(2.0)
    return Verdict(float((primal - dual) / at_zero), int(np.count_nonzero(coef)))


def alpha_max(X: Any, y: np.ndarray, *, fit_intercept: bool) -> float:
    """Smallest penalty whose solution is zero."""
    ones = float((y > 0.0).mean()) if fit_intercept else 0.5
    return largest_score(X, (y > 0.0) - ones) / len(y)
