"""Sparse graphs of variables, as the formulas say: twins of the kernels, and judges of results."""

from __future__ import annotations

import numpy as np


def covariances(seed=0, p=8, n=30):
    """Return covariances of a chain of variables."""
    X = np.random.default_rng(seed).normal(size=(n, p))
    X[:, 1:] += 0.7 * X[:, :-1]
    return np.cov(X.T, bias=True)


def off_diagonal(A):
    return A - np.diag(np.diag(A))


def graphical_objective(S, theta, alpha):
    sign, logdet = np.linalg.slogdet(theta)
    assert sign > 0 and np.linalg.eigvalsh(theta)[0] > 0
    return -logdet + np.sum(S * theta) + alpha * np.abs(off_diagonal(theta)).sum()


def graphical_gap(S, theta, alpha):
    """Duality gap: W̃ is the inverse, moved to the nearest feasible entries."""
    W = np.clip(np.linalg.inv(theta), S - alpha, S + alpha)
    np.fill_diagonal(W, np.diag(S))
    sign, logdet = np.linalg.slogdet(W)
    assert sign > 0
    return graphical_objective(S, theta, alpha) - logdet - len(S)


def graphical_violation(S, theta, alpha):
    """Largest violation of the conditions of optimality of the graphical Lasso."""
    gradient = S - np.linalg.inv(theta)
    excess = np.maximum(np.abs(gradient) - alpha, 0.0)
    linked = theta != 0
    excess[linked] = np.abs(gradient + alpha * np.sign(theta))[linked]
    np.fill_diagonal(excess, np.abs(np.diag(gradient)))
    return excess.max()


def model_value(S, theta, W, alpha, D):
    """The quadratic model of a Newton direction."""
    penalty = alpha * (np.abs(off_diagonal(theta + D)) - np.abs(off_diagonal(theta))).sum()
    return np.sum((S - W) * D) + 0.5 * np.trace(W @ D @ W @ D) + penalty


def pair_objective(S, omega, alpha):
    return (
        -np.log(np.diag(omega)).sum()
        + 0.5 * np.trace(omega @ S @ omega)
        + alpha * np.abs(np.triu(omega, 1)).sum()
    )


def pair_violation(S, omega, alpha):
    """Largest violation of the conditions of optimality of CONCORD."""
    T = omega @ S
    slopes = T + T.T
    excess = np.maximum(np.abs(slopes) - alpha, 0.0)
    linked = omega != 0
    excess[linked] = np.abs(slopes + alpha * np.sign(omega))[linked]
    np.fill_diagonal(excess, np.abs(np.diag(T) * np.diag(omega) - 1.0))
    return excess.max()


def lasso_gap(S, j, alpha, b):
    """Relative duality gap of a Lasso, from a square root of the covariances as its data."""
    values, vectors = np.linalg.eigh(S)
    X = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T  # XᵀX = S
    y, others = X[:, j], np.delete(X, j, axis=1)
    w = np.delete(b, j)
    r = y - others @ w
    largest = np.abs(others.T @ r).max()
    scale = np.clip(y @ r / (r @ r), -alpha / largest, alpha / largest)
    dual = scale * (y @ r) - 0.5 * scale**2 * (r @ r)
    return (0.5 * r @ r + alpha * np.abs(w).sum() - dual) / (0.5 * y @ y)
