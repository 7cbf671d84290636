"""The rounds of a launch in one compiled call: await feedback, observe it, fill, publish.

With a look-ahead of L, exactly the rounds up to t−1−L of the launch have been observed when round t
is filled. At the end of a launch all of its rounds are observed. Where the workers are processes,
the loop waits for them by their step clock. Else it returns when it needs rounds to have been run,
and is called again.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.borrowed import borrowed
from strads.kernels.driving import slots as s
from strads.kernels.driving.observing import learn_from
from strads.kernels.random import fold
from strads.kernels.driving.filling import fill, restraint
from strads.kernels.scheduling.clearance import MICROS, ORDER_WANTED
from strads.kernels.sync.atomics import cycles
from strads.kernels.sync.clock import STRIDE, advance, await_alone

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

#: Number of empty rounds in a row, with no feedback to come, after which a launch ends. A policy
#: may leave a few rounds empty; but without new feedback, many of them mean that it would never
#: hand out anything again.
IDLE_ROUNDS = 64

#: What the loop returns: the launch is over; rounds must be run first; another process aborted the
#: launch; the policy has never handed out any id; the order of the next epoch must be written.
OVER, PENDING, ABORTED, NOTHING, RENEW = range(5)


@inlined
def _over(words: np.ndarray) -> bool:
    return words[s.DONE] >= words[s.EPOCHS] or words[s.IDLE] >= IDLE_ROUNDS


@inlined
def _await(clocks: Any, words: np.ndarray, rounds: int) -> int:
    """Wait until the first `rounds` rounds are finished; return OVER if they are."""
    if not words[s.SYNC]:
        return OVER if words[s.EXECUTED] >= rounds else PENDING
    since = cycles()
    n = len(clocks.done) // STRIDE
    live = await_alone(clocks.done, n, rounds, clocks.wake_scheduler)
    words[s.WAITED] += cycles() - since
    return OVER if live else ABORTED


@kernel
def _observe(book: Any, slots: Any, at: int, words: np.ndarray, reals: np.ndarray) -> None:
    micro = slots.info[at, s.N_MICRO]
    ids, cuts, change = slots.ids[at], slots.cuts[at], slots.change[at]
    if words[s.FEEDBACK] == s.CHANGES:
        learn_from(book, ids, cuts, change, micro, reals[s.FLOOR])
    elif words[s.FEEDBACK] == s.GAINS:
        learn_from(book, ids, cuts, slots.gain[at], micro, reals[s.FLOOR])
    else:
        learn_from(book, ids, cuts, 0.5 * np.square(change), micro, reals[s.FLOOR])


@kernel
def _fill(
    book: Any, coupling: Any, costs: np.ndarray, slots: Any, at: int, words: np.ndarray,
    reals: np.ndarray,
) -> int:  # fmt: skip
    """Fill a slot, and set the changes and gains of its ids to zero; return the number of ids."""
    ids, cuts, info = slots.ids[at], slots.cuts[at], slots.info[at]
    reals[s.RHO] *= restraint(book)
    count = fill(
        book, coupling, ids, cuts, costs, words[s.PER], words[s.MICRO], reals[s.RHO],
        words[s.LIMIT], words[s.SEQUENTIAL] != 0,
    )  # fmt: skip
    info[s.N_MICRO], info[s.COUNT] = book.counts[MICROS], count
    info[s.SWEEPS] = words[s.LEASE_SWEEPS]
    for p in range(ids.shape[0]):
        n = cuts[p, info[s.N_MICRO]]
        slots.change[at, p, :n] = 0.0
        if slots.gain.size > 0:
            slots.gain[at, p, :n] = 0.0
    return count


@inlined
def _hand_out(words: np.ndarray, count: int) -> None:
    """Count a round of `count` ids; see `Launch` in strads/engine/rounds."""
    static = words[s.STATIC] != 0
    words[s.VISITED] += 1 if static else count
    ends = words[s.VISITED] >= (words[s.EPOCH_ROUNDS] if static else words[s.ACTIVE])
    if ends:
        words[s.DONE] += 1
        words[s.EPOCHS_DONE] += 1
        words[s.VISITED] = 0
    waits = static or ends or count > 0 or words[s.IN_FLIGHT] > 0
    words[s.IDLE] = 0 if waits else words[s.IDLE] + 1
    words[s.IN_FLIGHT] += count


@inlined
def _count(slots: Any, at: int, words: np.ndarray, unseen: int) -> None:
    """Count what kind of round it is, and its staleness; see `Staleness`."""
    info, cuts = slots.info[at], slots.cuts[at]
    blocks, workers = 0, cuts.shape[0]
    for p in range(workers):
        blocks += cuts[p, info[s.N_MICRO]] > cuts[p, 0]
    words[s.SINGLE] += workers > 1 and blocks == 1
    words[s.EMPTY] += blocks == 0
    words[s.BLOCKS] += blocks
    words[s.DISPATCHED] += info[s.COUNT]
    micro, depth = info[s.N_MICRO] * info[s.SWEEPS], words[s.DEPTH]
    words[s.COUNTED_ROUNDS] += 1
    words[s.MISSED_ROUNDS] += unseen
    first = words[s.SINCE]
    words[s.SINCE] = first + micro
    words[s.PUSHES] += micro
    words[s.MISSED_PULLS] += micro * depth
    for u in range(first, min(first + micro, depth)):  # fewer than `depth` came before
        words[s.MISSED_PULLS] -= depth - u


@inlined
def _visit(
    visits: Any, slots: Any, at: int, words: np.ndarray, reals: np.ndarray
) -> None:
    """Count the visits of a round, unless counting has taken too long already."""
    begun = cycles()
    info = slots.info[at]
    words[s.VISITS] += info[s.COUNT] * info[s.SWEEPS]
    if words[s.SPENT] > reals[s.SHARE] * (begun - words[s.BEGAN]):
        return
    parts = len(visits.counts)
    for p in range(slots.ids.shape[1]):
        for i in range(slots.cuts[at, p, info[s.N_MICRO]]):
            j = slots.ids[at, p, i]
            if len(visits.order):
                j = visits.order[j]
            visits.counts[j if parts == words[s.SIZE] else j * parts // words[s.SIZE]] += info[s.SWEEPS]
    words[s.COUNTED] += info[s.COUNT] * info[s.SWEEPS]
    words[s.SPENT] += cycles() - begun


@inlined
def _next_round(
    book: Any, coupling: Any, costs: np.ndarray, slots: Any, visits: Any, words: np.ndarray,
    reals: np.ndarray,
) -> bool:  # fmt: skip
    """Fill the next slot and count it; False if the policy has never handed out any id."""
    t = words[s.FILLED]
    at = t % slots.info.shape[0]
    info = slots.info[at]
    info[:] = 0
    count = _fill(book, coupling, costs, slots, at, words, reals)
    info[s.ROUND], info[s.EPOCH] = words[s.ROUNDS], words[s.EPOCHS_DONE]
    number = words[s.EPOCHS_DONE] if words[s.STATIC] else words[s.ROUNDS]
    info[s.KEY] = np.int64(np.uint64(fold(words[s.LAUNCH_KEY], number)) >> np.uint64(1))
    words[s.ROUNDS] += 1
    _hand_out(words, count)
    if words[s.IDLE] >= IDLE_ROUNDS:
        if words[s.DISPATCHED] == 0:
            return False
        words[s.EXHAUSTED] += 1
    info[s.LAST] = _over(words)
    _count(slots, at, words, t - words[s.SEEN])
    if len(visits.counts):
        _visit(visits, slots, at, words, reals)
    words[s.FILLED] = t + 1
    return True


@inlined
def _drive(
    book: Any, coupling: Any, costs: np.ndarray, slots: Any, clocks: Any, visits: Any,
    words: np.ndarray, reals: np.ndarray,
) -> int:  # fmt: skip
    n_slots = slots.info.shape[0]
    while not _over(words):
        behind = words[s.FILLED] - words[s.LOOK_AHEAD]
        if behind > words[s.SEEN]:
            status = _await(clocks, words, behind)
            if status != OVER:
                return status
            at = words[s.SEEN] % n_slots
            words[s.IN_FLIGHT] -= slots.info[at, s.COUNT]
            _observe(book, slots, at, words, reals)
            words[s.SEEN] += 1
        if book.counts[ORDER_WANTED]:
            return RENEW
        if not _next_round(book, coupling, costs, slots, visits, words, reals):
            return NOTHING
        if words[s.SYNC]:
            advance(clocks.published, words[s.FILLED], clocks.wake_workers)
    status = _await(clocks, words, words[s.FILLED])
    if status != OVER:
        return status
    while words[s.SEEN] < words[s.FILLED]:
        _observe(book, slots, words[s.SEEN] % n_slots, words, reals)
        words[s.SEEN] += 1
    return OVER


@kernel
def drive(
    book: Any, coupling: Any, costs: np.ndarray, slots: Any, clocks: Any, visits: Any,
    words: np.ndarray, reals: np.ndarray,
) -> int:  # fmt: skip
    """Drive a launch as far as it goes; or fill or observe a single lease, in slot 0.

    Parameters
    ----------
    book : DrawBook, ListBook, FrequencyBook, PlanBook or TurnBook
        State of the policy, changed in place.
    coupling : named tuple
        See :mod:`strads.kernels.scheduling.coupling`.
    costs : ndarray of float64, shape (size,) or (0,)
        See :func:`strads.kernels.driving.filling.fill`.
    slots, clocks, visits : Slots, Clocks, Visits
    words : ndarray of int64, shape (WORDS,)
        Settings, state and counts, changed in place: :mod:`strads.kernels.driving.slots`.
    reals : ndarray of float64, shape (3,)
        RHO, FLOOR, SHARE; see there.

    Returns
    -------
    status : int
        OVER, PENDING, ABORTED, NOTHING or RENEW.
    """
    book, coupling, slots = borrowed(book), borrowed(coupling), borrowed(slots)
    clocks, visits = borrowed(clocks), borrowed(visits)
    words, reals, costs = borrowed(words), borrowed(reals), borrowed(costs)
    if words[s.MODE] == s.FILL:
        _fill(book, coupling, costs, slots, 0, words, reals)
        return OVER
    if words[s.MODE] == s.OBSERVE:
        _observe(book, slots, 0, words, reals)
        return OVER
    since = cycles()
    if words[s.BEGAN] == 0:
        words[s.BEGAN] = since
    status = _drive(book, coupling, costs, slots, clocks, visits, words, reals)
    words[s.CYCLES] += cycles() - since
    return status
