"""Adaptive frequencies: a worker visits each of its ids as often as its gains deserve.

Every id has a preference, which starts at 1. After an update with gain g it becomes

    p ← min(max(p · exp(0.2 · (g / ḡ − 1)), 1/20), 20)

with the mean gain ḡ of the worker's ids: over the first sweep a plain mean, later an exponential
one with rate 1/d. A sweep has d visits if the worker has d active ids. Id i gets d · p_i / Σ p of
them, rounded up or down: what rounding leaves over is carried on to the next id, and where that
begins differs from sweep to sweep, so that small shares add up to a visit as well. The visits are
then shuffled.

Source: Glasmachers, Dogan, Accelerated coordinate descent with adaptive coordinate frequencies,
ACML 2013.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.borrowed import borrowed
from strads.kernels.random import fold, uniform
from strads.kernels.scheduling.clearance import KEY, NOW

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

#: How fast preferences change, and their limits.
RATE, LEAST, MOST = 0.2, 0.05, 20.0
#: The golden section: its multiples, without their whole parts, are spread evenly over [0, 1).
GOLDEN = 0.6180339887498949
#: Number of places of a sweep that are searched for an id that may be handed out now.
AHEAD = 16

# Rows of ``FrequencyBook.queue``: position of the next visit in the worker's sweep, number of its
# visits, sweeps begun, gains observed; and, in column 0 of the last row, leases begun.
AT, LENGTH, SWEPT, SEEN, LEASES = range(5)


class FrequencyBook(NamedTuple):
    """State of a policy of adaptive frequencies, in flat arrays."""

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
    active: np.ndarray  # (active ids,): in ascending order
    spans: np.ndarray  # (workers + 1,): where each worker's ids begin in `active`
    visits: np.ndarray  # (size,): the ids of a sweep in order; worker p's begin at bounds[p]
    preference: np.ndarray  # (size,)
    mean: np.ndarray  # (workers,): mean gain
    queue: np.ndarray  # (5, workers): AT, LENGTH, …
    taken: np.ndarray  # (size,): when each id was last handed out, see `_now`
    repeats: np.ndarray  # (1,): whether a lease may hold an id several times


@inlined
def _now(book: Any) -> int:
    """Return a number that differs between leases, and between micro-rounds under a coupling."""
    return book.counts[NOW] + book.queue[LEASES, 0]


@inlined
def _free(book: Any, j: int) -> bool:
    """Whether an id neither waits nor was handed out for the same updates."""
    if book.repeats[0]:  # an id that has got a place after it had waited may get another one
        return book.deferrals[j] <= 0
    return book.deferrals[j] == 0 and book.taken[j] != _now(book)


@inlined
def next_visit(book: Any, p: int) -> int:
    """Return the next id of worker `p`'s sweep; -1 if none can be handed out now.

    An id that cannot be handed out changes places with a later one.
    """
    at, end = book.queue[AT, p], book.queue[LENGTH, p]
    first = book.bounds[p]
    for k in range(at, min(end, at + AHEAD)):
        j = book.visits[first + k]
        if _free(book, j):
            book.visits[first + k] = book.visits[first + at]
            book.visits[first + at] = j
            book.queue[AT, p] = at + 1
            book.deferrals[j] = 0
            book.taken[j] = _now(book)
            return np.int64(j)
    return np.int64(-1)


@inlined
def spread(book: Any, p: int, ids: np.ndarray, length: int) -> None:
    """Write the visits of worker `p`'s next sweep over some ids: `length` of them."""
    first, last = book.bounds[p], len(ids) - 1
    total = 0.0
    for j in ids:
        total += book.preference[j]
    turns = book.queue[SWEPT, p] * GOLDEN
    rest = turns - np.floor(turns)
    so_far, at = 0.0, 0
    for i in range(len(ids)):
        so_far += book.preference[ids[i]]
        end = length if i == last else min(int(length * (so_far / total) + rest), length)
        while at < end:
            book.visits[first + at] = ids[i]
            at += 1


@inlined
def shuffle(book: Any, p: int, n: int) -> None:
    """Bring the `n` visits of worker `p`'s sweep into a random order."""
    first = book.bounds[p]
    key = fold(book.counts[KEY], book.queue[SWEPT, p])
    for k in range(n - 1, 0, -1):
        i = int(uniform(key, p, k) * (k + 1))
        j = book.visits[first + k]
        book.visits[first + k] = book.visits[first + i]
        book.visits[first + i] = j


@kernel
def begin_sweeps(book: Any) -> None:
    """Begin the next sweep of every worker that has finished one."""
    book.queue[LEASES, 0] += 1
    for p in range(book.queue.shape[1]):
        if book.queue[AT, p] < book.queue[LENGTH, p]:
            continue
        d = book.spans[p + 1] - book.spans[p]
        spread(book, p, book.active[book.spans[p] : book.spans[p + 1]], d)
        shuffle(book, p, d)
        book.queue[SWEPT, p] += 1
        book.queue[AT, p], book.queue[LENGTH, p] = 0, d


@inlined
def learn(book: Any, p: int, j: int, gain: float, d: int) -> None:
    """Change the preference of id `j` of worker `p`, one of `d`, by the gain of an update."""
    mean = book.mean[p]
    if mean > 0.0:
        preference = book.preference[j] * np.exp(RATE * (gain / mean - 1.0))
        book.preference[j] = min(max(preference, LEAST), MOST)
    book.mean[p] = mean + (gain - mean) / max(d, 1)


@inlined
def _average(book: Any, p: int, gain: float) -> None:
    """Take a gain of worker `p`'s first sweep into the plain mean."""
    book.queue[SEEN, p] += 1
    book.mean[p] += (gain - book.mean[p]) / book.queue[SEEN, p]


@kernel
def observe_gains(
    book: Any, ids: np.ndarray, cuts: np.ndarray, gain: np.ndarray, micro: int
) -> None:
    """Learn from the gains of the ids of a finished lease.

    A gain that is negative or not finite counts as none.

    Parameters
    ----------
    book : FrequencyBook
        Changed in place.
    ids, cuts, gain : ndarray
        Of the lease.
    micro : int
    """
    book, ids, cuts, gain = borrowed(book), borrowed(ids), borrowed(cuts), borrowed(gain)
    for p in range(ids.shape[0]):
        d = book.spans[p + 1] - book.spans[p]
        for i in range(cuts[p, micro]):
            g = gain[p, i] if 0.0 <= gain[p, i] < np.inf else 0.0
            if book.queue[SEEN, p] < d:
                _average(book, p, g)
            else:
                learn(book, p, ids[p, i], g, d)
