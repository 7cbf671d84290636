"""Multinomial logistic regressions, their naive expansion, and a judge in extended precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st

from strads import SparseLogisticRegression

LONG = np.longdouble


def softmax(f):
    """Probabilities, row by row."""
    shares = np.exp(f - f.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def hessian(X, pairs, probability, weight):
    """Second derivatives of Σ ω φ(XW + b) by some pairs of W and by b, sample by sample."""
    n, classes = probability.shape
    size = len(pairs) + classes
    H = np.zeros((size, size))
    for i in range(n):
        slopes = np.zeros((size, classes))  # of the predictions by the unknowns
        for a, pair in enumerate(pairs):
            slopes[a, pair % classes] = X[i, pair // classes]
        slopes[len(pairs) :] = np.eye(classes)
        q = probability[i]
        H += weight[i] * slopes @ (np.diag(q) - np.outer(q, q)) @ slopes.T
    return H


@dataclass
class Several:
    """A problem of several classes and how to solve it."""

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    alpha: float
    l1_ratio: float
    intercept: bool
    positive: bool
    groups: list[list[int]] | None = None
    group_weights: np.ndarray | None = None

    def fit(self, **options):
        """Return a fitted model."""
        return SparseLogisticRegression(
            self.alpha, l1_ratio=self.l1_ratio, multi_class="multinomial",
            fit_intercept=self.intercept, positive=self.positive, groups=self.groups,
            group_weights=self.group_weights, n_workers=1, **options,
        ).fit(self.X, self.y, self.weights)  # fmt: skip

    def _long(self):
        X = self.X.toarray() if sp.issparse(self.X) else self.X
        weight = np.ones(len(self.y)) if self.weights is None else self.weights
        return np.asarray(X, LONG), np.asarray(weight, LONG)

    def norms(self, W):
        """What the penalty weighs: of W, or of scores, of shape (K, p)."""
        if self.groups is None:
            return np.abs(W).ravel()
        return np.array([np.sqrt((W[:, group] ** 2).sum()) for group in self.groups])

    @property
    def shares(self):
        """Weights of these norms in the penalty."""
        return LONG(1) if self.group_weights is None else self.group_weights.astype(LONG)

    def primal(self, coef, intercept):
        """Objective times n, where n is the sum of the weights."""
        X, weight = self._long()
        W, n = coef.astype(LONG), weight.sum()
        f = X @ W.T + intercept.astype(LONG)
        top = f.max(axis=1)
        value = top + np.log(np.exp(f - top[:, None]).sum(axis=1)) - f[np.arange(len(f)), self.y]
        alpha, beta = LONG(self.alpha * self.l1_ratio), LONG(self.alpha * (1 - self.l1_ratio))
        return weight @ value + n * (
            alpha * (self.shares * self.norms(W)).sum() + beta * (W**2).sum() / 2
        )

    def at_zero(self, classes):
        """Objective times n of the best model without features."""
        _, weight = self._long()
        if not self.intercept:
            return weight.sum() * np.log(LONG(classes))
        shares = np.array([weight[self.y == k].sum() for k in range(classes)]) / weight.sum()
        return -weight.sum() * (shares * np.log(shares)).sum()

    def true_gap(self, model) -> float:
        """Relative duality gap of the weights and the intercepts that were returned."""
        X, weight = self._long()
        W, n = model.coef_.astype(LONG), weight.sum()
        rows, classes = np.arange(len(self.y)), len(W)
        p = softmax(X @ W.T + model.intercept_.astype(LONG))
        theta = -p
        theta[rows, self.y] += 1
        share = LONG(0)
        if self.intercept:
            sums = weight @ theta
            of_class = np.array([weight[self.y == k].sum() for k in range(classes)])
            share = (np.abs(sums) / of_class).max()
            if share > 0:
                q = of_class / n + (1 - share) * sums / (share * n)
                other = -np.tile(q, (len(rows), 1))
                other[rows, self.y] += 1
                theta = (1 - share) * theta + share * other
        alpha, beta = LONG(self.alpha * self.l1_ratio), LONG(self.alpha * (1 - self.l1_ratio))
        scores = (X.T @ (weight[:, None] * theta)).T - (1 - share) * n * beta * W
        held = np.maximum(scores, 0) if self.positive else scores
        largest = (self.norms(held) / self.shares).max()
        s = min(LONG(1), n * alpha / largest) if largest > 0 else LONG(1)
        points = -s * theta
        points[rows, self.y] += 1
        points = np.maximum(points, 0)
        entropy = -(points * np.log(np.where(points > 0, points, 1))).sum(axis=1)
        dual = weight @ entropy - (s * (1 - share)) ** 2 * n * beta * (W**2).sum() / 2
        return float((self.primal(model.coef_, model.intercept_) - dual) / self.at_zero(classes))


@st.composite
def several(draw, most: int = 30) -> Several:
    """Small problems, sparse and dense, in both precisions, with and without weights."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = draw(st.integers(3, 5))
    n, p = draw(st.integers(2 * classes, most)), draw(st.integers(1, 8))
    y = np.append(np.arange(classes), rng.integers(0, classes, size=n - classes))
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.7)
    X[:, 0] += y
    X *= 10.0 ** draw(st.sampled_from([0, 0, -3, 3]))
    if draw(st.booleans()):
        X = X.astype(np.float32)
    weights = rng.choice([0.0, 0.3, 2.0], size=n) if draw(st.booleans()) else None
    if weights is not None:
        weights[:classes] = 1.0
    intercept, positive = draw(st.booleans()), draw(st.sampled_from([False, False, True]))
    counted = np.ones(n) if weights is None else weights
    shares = np.full(classes, 1.0 / classes)
    if intercept:
        shares = np.bincount(y, weights=counted) / counted.sum()
    scores = X.T.astype(float) @ (counted[:, None] * (np.eye(classes)[y] - shares))
    top = max(float(np.abs(scores).max()) / counted.sum(), 1e-12)
    alpha = top / draw(st.sampled_from([0.5, 2.0, 10.0, 300.0]))
    store = draw(st.sampled_from([np.asfortranarray, sp.csc_array]))
    ratio = draw(st.sampled_from([1.0, 1.0, 0.5]))
    return Several(store(X), y, weights, alpha, ratio, intercept, positive)
