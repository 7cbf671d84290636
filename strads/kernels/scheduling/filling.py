"""Fill a lease by priority under a dependency check: one compiled call for each round.

Every worker has a tree of the weights of its ids. A drawn id has weight zero until its feedback has
been observed, so it is never in flight twice. A candidate that conflicts with an id that moves at
the same time at another worker (or at its own, unless pushes are sequential) is deferred: it is
tried first in the next micro-round. Among the ids that were deferred at least `max_deferrals` times
in a row, the one deferred most often becomes the *starved* id: ids that conflict with it are no
longer placed, and as soon as no id in flight conflicts with it, it gets a micro-round of its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.borrowed import borrowed
from strads.kernels.random import uniform
from strads.kernels.scheduling.clearance import (
    ALONE,
    CHECKS,
    DEFERRED,
    DISPATCHED,
    DRAWS,
    KEY,
    NOW,
    STARVED,
    clear_of_moving,
    depart,
    land,
    may_join,
    resume,
    take_off,
)
from strads.kernels.scheduling.sumtree import sumtree_build, sumtree_draw, sumtree_set, sumtree_sum

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

__all__ = [
    "ALONE", "CHECKS", "DEFERRED", "DISPATCHED", "DRAWS", "KEY", "STARVED", "TRIES", "Book",
    "fill", "land", "observe", "reset", "resume",
]  # fmt: skip

#: Number of candidates that are tried for a place in a micro-round before it stays empty.
TRIES = 4
#: All weights are raised to the present floor once changes have grown by this factor. An id that
#: was weighed while changes were tiny would otherwise have next to no weight ever after.
_RISE = 10.0


class Book(NamedTuple):
    """State of the priority policy, in flat arrays."""

    trees: np.ndarray  # (workers, length): weights of the ids, see sumtree.py
    offsets: np.ndarray  # (levels,): where each level of a tree begins
    bounds: np.ndarray  # (workers + 1,): the partition of the axis
    waiting: np.ndarray  # (workers, capacity): deferred ids, oldest first
    n_waiting: np.ndarray  # (workers,): how many wait
    deferrals: np.ndarray  # (size,): how often in a row each id has been deferred
    stamps: np.ndarray  # (size,): micro-round in which each id last moved
    flight: np.ndarray  # (depth, workers, per): ids of earlier micro-rounds still in flight
    n_flight: np.ndarray  # (depth, workers): how many are in flight
    lease: np.ndarray  # (3, workers): of the lease being filled, see fill()
    spent: np.ndarray  # (workers,): costs of each worker's ids in the micro-round being filled
    counts: np.ndarray  # int64: one word for each constant of clearance.py
    scale: np.ndarray  # (2,): decaying maximum of changes; its minimum since weights were raised


@kernel
def reset(book: Any, p: int, weights: np.ndarray) -> None:
    """Set the weights of all ids of worker `p`."""
    sumtree_build(book.trees[p], book.offsets, weights)


@inlined
def _draw(tree: np.ndarray, offsets: np.ndarray, counts: np.ndarray, p: int) -> int:
    """Draw a position in worker `p`'s tree and set its weight to 0; return -1 if all are 0."""
    j = sumtree_draw(tree, offsets, uniform(counts[KEY], p, counts[DRAWS]))
    if j >= 0:
        counts[DRAWS] += 1
        sumtree_set(tree, offsets, j, 0.0)
    return j


@inlined
def _put(book: Any, coupling: Any, ids: np.ndarray, ends: np.ndarray, p: int, j: int) -> None:
    ids[p, ends[p]] = j
    ends[p] += 1
    depart(book, coupling, j)


@inlined
def _place(
    book: Any, coupling: Any, p: int, block: Any, rho: float, tried: int, present: int
) -> int:
    """Place one id at worker `p`; return how many of its waiting ids have been tried so far.

    Of the `present` ids that waited when the micro-round began, the first `tried` have been tried.
    """
    ids, _, _, ends, _ = block
    for _ in range(TRIES):
        waited = tried < present
        if waited:
            j = book.waiting[p, tried]
            tried += 1
        else:
            j = _draw(book.trees[p], book.offsets, book.counts, p)
            if j < 0:
                return tried
            j += book.bounds[p]
        if may_join(book, coupling, p, j, block, rho):
            if waited:  # an id just drawn has no deferrals
                book.deferrals[j] = 0
            _put(book, coupling, ids, ends, p, j)
            return tried
        book.deferrals[j] += 1
        book.counts[DEFERRED] += 1
        book.waiting[p, book.n_waiting[p]] = j
        book.n_waiting[p] += 1
    return tried


@kernel
def _find_starved(book: Any, limit: int) -> None:
    """Make the id deferred most often the starved one, if it was deferred `limit` times."""
    most, holder, at = limit - 1, -1, -1
    for p in range(len(book.n_waiting)):
        for i in range(book.n_waiting[p]):
            if book.deferrals[book.waiting[p, i]] > most:
                most, holder, at = book.deferrals[book.waiting[p, i]], p, i
    if holder >= 0:
        book.counts[STARVED] = book.waiting[holder, at]
        book.n_waiting[holder] -= 1
        for i in range(at, book.n_waiting[holder]):
            book.waiting[holder, i] = book.waiting[holder, i + 1]


@kernel
def _place_starved(book: Any, coupling: Any, block: Any, rho: float) -> bool:
    """Give the starved id this micro-round, if no id in flight conflicts with it."""
    j = book.counts[STARVED]
    if j < 0:
        return False
    p = 0
    while book.bounds[p + 1] <= j:
        p += 1
    if not clear_of_moving(book, coupling, p, j, block, rho):
        return False
    _put(book, coupling, block[0], block[3], p, j)
    book.deferrals[j] = 0
    book.counts[ALONE] += 1
    book.counts[STARVED] = -1
    return True


@kernel
def _first(book: Any, tried: np.ndarray, present: np.ndarray) -> int:
    """Worker whose ids are placed first: the one whose next waiting id was deferred most often.

    If no ids wait, the workers take turns. The first id of a micro-round finds no other id there to
    conflict with: if worker 0 always came first, the other workers' ids would be deferred again and
    again.
    """
    workers = len(tried)
    turn = book.counts[NOW] % workers
    first, most = turn, 0
    for q in range(workers):
        p = (turn + q) % workers
        if tried[p] < present[p]:
            times = book.deferrals[book.waiting[p, tried[p]]]
            if times > most:
                first, most = p, times
    return first


@kernel
def fill(
    book: Any, coupling: Any, ids: np.ndarray, cuts: np.ndarray, costs: np.ndarray,
    per: int, micro: int, rho: float, limit: int, sequential: bool,
) -> int:  # fmt: skip
    """Fill a lease of `micro` micro-rounds; return the number of ids.

    Parameters
    ----------
    book : Book
        Changed in place.
    coupling : named tuple
        See :mod:`strads.kernels.scheduling.coupling`.
    ids : ndarray of int64, shape (workers, capacity)
        Written in place: every worker's ids, one micro-round after the other.
    cuts : ndarray of int64, shape (workers, ≥ micro + 1)
        Written in place: where the micro-rounds begin in a row of `ids`, and where the last ends.
    costs : ndarray of float64, shape (size,) or (0,)
        Costs of the ids, with a mean of 1; if empty, every id costs 1.
    per : int
        A worker's micro-round takes ids until their costs add up to `per`.
    micro : int
    rho : float
        Correlation from which on two ids conflict.
    limit : int
        Number of deferrals in a row after which an id may become the starved one.
    sequential : bool
        Whether ids of the same worker never conflict.
    """
    book, coupling, ids, cuts = borrowed(book), borrowed(coupling), borrowed(ids), borrowed(cuts)
    workers = ids.shape[0]
    # By worker: ids placed so far, waiting ids already tried in this lease, and ids that wait when
    # the micro-round begins.
    ends, tried, present = book.lease[0], book.lease[1], book.lease[2]
    spent = book.spent
    if book.counts[STARVED] < 0:
        _find_starved(book, limit)
    for p in range(workers):
        ends[p] = tried[p] = cuts[p, 0] = 0
    for m in range(micro):
        block = (ids, cuts, m, ends, sequential)
        for p in range(workers):
            spent[p], present[p] = 0.0, book.n_waiting[p]
        rounds = 0 if _place_starved(book, coupling, block, rho) else per
        first = _first(book, tried, present)
        for _ in range(rounds):
            for q in range(workers):
                p = (first + q) % workers
                before = ends[p]
                if spent[p] < per:
                    tried[p] = _place(book, coupling, p, block, rho, tried[p], present[p])
                    if ends[p] > before:
                        spent[p] += costs[ids[p, before]] if len(costs) else 1.0
        for p in range(workers):
            cuts[p, m + 1] = ends[p]
        take_off(book, coupling, block)
    placed = 0
    for p in range(workers):
        _forget(book, p, tried[p])
        placed += ends[p]
    book.counts[DISPATCHED] += placed
    return placed


@kernel
def _forget(book: Any, p: int, looked_at: int) -> None:
    """Drop the waiting ids that were tried: they were placed, or wait again further back."""
    n = book.n_waiting[p] - looked_at
    for k in range(n):
        book.waiting[p, k] = book.waiting[p, k + looked_at]
    book.n_waiting[p] = n


@inlined
def _size(change: float) -> float:
    """Absolute value of a change; 0 if it is not finite, which is reported elsewhere."""
    size = abs(change)
    return size if size < np.inf else 0.0


@kernel
def _lift(book: Any, p: int, least: float) -> None:
    """Raise the positive weights of worker `p`'s ids to at least `least`."""
    tree = book.trees[p]
    for i in range(book.offsets[len(book.offsets) - 1], len(tree)):
        if 0.0 < tree[i] < least:
            tree[i] = least
    sumtree_sum(tree, book.offsets)


@kernel
def observe(
    book: Any, ids: np.ndarray, cuts: np.ndarray, change: np.ndarray, micro: int, floor: float
) -> None:
    """Set the weights of the ids of a finished lease: |change| plus a share of the largest change.

    Parameters
    ----------
    book : Book
        Changed in place.
    ids, cuts, change : ndarray
        Of the lease.
    micro : int
    floor : float
        The weight of an id is its absolute change plus `floor` times the decaying maximum of all.
    """
    book, ids, cuts, change = borrowed(book), borrowed(ids), borrowed(cuts), borrowed(change)
    top = 0.0
    for p in range(ids.shape[0]):
        for i in range(cuts[p, micro]):
            top = max(top, _size(change[p, i]))
    # The maximum decays, so that the floor becomes smaller with the changes as the run converges.
    book.scale[0] = max(top, 0.9 * book.scale[0])
    least = floor * book.scale[0] + 1e-300
    if book.scale[0] > _RISE * book.scale[1]:
        for p in range(ids.shape[0]):
            _lift(book, p, least)
        book.scale[1] = book.scale[0]
    book.scale[1] = min(book.scale[1], book.scale[0])
    for p in range(ids.shape[0]):
        for i in range(cuts[p, micro]):
            weight = _size(change[p, i]) + least
            sumtree_set(book.trees[p], book.offsets, ids[p, i] - book.bounds[p], weight)
