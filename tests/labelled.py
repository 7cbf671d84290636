"""Logistic regressions of all scales, and their judge in extended precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from certified import LONG, Case, cases, centred
from hypothesis import assume
from hypothesis import strategies as st

from strads import SparseLogisticRegression


@dataclass(repr=False)
class Labelled(Case):
    """A problem whose y is 0 or 1."""

    def model(self, **options) -> SparseLogisticRegression:
        """Return an estimator that has not been fitted."""
        return SparseLogisticRegression(
            self.alpha, l1_ratio=self.l1_ratio, fit_intercept=self.intercept,
            positive=self.positive, n_workers=1, **options,
        )  # fmt: skip

    def true_gap(self, model) -> float:
        """Relative duality gap of the weights and the intercept that were returned."""
        X, y, weight = self._long()
        w, n, sign = model.coef_[0].astype(LONG), weight.sum(), 2 * y - 1
        alpha, beta = LONG(self.alpha * self.l1_ratio), LONG(self.alpha * (1.0 - self.l1_ratio))
        intercept = LONG(model.intercept_[0])
        if self.intercept:  # large means would take digits of every prediction
            first = X[np.argmax(weight)]
            X, intercept = X - first, intercept + first @ w
        xw = X @ w
        cost = n * (alpha * np.abs(w).sum() + beta * (w @ w) / 2)
        primal = weight @ softplus(-sign * (xw + intercept)) + cost
        theta = sign * logistic(-sign * (xw + self._best(xw, sign, weight)))
        if self.intercept:
            above, below = weight @ np.maximum(theta, 0), weight @ np.maximum(-theta, 0)
            least = min(above, below)
            theta = np.where(theta > 0, theta * (least / above), theta * (least / below))
            X = centred(X, weight)  # which changes nothing, as weight·theta sums to zero
        scores = X.T @ (weight * theta) - n * beta * w
        largest = scores.max() if self.positive else np.abs(scores).max()
        scale = min(LONG(1), n * alpha / largest) if largest > 0 else LONG(1)
        dual = weight @ entropy(np.abs(scale * theta)) - scale**2 * n * beta * (w @ w) / 2
        ones = (weight @ y) / n
        at_zero = n * entropy(ones) if self.intercept else n * np.log(LONG(2))
        return float((primal - dual) / at_zero)

    def _best(self, xw, sign, weight):
        """Return the best intercept, by bisection."""
        if not self.intercept:
            return LONG(0)
        far = np.abs(xw).max() + 100
        low, high = -far, far
        for _ in range(140):
            middle = (low + high) / 2
            falls = weight @ (sign * logistic(-sign * (xw + middle))) > 0
            low, high = (middle, high) if falls else (low, middle)
        return (low + high) / 2


def softplus(t):
    """Logarithm of 1 + exp(t)."""
    return np.log1p(np.exp(-np.abs(t))) + np.maximum(t, 0)


def logistic(t):
    """1 / (1 + exp(−t))."""
    tail = np.exp(-np.abs(t))
    return np.where(t > 0, LONG(1), tail) / (1 + tail)


def entropy(share):
    """Entropy of a coin."""
    least = np.finfo(LONG).tiny
    rest = np.where(share < 1, np.log1p(-np.minimum(share, 1 - np.finfo(LONG).eps)), 0)
    return -share * np.log(np.maximum(share, least)) - (1 - share) * rest


@st.composite
def labelled(draw) -> Labelled:
    """Draw a problem: the columns of a regression, and labels that its target suggests."""
    case = draw(cases())
    counted = np.flatnonzero(np.ones(len(case.y)) if case.weights is None else case.weights)
    assume(len(counted) > 1)
    order = np.argsort(case.y[counted], kind="stable")
    y = np.zeros(len(case.y))
    share = draw(st.sampled_from([0.5, 0.9]))
    y[counted[order[int(share * (len(order) - 1)) :]]] = 1.0
    y[counted[order[0]]], y[counted[order[-1]]] = 0.0, 1.0
    problem = Labelled(case.X, y, case.weights, 1.0, case.intercept, case.positive)
    problem.alpha = problem.strength(draw(st.sampled_from([0.5, 2.0, 10.0, 300.0])))
    return problem.mixed(draw(st.sampled_from([0.0, 0.0, 1e-3, 1.0])))
