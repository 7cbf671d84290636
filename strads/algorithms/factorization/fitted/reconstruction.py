"""How far a product WH is from the matrix X that it approximates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

#: Numbers are scaled only if their exponent exceeds this: else fourth powers of √X stay in range.
MODERATE = 30
#: If ‖X − WH‖², as a difference of larger numbers, is below this share of ‖X‖², rounding errors
#: dominate it, and it is computed directly.
CANCELLED = 1e-9
#: Entries up to this count as zeros, and those of WH as at least this, as in scikit-learn.
EPSILON = float(np.finfo(np.float32).eps)
#: Number of stored entries, and of entries of the dense product, that are treated at a time.
STORED, DENSE = 1 << 20, 1 << 22


def reconstruction_error(X: Any, W: np.ndarray, H: np.ndarray, beta: float = 2.0) -> float:
    """Return the square root of twice the β-divergence of X from WH.

    Parameters
    ----------
    X : csr_array of shape (n_rows, n_columns)
        Entries that are not stored are zeros.
    W : ndarray of shape (n_rows, n_components)
    H : ndarray of shape (n_components, n_columns)
    beta : float
        2: the result is the Frobenius norm ‖X − WH‖. For the others see
        :mod:`strads.kernels.factors.multiplicative`.

    Returns
    -------
    float
        Computed in float64.
    """
    W, H = W.astype(np.float64), H.astype(np.float64)
    if beta == 2.0:
        exponent, taken = exponent_of(X.data), exponent_of(H)
        W, H = np.ldexp(W, taken - exponent), np.ldexp(H, -taken)
        return float(np.ldexp(_distance(times_power(X, -exponent), W, H), exponent))
    divergence = sum(_stored(x, s, beta) for x, s in _products(X, W, H))
    if beta == 1.0:
        divergence += float(W.sum(axis=0) @ H.sum(axis=1))
    elif beta == 0.0:
        divergence -= float(X.shape[0] * X.shape[1])
    else:
        least = EPSILON if beta < 0.0 else 0.0
        for part in _row_blocks(X):
            divergence += float(np.sum(np.maximum(W[part] @ H, least) ** beta)) / beta
    return float(np.sqrt(2.0 * max(divergence, 0.0)))


def _products(X: Any, W: np.ndarray, H: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield stored entries of X with the entries of WH at the same places."""
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    for lo in range(0, X.nnz, STORED):
        part = slice(lo, lo + STORED)
        products = np.einsum("ij,ij->i", W[rows[part]], H[:, X.indices[part]].T)
        yield X.data[part].astype(np.float64), products


def _stored(x: np.ndarray, s: np.ndarray, beta: float) -> float:
    """Return the part of the divergence that depends on stored entries x; s are those of WH."""
    s = np.maximum(s[x > EPSILON], EPSILON)
    x = x[x > EPSILON]
    if beta == 1.0:
        return float(np.sum(x * np.log(x / s) - x))
    if beta == 0.0:
        return float(np.sum(x / s - np.log(x / s)))
    return float(np.sum(x**beta - beta * x * s ** (beta - 1.0))) / (beta * (beta - 1.0))


def _row_blocks(X: Any) -> Iterator[slice]:
    step = max(1, DENSE // max(X.shape[1], 1))
    for lo in range(0, X.shape[0], step):
        yield slice(lo, lo + step)


def _distance(X: Any, W: np.ndarray, H: np.ndarray) -> float:
    """Return ‖X − WH‖; the dense product is formed only if the parts of its square cancel."""
    crossed = sum(float(s @ x) for x, s in _products(X, W, H))
    whole = float(X.data.astype(np.float64) @ X.data)
    square = whole - 2.0 * crossed + float(np.sum((W.T @ W) * (H @ H.T)))
    if square > CANCELLED * whole:
        return float(np.sqrt(square))
    square = 0.0
    for part in _row_blocks(X):
        apart = X[part].toarray() - W[part] @ H
        square += float(np.sum(apart * apart))
    return float(np.sqrt(square))


def exponent_of(values: np.ndarray) -> int:
    """Return the exponent by which to scale numbers; 0 unless their squares may leave the range."""
    exponent = int(np.frexp(values.max(initial=0.0))[1])
    return exponent if abs(exponent) > MODERATE else 0


def times_power(X: Any, exponent: int) -> Any:
    """Return X · 2^exponent."""
    if exponent == 0:
        return X
    return sp.csr_array((np.ldexp(X.data, exponent), X.indices, X.indptr), shape=X.shape)
