"""Decide whether an id may join a micro-round, given all ids that would move at the same time.

These are the ids already placed in the micro-round, the ids of earlier micro-rounds that are still
in flight, and the starved id: the one that was deferred too often and waits for a micro-round of
its own.

In this module, `block` is a tuple (ids, cuts, m, ends, sequential): the `ids` and `cuts` of the
lease that is being filled, the number m of the micro-round, the end of each worker's ids so far,
and whether the pushes of a worker see its own earlier updates. `rho` is the correlation from which
on two ids conflict. `coupling` is one of the named tuples of
:mod:`strads.kernels.scheduling.coupling` or :mod:`strads.kernels.scheduling.rowindex`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.scheduling.coupling import conflicts
from strads.kernels.scheduling.rowindex import index_add, index_clear, index_meets

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)
INLINED = {"forceinline": True}

# Words of ``Book.counts``. SPANNED: whether only the first id of each micro-round is written, since
# the others follow it in a row.
DRAWS, DISPATCHED, DEFERRED, ALONE, CHECKS, KEY, NOW, STARVED, MICROS, ORDER_WANTED = range(10)
SPANNED = 10
COUNTS = 11
#: Stamp, in ``Book.stamps``, of an id that is not moving.
LONG_AGO = -(1 << 60)


@inlined
def _clear_of_lists(book: Any, coupling: Any, p: int, j: int, block: Any, rho: float) -> bool:
    ids, cuts, m, ends, sequential = block
    for q in range(len(ends)):
        if q == p and sequential:
            continue
        others = ids[q, cuts[q, m] : ends[q]]
        book.counts[CHECKS] += len(others)
        if conflicts(coupling, j, others, rho):
            return False
        for d in range(book.flight.shape[0]):
            flying = book.flight[d, q, : book.n_flight[d, q]]
            book.counts[CHECKS] += len(flying)
            if conflicts(coupling, j, flying, rho):
                return False
    return True


@inlined
def _clear_of_neighbours(book: Any, graph: Any, p: int, j: int, block: Any, rho: float) -> bool:
    # Every placed id is stamped with the number of its micro-round. So it suffices to check the
    # stamp of each neighbour, however many ids are moving.
    sequential = block[4]
    since = book.counts[NOW] - book.flight.shape[0]
    lo, hi = book.bounds[p], book.bounds[p + 1]
    book.counts[CHECKS] += graph.indptr[j + 1] - graph.indptr[j]
    for at in range(graph.indptr[j], graph.indptr[j + 1]):
        k = graph.indices[at]
        mine = sequential and lo <= k < hi
        if book.stamps[k] >= since and k != j and not mine:
            return False
    return True


@inlined
def _clear_of_rows(book: Any, c: Any, p: int, j: int, block: Any, rho: float) -> bool:
    if block[4]:
        return not index_meets(c, j, book.bounds[p], book.bounds[p + 1], rho)
    return not index_meets(c, j, 0, 0, rho)


@inlined
def _clear(book: Any, coupling: Any, p: int, j: int, block: Any, rho: float) -> bool:
    return True


_CHECKS = {
    "Independent": _clear, "Graph": _clear_of_neighbours, "Indexed": _clear_of_rows,
}  # fmt: skip


def clear_of_moving(book: Any, coupling: Any, p: int, j: int, block: Any, rho: float) -> bool:
    """Whether id `j` of worker `p` conflicts with no moving id.

    Where pushes are sequential, worker `p`'s own ids do not count.
    """
    check = _CHECKS.get(type(coupling).__name__, _clear_of_lists)
    return check(book, coupling, p, j, block, rho)


@overload(clear_of_moving, jit_options=INLINED)
def _clear_of_moving(book, coupling, p, j, block, rho):  # type: ignore[no-untyped-def]
    if not isinstance(coupling, types.BaseNamedTuple):
        return None
    name = coupling.instance_class.__name__
    if name == "Independent":
        return lambda book, coupling, p, j, block, rho: _clear(book, coupling, p, j, block, rho)
    if name == "Graph":
        return lambda book, coupling, p, j, block, rho: _clear_of_neighbours(
            book, coupling, p, j, block, rho
        )
    if name == "Indexed":
        return lambda book, coupling, p, j, block, rho: _clear_of_rows(
            book, coupling, p, j, block, rho
        )
    return lambda book, coupling, p, j, block, rho: _clear_of_lists(
        book, coupling, p, j, block, rho
    )


@inlined
def may_join(book: Any, coupling: Any, p: int, j: int, block: Any, rho: float) -> bool:
    """Whether `j` may join the micro-round that is being filled."""
    if book.counts[STARVED] >= 0:
        starved = book.counts[STARVED : STARVED + 1]
        if conflicts(coupling, j, starved, rho):
            return False
    return clear_of_moving(book, coupling, p, j, block, rho)


def kind_of(value: Any) -> str:
    """Name of the class of a coupling or a book, or of its Numba type."""
    return str(getattr(value, "instance_class", type(value)).__name__)


@inlined
def _stamp(book: Any, coupling: Any, j: int) -> None:
    book.stamps[j] = np.int64(book.counts[NOW])


@inlined
def _index(book: Any, coupling: Any, j: int) -> None:
    index_add(coupling, book.counts[NOW] % len(coupling.used), j)


def depart(book: Any, coupling: Any, j: int) -> None:
    """Mark id `j` as moving in the micro-round that is being filled, for later checks to find."""
    if kind_of(coupling) == "Graph":
        _stamp(book, coupling, j)
    elif kind_of(coupling) == "Indexed":
        _index(book, coupling, j)


@overload(depart, jit_options=INLINED)
def _depart(book, coupling, j):  # type: ignore[no-untyped-def]
    if kind_of(coupling) == "Graph":
        return lambda book, coupling, j: _stamp(book, coupling, j)
    if kind_of(coupling) == "Indexed":
        return lambda book, coupling, j: _index(book, coupling, j)
    return lambda book, coupling, j: None


def _empty_slot(coupling: Any, number: int) -> None:
    if kind_of(coupling) == "Indexed":
        index_clear(coupling, number % len(coupling.used))


@overload(_empty_slot)
def _empty_slot_compiled(coupling, number):  # type: ignore[no-untyped-def]
    if kind_of(coupling) == "Indexed":
        return lambda coupling, number: index_clear(coupling, number % len(coupling.used))
    return lambda coupling, number: None


@kernel
def take_off(book: Any, coupling: Any, block: Any) -> None:
    """Note that the micro-round just filled is in flight now, and the oldest one no longer."""
    ids, cuts, m, ends, _ = block
    depth = book.flight.shape[0]
    for p in range(len(ends)):
        for d in range(depth - 1):
            book.n_flight[d, p] = book.n_flight[d + 1, p]
            for i in range(book.n_flight[d, p]):
                book.flight[d, p, i] = book.flight[d + 1, p, i]
        if depth > 0:
            book.n_flight[depth - 1, p] = ends[p] - cuts[p, m]
            for i in range(book.n_flight[depth - 1, p]):
                book.flight[depth - 1, p, i] = ids[p, cuts[p, m] + i]
    book.counts[NOW] += 1
    _empty_slot(coupling, book.counts[NOW])  # the slot of the micro-round that was the oldest


@kernel
def resume(book: Any, coupling: Any) -> None:
    """Mark exactly the ids in flight as moving, after the book was changed from outside."""
    depth = book.flight.shape[0]
    now = book.counts[NOW]
    for d in range(depth + 1):
        _empty_slot(coupling, now - depth + d)
    for d in range(depth):
        book.counts[NOW] = now - depth + d
        for p in range(book.n_flight.shape[1]):
            for i in range(book.n_flight[d, p]):
                depart(book, coupling, book.flight[d, p, i])
    book.counts[NOW] = now
