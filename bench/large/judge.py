"""External judge of a Lasso on a large design: the gap of `bench.judge`, a block of columns a time.

What it holds beside X is a few vectors of the rows and one block's scores, so that it may judge in
the process that fits. No intercept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.judge import Verdict

#: Columns looked at together.
BLOCK = 1 << 17


def judge(X: sp.csc_matrix, y: np.ndarray, coef: np.ndarray, alpha: float) -> Verdict:
    """Certify a solution; values are divided by P(0) = ‖y‖² / 2n.

    Parameters
    ----------
    X : csc_matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    coef : ndarray of shape (n_features,)
    alpha : float

    Returns
    -------
    Verdict
    """
    n, w = len(y), np.asarray(coef, np.float64).ravel()
    y = np.asarray(y, np.float64)
    support = np.flatnonzero(w)
    residual = y - np.asarray(X[:, support] @ w[support]).ravel()
    r2, along, at_zero = float(residual @ residual), float(residual @ y), float(y @ y)
    primal = r2 / (2 * n) + alpha * float(np.abs(w).sum())
    # D at the best multiple of the residual that satisfies every constraint.
    largest = largest_score(X, residual)
    limit = n * alpha / largest if largest > 0.0 else np.inf
    scale = float(np.clip(along / r2, -limit, limit)) if r2 > 0.0 else 0.0
    dual = (scale * along - 0.5 * scale * scale * r2) / n
    unit = at_zero / (2 * n) or 1.0
    return Verdict(primal / unit, dual / unit, (primal - dual) / unit, len(support))


def alpha_max(X: sp.csc_matrix, y: np.ndarray) -> float:
    """Smallest penalty whose solution is zero."""
    return largest_score(X, np.asarray(y, np.float64)) / len(y)


def largest_score(X: sp.csc_matrix, r: np.ndarray) -> float:
    """max_j |x_jᵀr|."""
    return max((float(np.abs(block.T @ r).max()) for block in _blocks(X)), default=0.0)


def _blocks(X: sp.csc_matrix) -> Iterator[Any]:
    for first in range(0, X.shape[1], BLOCK):
        indptr = X.indptr[first : first + BLOCK + 1]
        at = slice(int(indptr[0]), int(indptr[-1]))
        part = (X.data[at].astype(np.float64, copy=False), X.indices[at], indptr - indptr[0])
        yield sp.csc_matrix(part, shape=(X.shape[0], len(indptr) - 1), copy=False)
