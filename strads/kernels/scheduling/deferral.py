"""Fill a lease under a coupling: an id that conflicts with one that moves is deferred.

A candidate that conflicts with an id that moves at the same time at another worker (or at its own,
unless pushes are sequential) is deferred: it is tried first in the next micro-round. Among the ids
that were deferred at least `max_deferrals` times in a row, the one deferred most often becomes the
*starved* id: ids that conflict with it are no longer placed, and as soon as no id in flight
conflicts with it, it gets a micro-round of its own.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.scheduling.candidates import candidate
from strads.kernels.scheduling.clearance import (
    ALONE,
    DEFERRED,
    MICROS,
    NOW,
    STARVED,
    clear_of_moving,
    depart,
    may_join,
    take_off,
)

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

#: Number of candidates that are tried for a place in a micro-round before it stays empty.
TRIES = 4
#: In ``deferrals`` while a lease is being filled: the id had been deferred and has got a place. So
#: a list does not offer it for the same lease again.
PLACED = -1


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
            j = candidate(book, p)
            if j < 0:
                return tried
        if may_join(book, coupling, p, j, block, rho):
            if waited:  # a new candidate has no deferrals
                book.deferrals[j] = PLACED
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
    book.deferrals[j] = PLACED
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
    if workers == 1:
        return 0
    turn = book.counts[NOW] % workers
    first, most = turn, 0
    for q in range(turn, turn + workers):
        p = q if q < workers else q - workers
        if tried[p] < present[p]:
            times = book.deferrals[book.waiting[p, tried[p]]]
            if times > most:
                first, most = p, times
    return first


@inlined
def _settle(book: Any, ids: np.ndarray) -> None:
    """Note that these ids, now in a lease, are not deferred any more."""
    for j in ids:
        if book.deferrals[j] == PLACED:
            book.deferrals[j] = 0


@kernel
def _forget(book: Any, p: int, looked_at: int) -> None:
    """Drop the waiting ids that were tried: they were placed, or wait again further back."""
    n = book.n_waiting[p] - looked_at
    for k in range(n):
        book.waiting[p, k] = book.waiting[p, k + looked_at]
    book.n_waiting[p] = n


@inlined
def fill_checked(
    book: Any, coupling: Any, ids: np.ndarray, cuts: np.ndarray, costs: np.ndarray,
    per: int, micro: int, rho: float, limit: int, sequential: bool,
) -> int:  # fmt: skip
    """Fill a lease under a coupling; its parameters are those of ``fill`` in filling.py."""
    workers = ids.shape[0]
    # By worker: ids placed so far, waiting ids already tried in this lease, and ids that wait when
    # the micro-round begins.
    ends, tried, present = book.lease[0], book.lease[1], book.lease[2]
    spent = book.spent
    if book.counts[STARVED] < 0:
        _find_starved(book, limit)
    for p in range(workers):
        ends[p] = tried[p] = cuts[p, 0] = 0
    used = micro
    for m in range(micro):
        block = (ids, cuts, m, ends, sequential)
        for p in range(workers):
            spent[p], present[p] = 0.0, book.n_waiting[p]
        rounds = 0 if _place_starved(book, coupling, block, rho) else per
        first = _first(book, tried, present)
        for _ in range(rounds):
            for q in range(first, first + workers):
                p = q if q < workers else q - workers
                before = ends[p]
                if spent[p] < per:
                    tried[p] = _place(book, coupling, p, block, rho, tried[p], present[p])
                    if ends[p] > before:
                        spent[p] += costs[ids[p, before]] if len(costs) else 1.0
        placed = 0
        for p in range(workers):
            cuts[p, m + 1] = ends[p]
            placed += ends[p] - cuts[p, m]
        if placed == 0 and m > 0 and book.flight.shape[0] == 0:
            used = m
            break
        take_off(book, coupling, block)
    placed = 0
    for p in range(workers):
        _forget(book, p, tried[p])
        _settle(book, ids[p, : ends[p]])
        placed += ends[p]
    book.counts[MICROS] = used
    return placed
