"""A set of ratings to be factorised, and its judge, in double precision.

The judge knows nothing of the solver: only the ratings and the returned factors, biases and mean.
Predictions are not clipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Problem, Setting
from bench.ratings.data import Held, Ratings, ratings
from bench.ratings.solvers import Factors

#: Ratings judged at a time: bounds the memory, not the result.
CHUNK = 1 << 18


@dataclass(frozen=True)
class Factorisation(Problem):
    """Explicit ratings are judged by their held-out RMSE, implicit ones by the objective.

    Of implicit ratings, the judge also looks at the ten best items of a user (NDCG).
    """

    package: ClassVar[str] = "bench.ratings.solvers"

    kind: str
    data: str

    def load(self) -> Ratings:
        """Read the ratings."""
        return ratings(self.data)

    def judge(self, answer: Factors, setting: Setting) -> dict[str, Any]:
        """Return what solvers are compared by; less is better."""
        train, held = self.load()
        if self.kind == "explicit":
            return {"value": rmse(answer, held)}
        value = implicit_objective(answer, train, setting["regularization"])
        return {"value": value, "ndcg": ndcg(answer, train, held)}


def rmse(factors: Factors, held: Held) -> float:
    """Root mean squared error over held-out ratings."""
    total = 0.0
    for part in _chunks(len(held.value)):
        users, items = held.user[part], held.item[part]
        predicted = factors.mean + _dots(factors, users, items)
        if factors.user_biases is not None:
            predicted += np.asarray(factors.user_biases, dtype=np.float64)[users]
        if factors.item_biases is not None:
            predicted += np.asarray(factors.item_biases, dtype=np.float64)[items]
        predicted[np.isnan(predicted)] = factors.unseen
        total += float(np.square(predicted - held.value[part]).sum())
    return float(np.sqrt(total / len(held.value)))


def implicit_objective(factors: Factors, X: sp.csr_matrix, regularization: float) -> float:
    """Σ c(p − wᵀh)² + λ(‖W‖² + ‖H‖²) over all pairs: c = 1 + x and p = 1 where x is stored.

    If nothing were stored, the sum over all pairs would be Σ (wᵀh)² = ⟨WᵀW, HᵀH⟩. The terms of the
    stored pairs are then corrected.
    """
    W, H = (np.asarray(each, dtype=np.float64) for each in (factors.users, factors.items))
    value = float(np.sum((W.T @ W) * (H.T @ H)))
    value += regularization * (float(np.square(W).sum()) + float(np.square(H).sum()))
    known = X.tocoo(copy=False)
    for part in _chunks(X.nnz):
        dot = _dots(factors, known.row[part], known.col[part])
        confidence = 1.0 + known.data[part].astype(np.float64)
        value += float(np.sum(confidence * np.square(1.0 - dot) - np.square(dot)))
    return value


def ndcg(
    factors: Factors, X: sp.csr_matrix, held: Held, *, top: int = 10, users: int = 5000
) -> float:
    """Mean NDCG over (at most so many) users with held-out items; trained items are not ranked."""
    shape = X.shape
    wanted = sp.csr_matrix((np.ones(len(held.value)), (held.user, held.item)), shape=shape)
    chosen = np.flatnonzero(np.diff(wanted.indptr))
    if len(chosen) > users:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, users, replace=False))
    discounts = 1.0 / np.log2(np.arange(2, top + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])
    total = 0.0
    for some in np.array_split(chosen, max(1, len(chosen) // 256)):
        scores = factors.users[some] @ factors.items.T
        scores[X[some].nonzero()] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        relevant = wanted[some].toarray()
        hits = np.take_along_axis(relevant, best, axis=1) > 0
        most = np.minimum(relevant.sum(axis=1).astype(int), top)
        total += float((hits @ discounts[: best.shape[1]] / ideal[most]).sum())
    return total / len(chosen)


def _dots(factors: Factors, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    W, H = factors.users[users].astype(np.float64), factors.items[items].astype(np.float64)
    return np.einsum("ij,ij->i", W, H)


def _chunks(n: int) -> Iterator[slice]:
    return (slice(begin, begin + CHUNK) for begin in range(0, n, CHUNK))
