"""Small regression problems, and the judge of a Lasso."""

from __future__ import annotations

import numba
import numpy as np
import scipy.sparse as sp

JIT = not numba.config.DISABLE_JIT
N, P = (120, 200) if JIT else (25, 20)


def make(seed=0, n=N, p=P, density=0.2, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = sp.random_array((n, p), density=density, format="csc", random_state=seed, dtype=dtype)
    w = np.where(rng.random(p) < 0.1, rng.normal(size=p), 0.0)
    y = X @ w + 0.1 * rng.normal(size=n) + 2.0
    return X, y


def alpha_max(X, y, intercept=True):
    X = X.toarray() if sp.issparse(X) else X
    if intercept:
        X, y = X - X.mean(axis=0), y - y.mean()
    return np.abs(X.T @ y).max() / len(y)


def judge(X, y, w, b, alpha, intercept, positive=False):
    """Relative duality gap in float64, from scratch."""
    X = np.asarray(X.toarray() if sp.issparse(X) else X, dtype=np.float64)
    w = np.asarray(w, dtype=np.float64)
    n = len(y)
    centred = y - y.mean() if intercept else y
    if intercept:
        X = X - X.mean(axis=0)
    r = centred - X @ w
    c = X.T @ r
    largest = max(c.max() if positive else np.abs(c).max(), 1e-300)
    s = np.clip(r @ centred / (r @ r), -n * alpha / largest, n * alpha / largest)
    primal = r @ r / (2 * n) + alpha * np.abs(w).sum()
    dual = (s * (r @ centred) - 0.5 * s * s * (r @ r)) / n
    return (primal - dual) / (centred @ centred / (2 * n))
