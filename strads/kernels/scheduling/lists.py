"""Priority by lists: a worker sweeps over all its ids, then over a list of those that changed much.

After a sweep over all active ids of a worker, those whose change was above a share of the largest
change form its list. The list is swept up to :data:`PASSES` times; an id leaves it when its change
falls below :data:`LEAVES` of what brought it there. Then all ids are swept again, so none starves.
Nothing is random, and choosing an id costs no more than reading it from an array.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.borrowed import borrowed

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

#: Largest number of sweeps over a list before the next sweep over all ids.
PASSES = 10
#: An id leaves a list when its change falls below this share of what brought it there.
LEAVES = 0.1
#: A list is left when all its changes are below this share of the largest change of all ids.
SETTLED = 0.1
#: A lease is not cut to less than this share of its size because a worker has few ids left.
SHORTEST = 0.25
#: Change of an id that was never updated: above any threshold, and never the largest of all.
UNVISITED = 1e300

# Rows of ``ListBook.queue``: position of the next id in the worker's list or among all its ids,
# number of these ids, sweeps over the list, and whether it is a sweep over all ids; number of
# sweeps over all ids so far.
AT, LENGTH, PASS, FULL, SWEPT = range(5)


class ListBook(NamedTuple):
    """State of a policy that goes through lists, in flat arrays."""

    bounds: np.ndarray  # (workers + 1,): the partition of the axis
    waiting: np.ndarray  # (workers, capacity): deferred ids, oldest first
    n_waiting: np.ndarray  # (workers,): how many wait
    deferrals: np.ndarray  # (size,): how often in a row each id has been deferred
    stamps: np.ndarray  # (size,): micro-round in which each id last moved
    flight: np.ndarray  # (0, workers, per): ids in flight; none, since there is no depth
    n_flight: np.ndarray  # (0, workers)
    lease: np.ndarray  # (3, workers): of the lease being filled, see fill()
    spent: np.ndarray  # (workers,): costs of each worker's ids in the micro-round being filled
    counts: np.ndarray  # int64: one word for each constant of clearance.py
    active: np.ndarray  # (active ids,): in ascending order; empty if all are active
    spans: np.ndarray  # (workers + 1,): where each worker's ids begin in `active`
    listed: np.ndarray  # (size,): worker p's list begins at bounds[p]
    change: np.ndarray  # (size,): last change of each id
    queue: np.ndarray  # (5, workers): AT, LENGTH, …
    top: np.ndarray  # (workers,): largest change of all ids when the worker's list was made
    floor: np.ndarray  # (1,): share of the largest change that brings an id into a list


@inlined
def active_id(book: Any, p: int, i: int) -> int:
    """Return the i-th active id of worker `p`."""
    return book.active[book.spans[p] + i] if len(book.active) else book.spans[p] + i


@inlined
def next_listed(book: Any, p: int) -> int:
    """Return the next id of worker `p`'s sweep that does not wait; -1 if the sweep is finished."""
    queue = book.queue
    while queue[AT, p] < queue[LENGTH, p]:
        at = queue[AT, p]
        queue[AT, p] = at + 1
        j = active_id(book, p, at) if queue[FULL, p] else book.listed[book.bounds[p] + at]
        if book.deferrals[j] == 0:
            return np.int64(j)
    return np.int64(-1)


@inlined
def enlist(book: Any, p: int) -> int:
    """Make worker `p`'s list anew from the changes of all its ids; return its length."""
    top = 0.0
    for j in range(len(book.change)):
        if top < book.change[j] < UNVISITED:
            top = book.change[j]
    book.top[p] = top
    first = book.bounds[p]
    n = 0
    for i in range(book.spans[p + 1] - book.spans[p]):
        j = active_id(book, p, i)
        if book.change[j] > book.floor[0] * top:
            book.listed[first + n] = j
            n += 1
    return n


@inlined
def _strike_out(book: Any, p: int) -> int:
    """Strike the ids that have settled out of worker `p`'s list; return what is left of it."""
    first = book.bounds[p]
    least = LEAVES * book.floor[0] * book.top[p]
    n, largest = 0, 0.0
    for i in range(book.queue[LENGTH, p]):
        j = book.listed[first + i]
        if book.change[j] > least:
            book.listed[first + n] = j
            n += 1
            largest = max(largest, book.change[j])
    return n if largest >= SETTLED * book.top[p] else 0


@kernel
def renew(book: Any) -> None:
    """Begin the next sweep of every worker that has finished one."""
    for p in range(book.queue.shape[1]):
        if book.queue[AT, p] < book.queue[LENGTH, p]:
            continue
        if book.queue[FULL, p]:
            n = enlist(book, p)
            book.queue[PASS, p] = 0
        else:
            book.queue[PASS, p] += 1
            n = _strike_out(book, p) if book.queue[PASS, p] < PASSES else 0
        book.queue[FULL, p] = n == 0
        book.queue[LENGTH, p] = n if n else book.spans[p + 1] - book.spans[p]
        book.queue[AT, p] = 0
        book.queue[SWEPT, p] += n == 0


@inlined
def even_out(
    book: Any, ids: np.ndarray, cuts: np.ndarray, costs: np.ndarray, lease: int, micro: int
) -> int:
    """Give back ids of a lease where another worker's sweep ends sooner; return how many are left.

    Without this a worker whose sweep ends in a lease would wait for the others. Blocks are cut to
    the costs of the cheapest one, but not below :data:`SHORTEST` of a full `lease`, nor to nothing.
    """
    least, placed = float(lease), 0
    for p in range(ids.shape[0]):
        if cuts[p, micro]:
            least = min(least, _cost(ids[p], cuts[p, micro], costs))
    least = max(least, SHORTEST * lease)
    for p in range(ids.shape[0]):
        kept, spent = 0, 0.0
        while kept < cuts[p, micro]:
            more = costs[ids[p, kept]] if len(costs) else 1.0
            if kept and spent + 0.5 * more >= least:
                break
            spent += more
            kept += 1
        book.queue[AT, p] -= cuts[p, micro] - kept
        for m in range(micro + 1):
            cuts[p, m] = min(cuts[p, m], kept)
        placed += kept
    return placed


@inlined
def _cost(ids: np.ndarray, end: int, costs: np.ndarray) -> float:
    """Return the sum of the costs of the first `end` ids."""
    if len(costs) == 0:
        return float(end)
    spent = 0.0
    for i in range(end):
        spent += costs[ids[i]]
    return spent


@kernel
def observe_list(
    book: Any, ids: np.ndarray, cuts: np.ndarray, change: np.ndarray, micro: int
) -> None:
    """Note the changes of the ids of a finished lease; one that is not finite counts as none.

    Parameters
    ----------
    book : ListBook
        Changed in place.
    ids, cuts, change : ndarray
        Of the lease.
    micro : int
    """
    book, ids, cuts, change = borrowed(book), borrowed(ids), borrowed(cuts), borrowed(change)
    for p in range(ids.shape[0]):
        for i in range(cuts[p, micro]):
            size = abs(change[p, i])
            book.change[ids[p, i]] = size if size < UNVISITED else 0.0
