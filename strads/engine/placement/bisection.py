"""Cut ids into parts of about equal cost, each of which keeps much of the similarity within.

Ids are cut in two, and the halves again, until there is a part for every worker. A cut is a vector
s of signs, and what it keeps together is sᵀKs, for a matrix K of similarities. The search begins
with an order of the ids (the leading direction of K, for example) and cuts it where the costs are
even. Then it repeats: sort the ids by (Ks)_j over their cost, cut again. For a positive
semidefinite K the next s maximises the linear bound of sᵀKs among all cuts of that balance, up to
the id at the cut, so what is kept grows until nothing changes. For other K the search ends when it
does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, Self

import numpy as np

from strads.engine.errors import ProgramError

#: Multiplications by K that turn a random vector into an order to begin with.
POWER_STEPS = 12
#: Most cuts that are tried from one order.
CUTS = 20


class Similarity(Protocol):
    """How similar ids are: a symmetric matrix K that can be multiplied by a vector.

    Attributes
    ----------
    shift : ndarray or float
        What to add to the diagonal of K so that no eigenvalue is negative.
    """

    shift: np.ndarray | float

    def product(self, v: np.ndarray) -> np.ndarray:
        """Return Kv."""
        ...

    def orders(self) -> Iterable[np.ndarray]:
        """Return vectors by which ids can be sorted so that similar ones come close."""
        ...

    def chosen(self, ids: np.ndarray) -> Self:
        """Return the similarities of some of the ids."""
        ...


def owners(similarity: Similarity, costs: np.ndarray, workers: int, seed: int) -> np.ndarray:
    """Return a worker for every id.

    No worker's cost is above total / workers + 2 · the largest cost: a cut is off by half of the
    largest cost at most, and a part of a part has at most two thirds of what it came from.

    Parameters
    ----------
    similarity : Similarity
    costs : ndarray of shape (size,)
        Positive.
    workers : int
    seed : int
        Of the random vectors to begin with.

    Returns
    -------
    ndarray of int64, shape (size,)
    """
    found = np.zeros(len(costs), np.int64)
    rng = np.random.default_rng(seed)
    waiting = [(similarity, np.arange(len(costs)), 0, workers)]
    while waiting:
        alike, ids, first, parts = waiting.pop()
        if parts == 1 or len(ids) == 0:
            found[ids] = first
            continue
        left = parts // 2
        signs = cut(alike, costs[ids], left / parts, rng)
        for mine, worker, count in (
            (np.flatnonzero(signs > 0), first, left),
            (np.flatnonzero(signs < 0), first + left, parts - left),
        ):
            waiting.append((alike.chosen(mine), ids[mine], worker, count))
    return found


def cut(
    similarity: Similarity, costs: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Return 1.0 for the ids of the first part, which gets a share of all costs, else -1.0."""
    best, kept = np.ones(len(costs)), -np.inf
    for order in (leading(similarity, costs, rng), *similarity.orders()):
        signs = halved(order, costs, share)
        for _ in range(CUTS):
            scores = similarity.product(signs)
            now = float((signs * scores).sum())
            if now <= kept * (1.0 + 1e-9):
                break
            best, kept = signs, now
            signs = halved(scores / costs, costs, share)
    return best


def leading(similarity: Similarity, costs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the direction that K stretches most, among those that the costs balance."""
    v = rng.standard_normal(len(costs))
    even = costs / (costs * costs).sum()
    for _ in range(POWER_STEPS):
        v -= (v * costs).sum() * even
        v = similarity.product(v) + similarity.shift * v
        v /= max(float(np.abs(v).max()), 1e-300)
    return v - (v * costs).sum() * even


def halved(order: np.ndarray, costs: np.ndarray, share: float) -> np.ndarray:
    """Cut ids, sorted from the largest number down, as near to a share of the cost as may be."""
    places = np.argsort(-order, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(costs[places])])
    goal = share * total[-1]
    above = int(np.searchsorted(total, goal))
    above -= above > 0 and goal - total[above - 1] < total[above] - goal
    signs = np.full(len(costs), -1.0)
    signs[places[:above]] = 1.0
    return signs


def positive(costs: Any, size: int) -> np.ndarray:
    """Check the costs of ids, and replace zeros by numbers so small that they hardly count."""
    found = np.array(costs, dtype=np.float64)
    if found.shape != (size,) or not np.all(np.isfinite(found)) or np.any(found < 0.0):
        raise ProgramError(
            f"costs must be one finite, non-negative number for each of {size} ids; they have "
            f"shape {found.shape}"
        )
    total = float(found.sum())
    return np.maximum(found, 1e-9 * total / size) if total > 0.0 else np.ones(size)
