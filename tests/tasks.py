"""Problems of several tasks, and their judge in extended precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st

from strads import MultiTaskElasticNet

LONG = np.longdouble


@dataclass
class Tasks:
    """A problem of several tasks and how to solve it."""

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    alpha: float
    l1_ratio: float = 1.0
    intercept: bool = True

    def fit(self, **options):
        """Return a fitted model."""
        return MultiTaskElasticNet(
            self.alpha, l1_ratio=self.l1_ratio, fit_intercept=self.intercept,
            **{"n_workers": 1, **options},
        ).fit(self.X, self.y, self.weights)  # fmt: skip

    def _long(self):
        X = self.X.toarray() if sp.issparse(self.X) else self.X
        weight = np.ones(len(self.y)) if self.weights is None else self.weights
        weight = np.asarray(weight, LONG)
        return np.asarray(X, LONG), np.asarray(self.y, LONG), weight * (len(weight) / weight.sum())

    def true_gap(self, model) -> float:
        """Relative duality gap of the weights and the intercepts that were returned."""
        X, Y, weight = self._long()
        W, n = model.coef_.T.astype(LONG), len(Y)
        alpha, beta = LONG(self.alpha * self.l1_ratio), LONG(self.alpha * (1 - self.l1_ratio))
        R = Y - X @ W - model.intercept_.astype(LONG)
        norms = np.sqrt((W**2).sum(axis=1)).sum()
        ridge = n * beta * (W**2).sum()
        primal = ((weight @ R**2).sum() + ridge) / (2 * n) + alpha * norms
        if self.intercept:
            X, Y = X - (weight @ X) / n, Y - (weight @ Y) / n
            R = Y - X @ W
        scores = X.T @ (weight[:, None] * R) - n * beta * W
        largest = np.sqrt((scores**2).sum(axis=1)).max()
        r2, ry = (weight @ R**2).sum() + ridge, (weight @ (R * Y)).sum()
        s = min(max(ry / r2, 0), n * alpha / largest) if largest > 0 else max(ry / r2, 0)
        dual = (s * ry - s * s * r2 / 2) / n
        return float((primal - dual) / ((weight @ Y**2).sum() / (2 * n)))


def strength(X, y, ratio, intercept=True, weights=None):
    """The least penalty without any weights, divided by a number."""
    X = X.toarray() if sp.issparse(X) else np.asarray(X, float)
    weights = np.ones(len(y)) if weights is None else weights / weights.mean()
    if intercept:
        X, y = (Z - np.average(Z, axis=0, weights=weights) for Z in (X, y))
    return np.linalg.norm(X.T @ (weights[:, None] * y), axis=1).max() / len(y) / ratio


@st.composite
def tasks(draw, most: int = 30) -> Tasks:
    """Problems of all scales, sparse and dense, in both precisions, with and without weights."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, p, k = draw(st.integers(3, most)), draw(st.integers(1, 12)), draw(st.integers(1, 4))
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.7)
    Y = X @ (rng.normal(size=(p, k)) * (rng.random((p, 1)) < 0.5)) + rng.normal(size=(n, k))
    X = X * 10.0 ** draw(st.sampled_from([0, 0, -3, 5, 80])) + rng.normal(size=p) * draw(
        st.sampled_from([0.0, 0.0, 1e3, 1e7])
    )
    Y = (Y + draw(st.sampled_from([0.0, 1e4]))) * 10.0 ** draw(st.sampled_from([0, 0, -5, 60]))
    if draw(st.booleans()) and np.abs(X).max() < 1e30:
        X = X.astype(np.float32)
    weights = rng.choice([0.0, 0.3, 2.0], size=n) if draw(st.booleans()) else None
    if weights is not None:
        weights[:3] = 1.0
    intercept = draw(st.booleans())
    alpha = max(strength(X, Y, draw(st.sampled_from([0.5, 2, 10, 300])), intercept, weights), 1e-12)
    store = draw(st.sampled_from([np.asfortranarray, sp.csc_array]))
    return Tasks(store(X), Y, weights, alpha, draw(st.sampled_from([1.0, 1.0, 0.5])), intercept)
