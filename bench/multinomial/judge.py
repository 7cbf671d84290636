"""External judge of multinomial logistic regressions with an L1 penalty: the relative duality gap.

    P(W, b) = Σ_i (log Σ_k exp(f_ik) − f_i,y_i) / n + α‖W‖₁,    f_i = W x_i + b

relative to P of the best model without features. It knows nothing of the solver: only X, labels of
0 to K − 1, and the returned weights and intercepts. The dual point is the negative derivative of
the loss, e_y − p with the probabilities p of the model; with intercepts, mixed with e_y − q, with
probabilities q equal for all samples, so that all classes sum to zero; times the largest number ≤ 1
that makes it feasible.
"""

from typing import Any

import numpy as np
from scipy.special import entr, logsumexp, softmax

from bench.lasso.judge import largest_score
from bench.logistic.judge import Verdict


def judge(
    X: Any, y: np.ndarray, coef: np.ndarray, intercept: np.ndarray, *, alpha: float,
    fit_intercept: bool,
) -> Verdict:  # fmt: skip
    """Judge a solution as the solver returned it: a row of weights and an intercept a class."""
    if not fit_intercept and np.any(intercept):
        raise ValueError("intercepts were returned for a problem without any")
    n, W = len(y), np.asarray(coef, np.float64)
    if not (np.isfinite(W).all() and np.isfinite(intercept).all()):
        return Verdict(np.inf, 0)
    f = np.asarray(X @ W.T) + intercept
    losses = logsumexp(f, axis=1) - f[np.arange(n), y]
    primal = float(losses.mean()) + alpha * float(np.abs(W).sum())
    one_hot = np.eye(len(W))[y]
    theta = one_hot - softmax(f, axis=1)
    if fit_intercept:
        theta = balanced(theta, one_hot)
    largest = largest_score(X, theta)
    scale = min(1.0, n * alpha / largest if largest > 0.0 else 1.0)
    # Of the label's entry, 1 − s(1 − p), rounding may leave a negative number.
    dual = float(entr(np.maximum(one_hot - scale * theta, 0.0)).sum() / n)
    at_zero = float(entr(shares(one_hot, fit_intercept)).sum())
    return Verdict((primal - dual) / at_zero, int(np.count_nonzero(W)))


def alpha_max(X: Any, y: np.ndarray, *, fit_intercept: bool) -> float:
    """Smallest penalty whose solution is zero."""
    one_hot = np.eye(y.max() + 1)[y]
    return largest_score(X, one_hot - shares(one_hot, fit_intercept)) / len(y)


def shares(one_hot: np.ndarray, fit_intercept: bool) -> np.ndarray:
    """Probabilities of the best model without features."""
    classes = one_hot.shape[1]
    return one_hot.mean(axis=0) if fit_intercept else np.full(classes, 1.0 / classes)


def balanced(theta: np.ndarray, one_hot: np.ndarray) -> np.ndarray:
    """Mix a dual point with as little of e_y − q as makes the sums of all classes zero."""
    sums, counts = theta.sum(axis=0), one_hot.sum(axis=0)
    part = min(1.0, float((np.abs(sums) / counts).max()))
    if part == 0.0:
        return theta
    q = (counts + (1.0 - part) / part * sums) / len(theta)
    return (1.0 - part) * theta + part * (one_hot - q)
