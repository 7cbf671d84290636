"""External judge of Lasso solutions: the relative duality gap, in double precision.

    P(w) = ‖y − Xw − b‖² / 2n + α‖w‖₁,    relative gap = (P(w) − D(θ)) / P(0),

with P(0) = ‖y − ȳ‖² / 2n with an intercept and ‖y‖² / 2n without. It knows nothing of the solver:
only X, y and the returned weights. With an intercept the weights are judged together with the
returned b, so a wrong b counts. Nothing is centred in memory: θ ⟂ 1 makes x_jᵀθ the same for a
column and its centred twin. Columns are looked at a block at a time, so that beside X the judge
holds little, and may judge in the process whose memory is measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

#: Columns looked at together.
BLOCK = 1 << 17


@dataclass(frozen=True)
class Verdict:
    """What the judge found: values are divided by P(0)."""

    primal: float
    dual: float
    gap: float
    nonzeros: int


def judge(
    X: Any, y: np.ndarray, coef: np.ndarray, intercept: float = 0.0, *, alpha: float,
    fit_intercept: bool = True,
) -> Verdict:  # fmt: skip
    """Certify a Lasso solution, as the solver returned it; values are divided by P(0)."""
    if not fit_intercept and intercept != 0.0:
        raise ValueError("an intercept was returned for a problem without one")
    X, y, w = _double(X), np.asarray(y, dtype=np.float64), np.asarray(coef, np.float64).ravel()
    n = X.shape[0]
    residual = y - np.asarray(X @ w).ravel() - intercept
    target = y - y.mean() if fit_intercept else y
    at_zero = float(target @ target) / (2 * n)
    primal = float(residual @ residual) / (2 * n) + alpha * float(np.abs(w).sum())
    dual = _dual(X, target, residual - residual.mean() if fit_intercept else residual, n * alpha)
    if at_zero == 0.0:
        return Verdict(primal, dual, primal - dual, int(np.count_nonzero(w)))
    gap = (primal - dual) / at_zero
    return Verdict(primal / at_zero, dual / at_zero, gap, int(np.count_nonzero(w)))


def alpha_max(X: Any, y: np.ndarray, *, fit_intercept: bool = True) -> float:
    """Smallest penalty whose solution is zero: max_j |x_jᵀ(y − ȳ)| / n."""
    y = np.asarray(y, dtype=np.float64)
    target = y - y.mean() if fit_intercept else y
    return largest_score(_double(X), target) / X.shape[0]


def largest_score(X: Any, r: np.ndarray) -> float:
    """Return max_j |x_jᵀr|; 0 without columns."""
    return max((float(np.abs(block.T @ r).max()) for block in _blocks(X)), default=0.0)


def _dual(X: Any, target: np.ndarray, residual: np.ndarray, bound: float) -> float:
    """D at the best multiple of the residual inside {ν : |x_jᵀν| ≤ bound}."""
    r2 = float(residual @ residual)
    if r2 == 0.0:
        return 0.0
    largest = largest_score(X, residual)
    limit = bound / largest if largest > 0.0 else np.inf
    along = float(residual @ target)
    scale = float(np.clip(along / r2, -limit, limit))
    return (scale * along - 0.5 * scale * scale * r2) / X.shape[0]


def _double(X: Any) -> Any:
    return X.astype(np.float64, copy=False) if sp.issparse(X) else np.asarray(X, dtype=np.float64)


def _blocks(X: Any) -> Iterator[Any]:
    """Blocks of columns; those of dense and CSC matrices are views."""
    if 0 < X.shape[1] <= BLOCK:
        yield X
        return
    for first in range(0, X.shape[1], BLOCK):
        if not (sp.issparse(X) and X.format == "csc"):
            yield X[:, first : first + BLOCK]
            continue
        indptr = X.indptr[first : first + BLOCK + 1]
        at = slice(int(indptr[0]), int(indptr[-1]))
        part = (X.data[at], X.indices[at], indptr - indptr[0])
        yield sp.csc_matrix(part, shape=(X.shape[0], len(indptr) - 1), copy=False)
