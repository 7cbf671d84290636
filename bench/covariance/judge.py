"""How good a graph is, from its matrix alone."""

import numpy as np


def objective(S: np.ndarray, theta: np.ndarray, alpha: float) -> float:
    """Objective of the graphical Lasso; infinite if Θ is not positive definite."""
    try:
        L = np.linalg.cholesky(theta)
    except np.linalg.LinAlgError:
        return float("inf")
    off = np.abs(theta).sum() - np.abs(np.diagonal(theta)).sum()
    return float(-2.0 * np.log(np.diagonal(L)).sum() + np.vdot(S, theta) + alpha * off)


def bound(S: np.ndarray, theta: np.ndarray, alpha: float) -> float:
    """A lower bound of that objective: the dual value of Θ⁻¹, moved to where it is feasible."""
    W = np.clip(np.linalg.inv(theta), S - alpha, S + alpha)
    np.fill_diagonal(W, np.diagonal(S))
    return float(2.0 * np.log(np.diagonal(np.linalg.cholesky(W))).sum() + len(S))


def lasso_gaps(S: np.ndarray, B: np.ndarray, alpha: float) -> np.ndarray:
    """Relative duality gap of the Lasso of every variable on the others; a row of B has weights."""
    Q = S - B @ S  # covariances with the residuals
    variance = np.diagonal(S)
    along = variance - np.einsum("jk,jk->j", B, S)
    residual = np.maximum(along - np.einsum("jk,jk->j", B, Q), 1e-300)
    np.fill_diagonal(Q, 0.0)
    largest = alpha / np.maximum(np.abs(Q).max(axis=1), 1e-300)
    scale = np.clip(along / residual, -largest, largest)
    primal = 0.5 * residual + alpha * np.abs(B).sum(axis=1)
    return (primal - scale * along + 0.5 * scale**2 * residual) / (0.5 * variance)


def pair_violation(S: np.ndarray, omega: np.ndarray, alpha: float) -> float:
    """Largest violation of the conditions of optimality of CONCORD, as ``stationarity_``."""
    T = omega @ S
    slopes = T + T.T
    root = 1.0 / np.sqrt(np.diagonal(S))
    first = np.abs(S) * np.add.outer(root, root)
    np.fill_diagonal(first, 0.0)
    excess = np.maximum(np.abs(slopes) - alpha, 0.0)
    linked = omega != 0.0
    excess[linked] = np.abs(slopes + alpha * np.sign(omega))[linked]
    np.fill_diagonal(excess, 0.0)
    own = np.abs(np.diagonal(T) * np.diagonal(omega) - 1.0)
    return float(max(excess.max() / first.max(), own.max()))
