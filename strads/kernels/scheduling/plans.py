"""Sweeps that are planned from the gains of earlier ones: over all ids, or over those that pay.

A worker begins with a sweep over all its active ids. When it has ended, the gains of its ids say
what comes next:

* a *list* of those ids that together made the share `cover` of all gains, if they are at most the
  share `most_listed` of the ids. The list is swept again and again, at adaptive frequencies, until
  a visit gains less than `worth` times what a visit of the last sweep over all ids gained, or for
  :data:`PASSES` sweeps;
* where nearly all ids matter, so that the list would be longer, no list, but another sweep over
  all ids: once each, or at adaptive frequencies if a visit of such a sweep gained more.

A round has a cost of its own, whatever is in it. So a sweep over a short list goes through it
several times, up to :data:`TURNS`, until there are as many visits as settings say, if a lease may
hold an id several times.

Sweeps are shuffled, those over all ids only if they are to be. No clock is read: all that is
compared are gains and numbers of visits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.borrowed import borrowed
from strads.kernels.scheduling.frequencies import AT, LEASES, LENGTH, SWEPT, learn, shuffle, spread

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

#: Kinds of sweeps: over all ids, over a list, by frequencies.
WHOLE, LIST, FREQUENT = range(3)
#: Largest number of sweeps over a list before the next sweep over all ids.
PASSES = 50
#: A sweep over a list goes through it at most so many times.
TURNS = 16
#: Where no list pays, one sweep in so many is of the kind that did worse, so that it gets a chance.
TRIAL = 8
#: Gain of an id that was never updated.
UNVISITED = 1e300
#: Gains are sorted into so many bins; each bin has gains up to half of those of the bin before.
BINS = 64
#: A sweep over all ids that gains so many times what any earlier one did is an alarm: joint updates
#: undo each other.
ALARM = 2.0
#: An alarm multiplies ρ by this.
RESTRAINT = 0.3

# Rows of ``PlanBook.plan``: kind of the sweep; sweeps over its list; number of sweeps of each kind,
# in three rows; visits of each kind, in three rows; alarms; sweeps without a list in a row; length
# of the list; in column 0, alarms that have lowered ρ.
KIND, PASS, SWEEPS_OF, VISITS_OF, ALARMS, UNLISTED, LISTED, HEEDED = 0, 1, 2, 5, 8, 9, 10, 11
# Rows of ``PlanBook.rate``: gain of a visit in the last sweep of each kind. Over all ids it is the
# mean of the last gain of each. Of others it is the running mean, since the gains of a short list
# may be observed only when its next sweep has begun. The last row has the largest over all ids.
LARGEST = 3
# Words of ``PlanBook.settings``.
# The last one is the number of visits that a sweep over a
# list has at least, as far as its turns allow.
COVER, MOST_LISTED, WORTH, SHUFFLED, LEAST_VISITS = range(5)
# Columns of ``PlanBook.log``: worker, number of its sweep, kind, visits; rate of the sweep before.
LOGGED = 256


class PlanBook(NamedTuple):
    """State of a policy that plans its sweeps, in flat arrays."""

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
    preference: np.ndarray  # (size,): see frequencies.py
    mean: np.ndarray  # (workers,): mean gain
    queue: np.ndarray  # (5, workers): see frequencies.py
    taken: np.ndarray  # (size,): when each id was last handed out
    repeats: np.ndarray  # (1,): whether a lease may hold an id several times
    listed: np.ndarray  # (size,): worker p's list begins at bounds[p]
    gain: np.ndarray  # (size,): gain of the last update of each id
    bins: np.ndarray  # (BINS,): sums of gains
    plan: np.ndarray  # (12, workers): KIND, PASS, …
    rate: np.ndarray  # (4, workers): gain of a visit, by kind of sweep
    settings: np.ndarray  # (5,): COVER, …
    log: np.ndarray  # (LOGGED, 5): sweeps that have begun, the last ones


@inlined
def _id(book: Any, p: int, i: int) -> int:
    """Return the i-th active id of worker `p`."""
    return book.active[book.spans[p] + i]


@inlined
def _bin(gain: float, top: float) -> int:
    """Return the number of a positive gain's bin; the largest gain is in bin 0."""
    return min(int(np.log2(top / gain)), BINS - 1)


@inlined
def _last_bin(book: Any, p: int, d: int) -> int:
    """Return the bin up to which gains make the asked share of all; -1 if there are none."""
    top = 0.0
    for i in range(d):
        g = book.gain[_id(book, p, i)]
        if top < g < UNVISITED:
            top = g
    if top <= 0.0:
        return -1
    book.bins[:] = 0.0
    total = 0.0
    for i in range(d):
        g = book.gain[_id(book, p, i)]
        if 0.0 < g < UNVISITED:
            book.bins[_bin(g, top)] += g
            total += g
    so_far, last = 0.0, -1
    while last < BINS - 1 and so_far < book.settings[COVER] * total:
        last += 1
        so_far += book.bins[last]
    book.bins[0] = top  # for the comparison of each gain with the last bin
    return last


@inlined
def _listed(book: Any, p: int, d: int) -> int:
    """Write worker `p`'s list, and return its length; the mean gain is that of the list."""
    last = _last_bin(book, p, d)
    top, first, n = book.bins[0], book.bounds[p], 0
    if last < 0:
        return 0
    total = 0.0
    for i in range(d):
        j = _id(book, p, i)
        g = book.gain[j]
        if g == UNVISITED or (g > 0.0 and _bin(g, top) <= last):
            book.listed[first + n] = j
            n += 1
            total += g if g < UNVISITED else 0.0
    book.mean[p] = total / n
    return n


@inlined
def _whole_rate(book: Any, p: int, d: int) -> float:
    """Return the mean of the last gains of worker `p`'s ids."""
    total = 0.0
    for i in range(d):
        g = book.gain[_id(book, p, i)]
        total += g if g < UNVISITED else 0.0
    return total / max(d, 1)


@inlined
def _unlisted_kind(book: Any, p: int) -> int:
    """Return the kind of the next sweep where no list pays."""
    count = book.plan[UNLISTED, p]
    book.plan[UNLISTED, p] = count + 1
    if book.plan[SWEEPS_OF + WHOLE, p] < 2:
        return WHOLE
    if book.plan[SWEEPS_OF + FREQUENT, p] == 0 or book.mean[p] <= 0.0:
        book.mean[p] = book.rate[WHOLE, p]
    if book.plan[SWEEPS_OF + FREQUENT, p] == 0:
        return FREQUENT
    better = FREQUENT if book.rate[FREQUENT, p] > book.rate[WHOLE, p] else WHOLE
    return WHOLE + FREQUENT - better if count % TRIAL == 0 else better


@inlined
def _next_kind(book: Any, p: int, d: int) -> int:
    """Decide what worker `p` sweeps next, from the sweep that has ended."""
    kind = book.plan[KIND, p]
    rate = _whole_rate(book, p, d) if kind == WHOLE else book.mean[p]
    if kind == WHOLE:
        largest = book.rate[LARGEST, p]
        book.plan[ALARMS, p] += rate > ALARM * largest > 0.0
        book.rate[LARGEST, p] = max(rate, largest)
    book.rate[kind, p] = rate
    if kind == LIST:
        book.plan[PASS, p] += book.queue[LENGTH, p] // book.plan[LISTED, p]
        worth = book.settings[WORTH] * book.rate[WHOLE, p]
        return LIST if rate >= worth and rate > 0.0 and book.plan[PASS, p] < PASSES else WHOLE
    if kind == FREQUENT:
        return _unlisted_kind(book, p)
    mean = book.mean[p]
    n = _listed(book, p, d)
    if 0 < n <= book.settings[MOST_LISTED] * d:
        book.plan[PASS, p] = book.plan[UNLISTED, p] = 0
        book.plan[LISTED, p] = n
        return LIST
    book.mean[p] = mean
    return _unlisted_kind(book, p)


@inlined
def _note(book: Any, p: int, kind: int, length: int, rate: float) -> None:
    """Log that a sweep begins."""
    at = book.plan[SWEEPS_OF:VISITS_OF].sum() % LOGGED
    book.plan[KIND, p] = kind
    book.plan[SWEEPS_OF + kind, p] += 1
    book.plan[VISITS_OF + kind, p] += length
    book.log[at, 0], book.log[at, 1], book.log[at, 2] = p, book.queue[SWEPT, p], kind
    book.log[at, 3], book.log[at, 4] = length, rate


@inlined
def _turns(book: Any, p: int, n: int, d: int) -> int:
    """Return how often a sweep goes through a list of `n` of worker `p`'s `d` ids."""
    if not book.repeats[0]:
        return np.int64(1)
    least = min(book.settings[LEAST_VISITS], float(d))
    turns = min(int(least / n), TURNS, PASSES - book.plan[PASS, p])
    return np.int64(max(turns, 1))


@inlined
def _plan(book: Any, p: int) -> None:
    """Write the visits of worker `p`'s next sweep."""
    d = book.spans[p + 1] - book.spans[p]
    first, before = book.bounds[p], book.plan[KIND, p]
    kind = _next_kind(book, p, d) if book.queue[SWEPT, p] else WHOLE
    length = d
    if kind == LIST:
        n = book.plan[LISTED, p]
        length = n * _turns(book, p, n, d)
        spread(book, p, book.listed[first : first + n], length)
    else:
        for i in range(d):
            book.listed[first + i] = _id(book, p, i)
        if kind == FREQUENT:
            spread(book, p, book.listed[first : first + d], d)
        else:
            for i in range(d):
                book.visits[first + i] = book.listed[first + i]
    if book.settings[SHUFFLED] or kind != WHOLE:
        shuffle(book, p, length)
    _note(book, p, kind, length, book.rate[before, p])
    book.queue[SWEPT, p] += 1
    book.queue[AT, p], book.queue[LENGTH, p] = 0, length


@kernel
def begin_plans(book: Any) -> None:
    """Begin the next sweep of every worker that has finished one."""
    book.queue[LEASES, 0] += 1
    for p in range(book.queue.shape[1]):
        if book.queue[AT, p] >= book.queue[LENGTH, p]:
            _plan(book, p)


@inlined
def heed(book: Any) -> float:
    """Return by what ρ is to be multiplied: less than 1 after alarms that have not been heeded."""
    alarms = 0
    for p in range(book.plan.shape[1]):
        alarms += book.plan[ALARMS, p]
    if alarms <= book.plan[HEEDED, 0]:
        return 1.0
    book.plan[HEEDED, 0] = alarms
    return RESTRAINT


@kernel
def observe_plans(
    book: Any, ids: np.ndarray, cuts: np.ndarray, gain: np.ndarray, micro: int
) -> None:
    """Note the gains of the ids of a finished lease; one that is not finite counts as none.

    Parameters
    ----------
    book : PlanBook
        Changed in place.
    ids, cuts, gain : ndarray
        Of the lease.
    micro : int
    """
    book, ids, cuts, gain = borrowed(book), borrowed(ids), borrowed(cuts), borrowed(gain)
    for p in range(ids.shape[0]):
        for i in range(cuts[p, micro]):
            g = gain[p, i] if 0.0 <= gain[p, i] < UNVISITED else 0.0
            book.gain[ids[p, i]] = g
            if book.plan[KIND, p] != WHOLE:
                learn(book, p, ids[p, i], g, book.queue[LENGTH, p])
