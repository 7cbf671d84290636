"""Put the ids of a lease into groups of which none conflict: the first group that takes an id."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import overload

from strads.kernels.scheduling.clearance import CHECKS, DEFERRED, kind_of
from strads.kernels.scheduling.coupling import conflicts
from strads.kernels.scheduling.lists import AT, FULL, LENGTH, active_id
from strads.kernels.scheduling.rowindex import index_add, index_clear, index_strong

# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

# Words of ``GroupBook.plan``: whether the groups of all ids are known, and those of the list;
# number of the next lease in its sweep; ids of the list when it was grouped; leases grouped so far.
ALL_KNOWN, LIST_KNOWN, WINDOW, GROUPED, STAMP = range(5)


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
def group_ids(
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
