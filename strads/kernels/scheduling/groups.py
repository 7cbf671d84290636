"""Priority by lists under a coupling: lists are cut into groups of ids that may move together.

All workers sweep over all their ids, then over their lists (see lists.py), in step. When a sweep is
new, its ids are put into groups, lease by lease: an id joins the first group that has room for it
at its worker and no id that it conflicts with. A group is a micro-round. The groups of a sweep over
all ids serve every later one, and those of a list all sweeps over it, so that nothing is checked
again. Ids that leave a list leave its groups; what is left of a group needs no check either.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.scheduling.clearance import MICROS
from strads.kernels.scheduling.grouping import (
    ALL_KNOWN,
    GROUPED,
    LIST_KNOWN,
    WINDOW,
    group_ids,
)
from strads.kernels.scheduling.lists import (
    AT,
    FULL,
    LEAVES,
    LENGTH,
    PASS,
    PASSES,
    SETTLED,
    SWEPT,
    enlist,
)

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

#: The mark of an id in a sweep is the number of its lease times this, plus that of its group.
LEASES = 1 << 32


class GroupBook(NamedTuple):
    """State of a policy that goes through lists in groups, in flat arrays."""

    bounds: np.ndarray  # (workers + 1,): the partition of the axis
    waiting: np.ndarray  # (workers, 1): no id ever waits
    n_waiting: np.ndarray  # (workers,)
    deferrals: np.ndarray  # (1,): none
    stamps: np.ndarray  # (size,): lease in which each id was grouped last
    flight: np.ndarray  # (0, workers, per): none, since there is no depth
    n_flight: np.ndarray  # (0, workers)
    lease: np.ndarray  # (3, workers): of the lease being filled: ends, ids taken, first open group
    spent: np.ndarray  # (workers, groups): costs of the ids of each group of the lease
    counts: np.ndarray  # int64: one word for each constant of clearance.py
    active: np.ndarray  # (active ids,): in ascending order; empty if all are active
    spans: np.ndarray  # (workers + 1,): where each worker's ids begin in `active`
    listed: np.ndarray  # (size,): worker p's list begins at bounds[p]
    change: np.ndarray  # (size,): last change of each id
    queue: np.ndarray  # (5, workers): AT, LENGTH, … of lists.py
    top: np.ndarray  # (workers,): largest change of all ids when the list was made
    floor: np.ndarray  # (1,): share of the largest change that brings an id into a list
    plan: np.ndarray  # (5,): ALL_KNOWN, …
    rho: np.ndarray  # (1,): the correlation by which the groups of all ids were made
    order: np.ndarray  # (size,): all ids in the order of their groups; worker p's from bounds[p]
    marks: np.ndarray  # (2, size): marks of `order` and of `listed`
    group: np.ndarray  # (size,): group of each id of the lease being grouped
    members: np.ndarray  # (workers, groups, per): ids of each group of the lease being grouped
    sizes: np.ndarray  # (workers, groups): how many
    barred: np.ndarray  # (groups,): last candidate that a group must not take
    strong: np.ndarray  # (2 places,): ids that conflict with a candidate; see rowindex.py


@inlined
def _strike_out(book: Any, p: int) -> float:
    """Strike settled ids out of worker `p`'s list; return the largest change that is left."""
    first, n, largest = book.bounds[p], 0, 0.0
    least = LEAVES * book.floor[0] * book.top[p]
    for i in range(book.queue[LENGTH, p]):
        j = book.listed[first + i]
        if book.change[j] > least:
            book.listed[first + n] = j
            book.marks[1, first + n] = book.marks[1, first + i]
            n += 1
            largest = max(largest, book.change[j])
    book.queue[LENGTH, p] = n
    return largest


@kernel
def renew_groups(book: Any) -> None:
    """Begin the next sweep, if all workers have finished theirs."""
    queue, plan, workers = book.queue, book.plan, book.queue.shape[1]
    for p in range(workers):
        if queue[AT, p] < queue[LENGTH, p]:
            return
    left = 0
    if queue[FULL, 0]:
        for p in range(workers):
            queue[LENGTH, p] = enlist(book, p)
            left += queue[LENGTH, p]
        plan[LIST_KNOWN], plan[GROUPED] = 0, left
        queue[PASS] = 0
    else:
        queue[PASS] += 1
        largest = 0.0
        for p in range(workers):
            largest = max(largest, _strike_out(book, p))
            left += queue[LENGTH, p]
        if largest < SETTLED * book.top[0] or queue[PASS, 0] >= PASSES:
            left = 0
        elif 2 * left <= plan[GROUPED]:  # small groups have become smaller: group them anew
            plan[LIST_KNOWN], plan[GROUPED] = 0, left
    full = left == 0
    for p in range(workers):
        queue[FULL, p] = full
        if full:
            queue[LENGTH, p] = book.spans[p + 1] - book.spans[p]
            queue[SWEPT, p] += 1
        queue[AT, p] = 0
    plan[WINDOW] = 0


@kernel
def _write(book: Any, ids: np.ndarray, cuts: np.ndarray, groups: int) -> None:
    """Write the groups into a lease, and remember them for later sweeps."""
    queue, window = book.queue, book.plan[WINDOW]
    full = queue[FULL, 0]
    kept = book.order if full else book.listed
    for p in range(ids.shape[0]):
        at, end = book.bounds[p] + queue[AT, p], 0
        cuts[p, 0] = 0
        for g in range(groups):
            for i in range(book.sizes[p, g]):
                ids[p, end] = book.members[p, g, i]
                kept[at + end] = ids[p, end]
                book.marks[0 if full else 1, at + end] = window * LEASES + g
                end += 1
            cuts[p, g + 1] = end
        queue[AT, p] += end


@kernel
def _repeat(book: Any, ids: np.ndarray, cuts: np.ndarray) -> int:
    """Write a lease whose groups are known; return how many are not empty."""
    queue, window, workers = book.queue, book.plan[WINDOW], ids.shape[0]
    full = queue[FULL, 0]
    kept, marks = (book.order if full else book.listed), book.marks[0 if full else 1]
    ends, used = book.lease[0], 0
    for p in range(workers):
        ends[p] = cuts[p, 0] = 0
    while True:
        lowest = (window + 1) * LEASES
        for p in range(workers):
            if queue[AT, p] < queue[LENGTH, p]:
                lowest = min(lowest, marks[book.bounds[p] + queue[AT, p]])
        if lowest == (window + 1) * LEASES:
            return used
        for p in range(workers):
            at, end = book.bounds[p] + queue[AT, p], book.bounds[p] + queue[LENGTH, p]
            n = ends[p]
            while at < end and marks[at] == lowest:
                ids[p, n] = kept[at]
                n += 1
                at += 1
            ends[p], queue[AT, p] = n, at - book.bounds[p]
            cuts[p, used + 1] = n
        used += 1


@inlined
def fill_groups(
    book: Any, coupling: Any, ids: np.ndarray, cuts: np.ndarray, costs: np.ndarray,
    per: int, micro: int, rho: float, sequential: bool,
) -> int:  # fmt: skip
    """Fill a lease by groups; its parameters are those of ``fill`` in driving/filling.py."""
    plan, queue, groups = book.plan, book.queue, 0
    if plan[ALL_KNOWN] and rho != book.rho[0]:
        plan[ALL_KNOWN] = 0
    if plan[ALL_KNOWN] if queue[FULL, 0] else plan[LIST_KNOWN]:
        while groups == 0 and _some_left(queue):  # a lease may have lost all its ids
            groups = _repeat(book, ids, cuts)
            plan[WINDOW] += 1
    else:
        most = min(book.sizes.shape[1], cuts.shape[1] - 1)
        groups = group_ids(book, coupling, costs, per, per * micro, rho, sequential, most)
        _write(book, ids, cuts, groups)
        plan[WINDOW] += 1
        if not _some_left(queue):  # the sweep is grouped as a whole
            book.rho[0] = rho
            plan[ALL_KNOWN if queue[FULL, 0] else LIST_KNOWN] = 1
    placed = 0
    for p in range(ids.shape[0]):
        if groups == 0:
            cuts[p, 0] = cuts[p, 1] = 0
        placed += cuts[p, groups]
    book.counts[MICROS] = max(groups, 1)
    return placed


@kernel
def _some_left(queue: np.ndarray) -> bool:
    """Whether a worker has not finished its sweep."""
    return bool(np.any(queue[AT] < queue[LENGTH]))
