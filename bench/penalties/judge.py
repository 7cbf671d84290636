"""External judges: of stationary points with the MCP, and of Poisson regressions.

They know nothing of the solver: only X, y, and the returned weights and intercept. Nothing is
centred in memory. A Lasso with weights of features is judged by `bench.lasso.judge`, with each
column divided by its factor and each weight multiplied by it.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

from bench.lasso.judge import largest_score
from bench.logistic.judge import Verdict


class Stationary(NamedTuple):
    """What the judge found of a problem that is not convex."""

    residual: float
    objective: float  # divided by that of the best model without features
    nonzeros: int


def stationarity(
    X: Any, y: np.ndarray, coef: np.ndarray, intercept: float, *, alpha: float, gamma: float,
    fit_intercept: bool,
) -> Stationary:  # fmt: skip
    """Judge least squares with the MCP, as the solver returned the solution.

        P(w, b) = ‖y − Xw − b‖² / 2n + Σ_j ρ(|w_j|),    ρ'(t) = max(α − t/γ, 0)

    The residual is the largest violation of an optimality condition, as a share of α. With
    s = Xᵀ(y − Xw − b)/n the violations are |s_j − ρ'(|w_j|)·sign(w_j)| where w_j ≠ 0, what |s_j|
    has above α elsewhere, and, with an intercept, the mean of y − Xw − b, so that a wrong b counts.
    """
    refuse(intercept, fit_intercept)
    n, w = len(y), np.asarray(coef, np.float64)
    if not (np.isfinite(w).all() and np.isfinite(intercept)):
        return Stationary(np.inf, np.inf, 0)
    r = y - np.asarray(X @ w).ravel() - intercept
    size = np.abs(w)
    slope = np.maximum(alpha - size / gamma, 0.0) * np.sign(w)
    s = np.asarray(X.T @ r).ravel() / n
    off = np.where(w != 0.0, np.abs(s - slope), np.maximum(np.abs(s) - alpha, 0.0))
    largest = max(float(off.max()), abs(float(r.mean())) if fit_intercept else 0.0)
    t = np.minimum(size, gamma * alpha)
    objective = float(r @ r) / (2 * n) + float((alpha * t - 0.5 * t * t / gamma).sum())
    at_zero = y - y.mean() if fit_intercept else y
    share = objective / (float(at_zero @ at_zero) / (2 * n))
    return Stationary(largest / alpha, share, int(np.count_nonzero(w)))


def poisson(
    X: Any, y: np.ndarray, coef: np.ndarray, intercept: float, *, alpha: float, fit_intercept: bool
) -> Verdict:
    """Judge a Poisson regression with an L1 penalty, as the solver returned the solution.

        P(w, b) = Σ_i (exp(f_i) − y_i f_i + y_i log y_i − y_i) / n + α‖w‖₁,    f = Xw + b

    The gap is relative to P of the best model without features: with an intercept, half the mean
    null deviance. P is at the returned b, so a wrong b counts. The dual point is y − m with the
    means m = exp(f) at the best b, which sum to the sum of y, times the largest number ≤ 1 that
    makes it feasible: then it stays below y, and its sum stays zero.
    """
    refuse(intercept, fit_intercept)
    n, w = len(y), np.asarray(coef, np.float64)
    if not (np.isfinite(w).all() and np.isfinite(intercept)):
        return Verdict(np.inf, 0)
    f = np.asarray(X @ w).ravel() + intercept
    with np.errstate(over="ignore"):
        m = np.exp(f)
    if not np.isfinite(m).all():
        return Verdict(np.inf, int(np.count_nonzero(w)))
    primal = float((m - y * f + xlogy(y, y) - y).mean()) + alpha * float(np.abs(w).sum())
    theta = y - (m * (y.sum() / m.sum()) if fit_intercept else m)
    largest = largest_score(X, theta)
    m = y - theta * min(1.0, n * alpha / largest if largest > 0.0 else 1.0)
    m = np.maximum(m, 0.0)  # rounding may leave a negative number
    dual = float((m - xlogy(m, m) + xlogy(y, y) - y).mean())
    mean = y.mean() if fit_intercept else 1.0
    at_zero = float((mean - y * np.log(mean) + xlogy(y, y) - y).mean())
    return Verdict((primal - dual) / at_zero, int(np.count_nonzero(w)))


def largest_poisson(X: Any, y: np.ndarray, *, fit_intercept: bool) -> float:
    """Smallest penalty for which the solution of a Poisson regression is zero."""
    return largest_score(X, y - (y.mean() if fit_intercept else 1.0)) / len(y)


def refuse(intercept: float, fit_intercept: bool) -> None:
    """Refuse an intercept of a problem without one."""
    if not fit_intercept and intercept != 0.0:
        raise ValueError("an intercept was returned for a problem without one")
