"""Problems for linear support vector machines, their naive objectives, and judges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st

from strads.algorithms.linear.dual.problem import Samples
from strads.kernels import CSC

LONG = np.longdouble
LOSSES = {
    "hinge": (True, False), "squared_hinge": (True, True),
    "epsilon_insensitive": (False, False), "squared_epsilon_insensitive": (False, True),
}  # fmt: skip


@dataclass
class Problem:
    """One model: its data, and its objectives in extended precision."""

    X: np.ndarray
    t: np.ndarray
    cost: np.ndarray
    loss: str
    epsilon: float
    scaling: float

    @property
    def rows(self) -> np.ndarray:
        """X with the feature of the intercept."""
        return np.column_stack([self.X, np.full(len(self.X), self.scaling)])

    @property
    def curvature(self) -> np.ndarray:
        """The d_i of a squared loss, else zeros."""
        squared = LOSSES[self.loss][1] & (self.cost > 0)
        return np.divide(0.5, self.cost, out=np.zeros(len(self.t)), where=squared)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """l and h."""
        classes, squared = LOSSES[self.loss]
        high = np.where((self.cost > 0) & squared, np.inf, self.cost)
        if not classes:
            return -high, high
        return np.where(self.t > 0, 0.0, -high), np.where(self.t > 0, high, 0.0)

    def primal(self, w: np.ndarray):
        """P(w)."""
        w, t, cost = w.astype(LONG), self.t.astype(LONG), self.cost.astype(LONG)
        f = self.rows.astype(LONG) @ w
        classes, squared = LOSSES[self.loss]
        missing = 1 - t * f if classes else np.abs(t - f) - LONG(self.epsilon)
        missing = np.maximum(missing, 0)
        return w @ w / 2 + cost @ (missing**2 if squared else missing)

    def dual(self, beta: np.ndarray):
        """D(β); minus infinity outside of the bounds."""
        low, high = self.bounds
        if not ((low <= beta) & (beta <= high)).all():
            return -LONG(np.inf)
        beta, t = beta.astype(LONG), self.t.astype(LONG)
        v = self.rows.astype(LONG).T @ beta
        terms = t * beta - LONG(self.epsilon) * np.abs(beta)
        return terms.sum() - self.curvature.astype(LONG) @ beta**2 / 2 - v @ v / 2

    def gap(self, w: np.ndarray, beta: np.ndarray) -> float:
        """(P(w) − D(β)) / P(w)."""
        primal = self.primal(w)
        return float((primal - self.dual(beta)) / primal) if primal > 0 else 0.0

    def samples(self) -> Samples:
        """Return the same for kernels."""
        classes, squared = LOSSES[self.loss]
        S = sp.csc_array(self.X.T)
        norm2 = (self.rows**2).sum(axis=1)
        y = (self.t > 0).astype(float) if classes else self.t
        return Samples(
            CSC(S.data, S.indices, S.indptr), y, self.cost, norm2, self.epsilon, self.scaling,
            int(squared), int(classes),
        )  # fmt: skip


@st.composite
def problems(draw, most: int = 9):
    """Small problems with all losses, weights of zero among them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, p = draw(st.integers(2, most)), draw(st.integers(1, 5))
    loss = draw(st.sampled_from(sorted(LOSSES)))
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.8)
    t = rng.normal(size=n)
    if LOSSES[loss][0]:
        t = np.where(t > 0, 1.0, -1.0)
        t[:2] = 1.0, -1.0
    cost = 10.0 ** draw(st.integers(-2, 2)) * rng.choice([0.0, 0.5, 1.0], size=n, p=[0.1, 0.4, 0.5])
    cost[:2] = 1.0
    epsilon = 0.0 if LOSSES[loss][0] else draw(st.sampled_from([0.0, 0.3]))
    return Problem(X, t, cost, loss, epsilon, draw(st.sampled_from([0.0, 1.0, 3.0])))
