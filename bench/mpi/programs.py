"""Two programs whose data are maps of files, of which a rank reads the part of its workers."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads import Program, Rotation, control, data, derived, kernel, variable


class Logistic(Program):
    """Gradient descent of a logistic regression: each worker adds up the rows of its own range."""

    X = data("samples", "features", layout="csr")
    y = data("samples")
    w = variable("features")
    gradient = derived("features", replicated=True, reduce="sum")
    frozen = ("w",)

    @kernel
    def push(samples, X, y, w, gradient):
        for i in range(samples[0], samples[1]):
            margin = 0.0
            for k in range(X.indptr[i], X.indptr[i + 1]):
                margin += X.data[k] * w[X.indices[k]]
            slope = -y[i] / (1.0 + np.exp(y[i] * margin))
            for k in range(X.indptr[i], X.indptr[i + 1]):
                gradient[X.indices[k]] += slope * X.data[k]

    def epoch(self, history: Any) -> None:
        """Take a step."""
        self.w[:] -= 4.0 / self.size["samples"] * self.gradient[0]


class Factors(Program):
    """Factorisation by gradient steps: users stay with their worker, slices of items rotate."""

    R = data("users", "items", layout="csr")
    W = variable("users", "rank", dtype=np.float32, private=True)
    H = variable("items", "rank", dtype=np.float32, private=True)
    rate = control(0.01)
    schedule = Rotation("items")

    def setup(self, rng: np.random.Generator) -> None:
        """Draw the first factors."""
        for factor in (self.W, self.H):
            factor[:] = rng.normal(0.0, 0.1, factor.shape)

    @kernel
    def push(block, users, R, W, H, rate):
        if block.size == 0:
            return
        for u in range(users[0], users[1]):
            row = R.indices[R.indptr[u] : R.indptr[u + 1]]
            first, last = np.searchsorted(row, block[0]), np.searchsorted(row, block[-1] + 1)
            for k in range(R.indptr[u] + first, R.indptr[u] + last):
                i = R.indices[k]
                error = R.data[k] - np.dot(W[u], H[i])
                for f in range(W.shape[1]):
                    w, h = W[u, f], H[i, f]
                    W[u, f] += rate * (error * h - 0.02 * w)
                    H[i, f] += rate * (error * w - 0.02 * h)
