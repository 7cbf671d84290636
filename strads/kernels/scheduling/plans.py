"""Sweeps that are planned from the gains of earlier ones: over all ids, or over those that pay.

A worker begins with a sweep over all its active ids. When it has ended, the gains of its ids say
what comes next:

* a *list* of those ids that together made the share `cover` of all gains, if they are at most the
  share `most` of the ids. The list is swept again and again, until a visit of it gains less than
  `worth` times what a visit of the last sweep over all ids gained, or for :data:`PASSES` sweeps;
* where nearly all ids matter, so that the list would be longer, no list, but another sweep over
  all ids: in turn, or by adaptive frequencies if a visit of such a sweep gained more.

Sweeps are shuffled, unless the plan says otherwise. No clock is read, and all that is compared
are gains and numbers of visits.
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
#: Where no list pays, one sweep in so many is of the kind that did worse, so that it gets a chance.
TRIAL = 8
#: Gain of an id that was never updated.
UNVISITED = 1e300
#: Gains are sorted into so many bins; each bin has gains up to half of those of the bin before.
BINS = 64
#: A sweep over all ids that promises so many times the gain of the one before is an alarm: joint
#: updates undo each other.
ALARM = 10.0

# Rows of ``PlanBook.plan``: kind of the sweep; sweeps over its list; number of sweeps of each kind,
# in three rows; visits of each kind, in three rows; sweeps without a list in a row; alarms.
KIND, PASS, SWEEPS_OF, VISITS_OF, UNLISTED, ALARMS = 0, 1, 2, 5, 8, 9
# Rows of ``PlanBook.rate``: last gain of a visit, a mean over what was swept last, by kind. Rows of
# ``PlanBook.made``: sum and number of the gains observed since the sweep began, and the mean of
# such gains over the last sweep of all ids and by frequencies. (With a short list the gains of the
# sweep before may be observed only then, so a list is judged by the last gains of its ids.)
SUM, COUNT, OF_WHOLE, OF_FREQUENT = range(4)
# Words of ``PlanBook.settings``.
COVER, MOST_LISTED, WORTH, SHUFFLED, TRY_FREQUENT = range(5)
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
    active: np.ndarray  # (active ids,): in ascending order; empty if all are active
    spans: np.ndarray  # (workers + 1,): where each worker's ids begin in `active`
    visits: np.ndarray  # (size,): the ids of a sweep in order; worker p's begin at bounds[p]
    preference: np.ndarray  # (size,): see frequencies.py
    mean: np.ndarray  # (workers,): mean gain
    queue: np.ndarray  # (5, workers): see frequencies.py
    taken: np.ndarray  # (size,): when each id was last handed out
    repeats: np.ndarray  # (1,): whether a lease may hold an id several times
    gain: np.ndarray  # (size,): gain of the last update of each id
    bins: np.ndarray  # (BINS,): sums of gains
    plan: np.ndarray  # (10, workers): KIND, PASS, …
    rate: np.ndarray  # (3, workers): gain of a visit, by kind of sweep
    made: np.ndarray  # (4, workers): SUM, COUNT, …
    settings: np.ndarray  # (5,): COVER, …
    log: np.ndarray  # (LOGGED, 5): sweeps that have begun, the last ones


@inlined
def _id(book: Any, p: int, i: int) -> int:
    """Return the i-th active id of worker `p`."""
    return book.active[book.spans[p] + i] if len(book.active) else book.spans[p] + i


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
    """Write worker `p`'s list into its visits; return its length."""
    last = _last_bin(book, p, d)
    top, first, n = book.bins[0], book.bounds[p], 0
    if last < 0:
        return 0
    for i in range(d):
        j = _id(book, p, i)
        g = book.gain[j]
        if g == UNVISITED or (g > 0.0 and _bin(g, top) <= last):
            book.visits[first + n] = j
            n += 1
    return n


@inlined
def _rate_of(book: Any, p: int, length: int) -> float:
    """Return the mean of the last gains of what worker `p` has just visited."""
    first = book.bounds[p]
    total, n = 0.0, 0
    for i in range(length):
        g = book.gain[book.visits[first + i]]
        if g < UNVISITED:
            total += g
            n += 1
    return total / n if n else 0.0


@inlined
def _unlisted_kind(book: Any, p: int) -> int:
    """Return the kind of the next sweep where no list pays."""
    count = book.plan[UNLISTED, p]
    book.plan[UNLISTED, p] = count + 1
    if not book.settings[TRY_FREQUENT] or book.plan[SWEEPS_OF + WHOLE, p] < 2:
        return WHOLE
    better = FREQUENT if book.made[OF_FREQUENT, p] > book.made[OF_WHOLE, p] else WHOLE
    if book.plan[SWEEPS_OF + FREQUENT, p] == 0:
        return FREQUENT
    return WHOLE + FREQUENT - better if count % TRIAL == 0 else better


@inlined
def _next_kind(book: Any, p: int, d: int, length: int) -> int:
    """Decide what worker `p` sweeps next; a list is then in its visits, of the length LENGTH."""
    kind = book.plan[KIND, p]
    rate = _rate_of(book, p, length)
    if kind == WHOLE and book.plan[SWEEPS_OF + WHOLE, p] > 1:
        book.plan[ALARMS, p] += rate > ALARM * book.rate[WHOLE, p]
    book.rate[kind, p] = rate
    made = book.made[SUM, p] / max(book.made[COUNT, p], 1.0)
    book.made[SUM, p] = book.made[COUNT, p] = 0.0
    if kind != LIST:
        book.made[OF_WHOLE if kind == WHOLE else OF_FREQUENT, p] = made
    if kind == LIST:
        book.plan[PASS, p] += 1
        worth = book.settings[WORTH] * book.rate[WHOLE, p]
        return LIST if rate >= worth and rate > 0.0 and book.plan[PASS, p] < PASSES else WHOLE
    if kind == FREQUENT:
        return _unlisted_kind(book, p)
    n = _listed(book, p, d)
    if 0 < n <= book.settings[MOST_LISTED] * d:
        book.plan[PASS, p] = book.plan[UNLISTED, p] = 0
        book.queue[LENGTH, p] = n
        return LIST
    return _unlisted_kind(book, p)


@inlined
def _note(book: Any, p: int, kind: int, length: int, rate: float) -> None:
    """Log that a sweep begins."""
    book.plan[KIND, p] = kind
    book.plan[SWEEPS_OF + kind, p] += 1
    book.plan[VISITS_OF + kind, p] += length
    at = book.queue[SWEPT].sum() % LOGGED
    book.log[at, 0], book.log[at, 1], book.log[at, 2] = p, book.queue[SWEPT, p], kind
    book.log[at, 3], book.log[at, 4] = length, rate


@inlined
def _plan(book: Any, p: int) -> None:
    """Write the visits of worker `p`'s next sweep."""
    d = book.spans[p + 1] - book.spans[p]
    first, before = book.bounds[p], book.plan[KIND, p]
    kind = _next_kind(book, p, d, book.queue[LENGTH, p]) if book.queue[SWEPT, p] else WHOLE
    if kind == WHOLE:
        for i in range(d):
            book.visits[first + i] = _id(book, p, i)
    elif kind == FREQUENT:
        spread(book, p, d)
    if kind != LIST:
        book.queue[LENGTH, p] = d
    length = book.queue[LENGTH, p]
    if book.settings[SHUFFLED] or kind == FREQUENT:
        shuffle(book, p, length)
    book.queue[SWEPT, p] += 1
    book.queue[AT, p] = 0
    _note(book, p, kind, length, book.rate[before, p])


@kernel
def begin_plans(book: Any) -> None:
    """Begin the next sweep of every worker that has finished one."""
    book.queue[LEASES, 0] += 1
    for p in range(book.queue.shape[1]):
        if book.queue[AT, p] >= book.queue[LENGTH, p]:
            _plan(book, p)


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
            book.made[SUM, p] += g
            learn(book, p, ids[p, i], g)
        book.made[COUNT, p] += cuts[p, micro]
