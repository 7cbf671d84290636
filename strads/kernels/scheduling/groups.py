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
from numba.extending import overload

from strads.kernels.scheduling.clearance import CHECKS, DEFERRED, MICROS, kind_of
from strads.kernels.scheduling.coupling import conflicts
from strads.kernels.scheduling.lists import (
    AT,
    FULL,
    LEAVES,
    LENGTH,
    PASS,
    PASSES,
    SETTLED,
    SWEPT,
    active_id,
    enlist,
)
from strads.kernels.scheduling.rowindex import index_add, index_clear, index_strong

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

# Words of ``GroupBook.plan``: whether the groups of all ids are known, and those of the list;
# number of the next lease in its sweep; ids of the list when it was grouped; leases grouped so far.
ALL_KNOWN, LIST_KNOWN, WINDOW, GROUPED, STAMP = range(5)
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


@inlined
def _has_room(book: Any, p: int, g: int, per: int) -> bool:
    """Whether a group may get one more id of worker `p`."""
    return book.spent[p, g] < per and book.sizes[p, g] < per


@inlined
def _bar_listed(book: Any, coupling: Any, p: int, j: int, rho: float, shape: Any) -> None:
    groups, sequential, tick, per = shape
    for g in range(book.lease[2, p], groups):
        if not _has_room(book, p, g, per):
            continue
        for q in range(book.sizes.shape[0]):
            others = book.members[q, g, : book.sizes[q, g]]
            if not (q == p and sequential) and book.barred[g] != tick:
                book.counts[CHECKS] += len(others)
                if conflicts(coupling, j, others, rho):
                    book.barred[g] = tick
        if book.barred[g] != tick:
            return  # the first group that takes it; no later one matters


@inlined
def _bar_neighbours(book: Any, graph: Any, p: int, j: int, rho: float, shape: Any) -> None:
    _, sequential, tick, _ = shape
    lo, hi, now = book.bounds[p], book.bounds[p + 1], book.plan[STAMP]
    book.counts[CHECKS] += graph.indptr[j + 1] - graph.indptr[j]
    for at in range(graph.indptr[j], graph.indptr[j + 1]):
        k = graph.indices[at]
        if book.stamps[k] == now and k != j and not (sequential and lo <= k < hi):
            book.barred[book.group[k]] = tick


@inlined
def _bar_rows(book: Any, c: Any, p: int, j: int, rho: float, shape: Any) -> None:
    _, sequential, tick, _ = shape
    lo, hi = (book.bounds[p], book.bounds[p + 1]) if sequential else (0, 0)
    n = index_strong(c, j, lo, hi, rho, book.strong)
    for i in range(n):
        book.barred[book.group[book.strong[i]]] = tick


_BARS = {"Graph": _bar_neighbours, "Indexed": _bar_rows}


def _bar(book: Any, coupling: Any, p: int, j: int, rho: float, shape: Any) -> None:
    """Bar candidate `j` of worker `p` from the groups that have an id it conflicts with."""
    _BARS.get(kind_of(coupling), _bar_listed)(book, coupling, p, j, rho, shape)


@overload(_bar, jit_options={"forceinline": True})
def _bar_compiled(book, coupling, p, j, rho, shape):  # type: ignore[no-untyped-def]
    bar = _BARS.get(kind_of(coupling), _bar_listed)
    return lambda book, coupling, p, j, rho, shape: bar(book, coupling, p, j, rho, shape)


def _enter(book: Any, coupling: Any, j: int) -> None:
    """Note that `j` is in a group of this lease."""
    if kind_of(coupling) == "Indexed":
        index_add(coupling, 0, j)


@overload(_enter)
def _enter_compiled(book, coupling, j):  # type: ignore[no-untyped-def]
    if kind_of(coupling) == "Indexed":
        return lambda book, coupling, j: index_add(coupling, 0, j)
    return lambda book, coupling, j: None


def _forget(coupling: Any) -> None:
    """Forget the ids of the lease before."""
    if kind_of(coupling) == "Indexed":
        index_clear(coupling, 0)


@overload(_forget)
def _forget_compiled(coupling):  # type: ignore[no-untyped-def]
    if kind_of(coupling) == "Indexed":
        return lambda coupling: index_clear(coupling, 0)
    return lambda coupling: None


@inlined
def _room(book: Any, p: int, groups: int, per: int, tick: int) -> int:
    """Return the first group that candidate number `tick` may join; `groups` if it needs a new one.

    Groups before ``book.lease[2, p]`` have no room at worker `p`.
    """
    first = book.lease[2, p]
    while first < groups and not _has_room(book, p, first, per):
        first += 1
    book.lease[2, p] = first
    for g in range(first, groups):
        if _has_room(book, p, g, per):
            if book.barred[g] != tick:
                return g
            book.counts[DEFERRED] += 1
    return groups


@inlined
def _group(
    book: Any, coupling: Any, costs: np.ndarray, per: int, length: int, rho: float,
    sequential: bool, most: int,
) -> int:  # fmt: skip
    """Put the next ids of each worker, at most `length`, into groups; return how many groups.

    There are fewer ids if they need more than `most` groups.
    """
    queue, groups, tick, workers = book.queue, 0, 0, book.sizes.shape[0]
    book.plan[STAMP] += 1
    book.barred[:] = -1
    book.lease[:] = 0
    _forget(coupling)
    for i in range(length):
        for p in range(workers):
            at = queue[AT, p] + i
            if at >= queue[LENGTH, p]:
                continue
            j = active_id(book, p, at) if queue[FULL, p] else book.listed[book.bounds[p] + at]
            _bar(book, coupling, p, j, rho, (groups, sequential, tick, per))
            g = _room(book, p, groups, per, tick)
            tick += 1
            if g == groups:
                if groups == most:
                    return groups
                for q in range(workers):
                    book.sizes[q, g] = 0
                    book.spent[q, g] = 0.0
                groups += 1
            book.members[p, g, book.sizes[p, g]] = j
            book.sizes[p, g] += 1
            book.spent[p, g] += costs[j] if len(costs) else 1.0
            book.group[j], book.stamps[j] = g, book.plan[STAMP]
            book.lease[1, p] += 1
            _enter(book, coupling, j)
    return groups


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
        groups = _group(book, coupling, costs, per, per * micro, rho, sequential, most)
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
