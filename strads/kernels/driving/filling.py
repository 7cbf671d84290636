"""Fill a lease: the part of a round that depends on the kind of the policy.

The candidates are drawn (:mod:`strads.kernels.scheduling.draws`) or come from lists
(:mod:`strads.kernels.scheduling.lists`). Under a coupling, those that conflict with others are
deferred (:mod:`strads.kernels.scheduling.deferral`).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import overload

from strads.kernels.borrowed import borrowed
from strads.kernels.driving.turns import fill_turn
from strads.kernels.scheduling.candidates import begin_lease, candidate
from strads.kernels.scheduling.clearance import DISPATCHED, MICROS, kind_of
from strads.kernels.scheduling.deferral import fill_checked
from strads.kernels.scheduling.groups import fill_groups
from strads.kernels.scheduling.lists import even_out
from strads.kernels.scheduling.plans import heed

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)


@inlined
def _fill_unchecked(
    book: Any, ids: np.ndarray, cuts: np.ndarray, costs: np.ndarray, per: int, micro: int
) -> int:
    """Fill a lease where no ids conflict, so that none waits; parameters as for :func:`fill`."""
    placed = used = 0
    for p in range(ids.shape[0]):
        end = cuts[p, 0] = 0
        for m in range(micro):
            spent = 0.0
            while spent < per and end - cuts[p, m] < per:
                j = candidate(book, p)
                if j < 0:
                    break
                ids[p, end] = j
                end += 1
                spent += costs[j] if len(costs) else 1.0
            cuts[p, m + 1] = end
        placed += end
    if ids.shape[0] > 1:
        placed = evened(book, ids, cuts, costs, per * micro, micro, placed)
    for p in range(ids.shape[0]):
        for m in range(used, micro):
            if cuts[p, m + 1] > cuts[p, m]:
                used = m + 1
    book.counts[MICROS] = max(used, 1)
    return placed


def evened(
    book: Any, ids: np.ndarray, cuts: np.ndarray, costs: np.ndarray, lease: int, micro: int,
    placed: int,
) -> int:  # fmt: skip
    """Cut blocks to about the same costs where that is of use; return how many ids are left."""
    if kind_of(book) == "ListBook":
        return int(even_out(book, ids, cuts, costs, lease, micro))
    return placed


@overload(evened, jit_options={"forceinline": True})
def _evened(book, ids, cuts, costs, lease, micro, placed):  # type: ignore[no-untyped-def]
    if kind_of(book) == "ListBook":

        def even(book, ids, cuts, costs, lease, micro, placed):  # type: ignore[no-untyped-def]
            return even_out(book, ids, cuts, costs, lease, micro)

        return even
    return lambda book, ids, cuts, costs, lease, micro, placed: placed


def _filled(
    book: Any, coupling: Any, ids: np.ndarray, cuts: np.ndarray, costs: np.ndarray,
    per: int, micro: int, rho: float, limit: int, sequential: bool,
) -> int:  # fmt: skip
    """Fill a lease by the function for its kind of book or coupling."""
    if kind_of(book) == "TurnBook":
        return int(fill_turn(book, ids, cuts, per, micro))
    if kind_of(book) == "GroupBook":
        return int(fill_groups(book, coupling, ids, cuts, costs, per, micro, rho, sequential))
    if kind_of(coupling) == "Independent":
        return int(_fill_unchecked(book, ids, cuts, costs, per, micro))
    return int(fill_checked(book, coupling, ids, cuts, costs, per, micro, rho, limit, sequential))


@overload(_filled, jit_options={"forceinline": True})
def _filled_compiled(book, coupling, ids, cuts, costs, per, micro, rho, limit, sequential):  # type: ignore[no-untyped-def]
    if kind_of(book) == "TurnBook":

        def in_turn(book, coupling, ids, cuts, costs, per, micro, rho, limit, sequential):  # type: ignore[no-untyped-def]
            return fill_turn(book, ids, cuts, per, micro)

        return in_turn
    if kind_of(book) == "GroupBook":

        def in_groups(book, coupling, ids, cuts, costs, per, micro, rho, limit, sequential):  # type: ignore[no-untyped-def]
            return fill_groups(book, coupling, ids, cuts, costs, per, micro, rho, sequential)

        return in_groups
    if kind_of(coupling) == "Independent":

        def unchecked(  # type: ignore[no-untyped-def]
            book, coupling, ids, cuts, costs, per, micro, rho, limit, sequential
        ):
            return _fill_unchecked(book, ids, cuts, costs, per, micro)

        return unchecked

    def checked(  # type: ignore[no-untyped-def]
        book, coupling, ids, cuts, costs, per, micro, rho, limit, sequential
    ):
        return fill_checked(book, coupling, ids, cuts, costs, per, micro, rho, limit, sequential)

    return checked


@kernel
def fill(
    book: Any, coupling: Any, ids: np.ndarray, cuts: np.ndarray, costs: np.ndarray,
    per: int, micro: int, rho: float, limit: int, sequential: bool,
) -> int:  # fmt: skip
    """Fill a lease of at most `micro` micro-rounds; return the number of ids.

    ``book.counts[MICROS]`` is the number of micro-rounds. There are fewer than `micro` if no ids
    are left for the next one.

    Parameters
    ----------
    book : DrawBook, ListBook, FrequencyBook, PlanBook or TurnBook
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
    begin_lease(book)
    placed = _filled(book, coupling, ids, cuts, costs, per, micro, rho, limit, sequential)
    book.counts[DISPATCHED] += placed
    return np.int64(placed)


def restraint(book: Any) -> float:
    """Return by what ρ is to be multiplied before the next lease is filled."""
    return heed(book) if kind_of(book) == "PlanBook" else 1.0


@overload(restraint, jit_options={"forceinline": True})
def _restraint(book):  # type: ignore[no-untyped-def]
    if kind_of(book) == "PlanBook":
        return lambda book: heed(book)
    return lambda book: 1.0
