"""Naive twins of the kernels of sparse coding: NumPy on unpadded rows, as short as can be."""

import numpy as np


def objective(x, D, c, alpha):
    return 0.5 * float(np.sum((x - c @ D) ** 2)) + alpha * float(np.abs(c).sum())


def gap(x, D, c, alpha, positive=False):
    """The duality gap at the residual, scaled until it is feasible."""
    r = x - c @ D
    z = D @ r
    largest = max(float((z if positive else np.abs(z)).max()), 0.0)
    theta = r * min(1.0, alpha / largest) if largest > 0.0 else r
    dual = 0.5 * float(x @ x) - 0.5 * float(np.sum((x - theta) ** 2))
    return objective(x, D, c, alpha) - dual


def code(x, D, alpha, positive=False, sweeps=2000):
    """Coordinate descent on the residual, all atoms in turn."""
    c, r = np.zeros(len(D)), x.astype(float).copy()
    for _ in range(sweeps):
        before = c.copy()
        for j, d in enumerate(D):
            push = d @ d * c[j] + d @ r
            new = np.sign(push) * max(abs(push) - alpha, 0.0) / (d @ d) if d.any() else 0.0
            new = max(new, 0.0) if positive else new
            r -= (new - c[j]) * d
            c[j] = new
        if np.abs(c - before).max() <= 1e-15 * np.abs(c).max():
            break
    return c


def sweep_atoms(D, A, B, positive=False):
    """Each atom in turn: the minimum without constraints, projected."""
    D = D.copy()
    for j in range(len(D)):
        if A[j, j] > 0.0:
            d = (B[j] - A[j] @ D) / A[j, j] + D[j]
            d = np.maximum(d, 0.0) if positive else d
            D[j] = d / max(np.linalg.norm(d), 1.0)
    return D
