"""Leases of a policy that hands out every id once an epoch, in an order that is given."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.scheduling.clearance import MICROS, ORDER_WANTED, SPANNED

# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

# Words of ``TurnBook.turn``: number of the next round in its epoch, rounds of an epoch, epochs that
# have ended, and whether the order is new for each epoch, so that somebody else must write it.
NEXT, LENGTH, ENDED, RENEWED = range(4)


class TurnBook(NamedTuple):
    """State of such a policy, in flat arrays."""

    ids: np.ndarray  # int64: the ids of all workers in order; empty if they are 0, 1, 2, …
    spans: np.ndarray  # (workers + 1,): where each worker's ids begin
    turn: np.ndarray  # (4,): NEXT, …
    counts: np.ndarray  # int64: one word for each constant of clearance.py


@inlined
def fill_turn(book: Any, ids: np.ndarray, cuts: np.ndarray, lease: int, micro: int) -> int:
    """Write the next `lease` ids of each worker, cut evenly into micro-rounds; count them."""
    at, placed = book.turn[NEXT] * lease, 0
    for p in range(ids.shape[0]):
        first = book.spans[p] + at
        n = max(min(lease, book.spans[p + 1] - first), 0)
        for m in range(micro + 1):
            cuts[p, m] = m * n // micro
        if book.counts[SPANNED]:
            for m in range(micro):
                if cuts[p, m] < n:
                    ids[p, cuts[p, m]] = first + cuts[p, m]
        else:
            for i in range(n):
                ids[p, i] = book.ids[first + i] if len(book.ids) else first + i
        placed += n
    book.turn[NEXT] += 1
    if book.turn[NEXT] >= book.turn[LENGTH]:
        book.turn[NEXT] = 0
        book.turn[ENDED] += 1
        book.counts[ORDER_WANTED] = book.turn[RENEWED]
    book.counts[MICROS] = micro
    return placed
