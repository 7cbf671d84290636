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
from strads.kernels.driving.filling import fill, restraint
from strads.kernels.driving.observing import learn_from
from strads.kernels.random import fold
from strads.kernels.scheduling.clearance import MICROS, ORDER_WANTED, SPANNED
from strads.kernels.sync.atomics import cycles
from strads.kernels.sync.clock import STRIDE, advance, await_alone

kernel = numba.njit(nogil=True, error_model="numpy")

#: Number of empty rounds in a row, with no feedback to come, after which a launch ends. A policy
#: may leave a few rounds empty; but without new feedback, many of them mean that it would never
#: hand out anything again.
IDLE_ROUNDS = 64

#: What the loop returns: the launch is over; rounds must be run first; another process aborted the
#: launch; the policy has never handed out any id; the order of the next epoch must be written.
OVER, PENDING, ABORTED, NOTHING, RENEW = range(5)


@kernel
def _over(words: np.ndarray) -> bool:
    return words[s.DONE] >= words[s.EPOCHS] or words[s.IDLE] >= IDLE_ROUNDS


@kernel
def _await(done: np.ndarray, wake: np.ndarray, words: np.ndarray, rounds: int) -> int:
    """Wait until the first `rounds` rounds are finished; return OVER if they are."""
    if not words[s.SYNC]:
        return OVER if words[s.EXECUTED] >= rounds else PENDING
    since = cycles()
    live = await_alone(done, len(done) // STRIDE, rounds, wake)
    words[s.WAITED] += cycles() - since
    return OVER if live else ABORTED


@kernel
def _clear(cuts: np.ndarray, values: np.ndarray, micro: int) -> None:
    """Set the changes or gains of the leased ids to zero; what is beyond belongs to no id."""
    for p in range(cuts.shape[0]):
        for i in range(cuts[p, micro]):
            values[p, i] = 0.0


@kernel
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


@kernel
def _count(cuts: np.ndarray, info: np.ndarray, words: np.ndarray) -> None:
    """Count what kind of round it is, and its staleness; see `Staleness`."""
    blocks, workers = 0, cuts.shape[0]
    for p in range(workers):
        blocks += cuts[p, info[s.N_MICRO]] > cuts[p, 0]
    words[s.SINGLE] += workers > 1 and blocks == 1
    words[s.EMPTY] += blocks == 0
    words[s.BLOCKS] += blocks
    words[s.DISPATCHED] += info[s.COUNT]
    micro, depth = info[s.N_MICRO] * info[s.SWEEPS], words[s.DEPTH]
    words[s.COUNTED_ROUNDS] += 1
    words[s.MISSED_ROUNDS] += words[s.FILLED] - words[s.SEEN]
    first = words[s.SINCE]
    words[s.SINCE] = first + micro
    words[s.PUSHES] += micro
    words[s.MISSED_PULLS] += micro * depth
    for u in range(first, min(first + micro, depth)):  # fewer than `depth` came before
        words[s.MISSED_PULLS] -= depth - u


@kernel
def _label(info: np.ndarray, words: np.ndarray) -> bool:
    """Complete the words of a lease; False if the policy has never handed out any id."""
    info[s.ROUND], info[s.EPOCH] = words[s.ROUNDS], words[s.EPOCHS_DONE]
    number = words[s.EPOCHS_DONE] if words[s.STATIC] else words[s.ROUNDS]
    info[s.KEY] = np.int64(np.uint64(fold(words[s.LAUNCH_KEY], number)) >> np.uint64(1))
    words[s.ROUNDS] += 1
    _hand_out(words, info[s.COUNT])
    if words[s.IDLE] >= IDLE_ROUNDS:
        if words[s.DISPATCHED] == 0:
            return False
        words[s.EXHAUSTED] += 1
    info[s.LAST] = _over(words)
    return True


@kernel
def _visit(
    order: np.ndarray, counts: np.ndarray, ids: np.ndarray, cuts: np.ndarray, info: np.ndarray,
    words: np.ndarray, share: float,
) -> None:  # fmt: skip
    """Count the visits of a round, unless counting has taken too long already."""
    begun = cycles()
    words[s.VISITS] += info[s.COUNT] * info[s.SWEEPS]
    if words[s.SPENT] > share * (begun - words[s.BEGAN]):
        return
    parts = len(counts)
    for p in range(ids.shape[0]):
        for i in range(cuts[p, info[s.N_MICRO]]):
            j = ids[p, 0] + i if info[s.SPANS] else ids[p, i]
            j = order[j] if len(order) else j
            counts[j if parts == words[s.SIZE] else j * parts // words[s.SIZE]] += info[s.SWEEPS]
    words[s.COUNTED] += info[s.COUNT] * info[s.SWEEPS]
    words[s.SPENT] += cycles() - begun


@kernel
def _observe(
    book: Any, ids: np.ndarray, cuts: np.ndarray, change: np.ndarray, gain: np.ndarray,
    info: np.ndarray, words: np.ndarray, floor: float,
) -> None:  # fmt: skip
    if words[s.FEEDBACK] == s.SQUARES:
        feedback = 0.5 * np.square(change)
    else:
        feedback = change if words[s.FEEDBACK] == s.CHANGES else gain
    learn_from(book, ids, cuts, feedback, info[s.N_MICRO], floor)


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
    mode, n_slots, since, status = words[s.MODE], slots.info.shape[0], cycles(), OVER
    words[s.BEGAN] = words[s.BEGAN] or since
    while True:
        # What is next: to observe a round that has been run, or to fill one.
        ends = mode == s.DRIVE and _over(words)
        behind = words[s.FILLED] - (0 if ends else words[s.LOOK_AHEAD])
        if mode == s.OBSERVE or (mode == s.DRIVE and behind > words[s.SEEN]):
            if mode == s.DRIVE:
                status = _await(clocks.done, clocks.wake_scheduler, words, behind)
                if status != OVER:
                    break
            at = words[s.SEEN] % n_slots
            gain = slots.gain[at] if slots.gain.size else slots.change[at]
            _observe(
                book, slots.ids[at], slots.cuts[at], slots.change[at], gain, slots.info[at],
                words, reals[s.FLOOR],
            )  # fmt: skip
            words[s.IN_FLIGHT] -= slots.info[at, s.COUNT]
            words[s.SEEN] += 1
            if mode == s.DRIVE:
                continue
            break
        if ends:
            break
        if book.counts[ORDER_WANTED]:
            status = RENEW
            break
        at = words[s.FILLED] % n_slots
        ids, cuts, info = slots.ids[at], slots.cuts[at], slots.info[at]
        if mode == s.DRIVE:
            info[:] = 0
        reals[s.RHO] *= restraint(book)
        info[s.COUNT] = fill(
            book, coupling, ids, cuts, costs, words[s.PER], words[s.MICRO], reals[s.RHO],
            words[s.LIMIT], words[s.SEQUENTIAL] != 0,
        )  # fmt: skip
        info[s.N_MICRO], info[s.SWEEPS] = book.counts[MICROS], words[s.LEASE_SWEEPS]
        info[s.SPANS] = book.counts[SPANNED]
        if not words[s.STATIC]:  # static policies learn from no changes
            _clear(cuts, slots.change[at], info[s.N_MICRO])
        if slots.gain.size:
            _clear(cuts, slots.gain[at], info[s.N_MICRO])
        if mode == s.FILL:
            break
        if not _label(info, words):
            status = NOTHING
            break
        _count(cuts, info, words)
        if len(visits.counts):
            _visit(visits.order, visits.counts, ids, cuts, info, words, reals[s.SHARE])
        words[s.FILLED] += 1
        if words[s.SYNC]:
            advance(clocks.published, words[s.FILLED], clocks.wake_workers)
    words[s.CYCLES] += cycles() - since
    return status
