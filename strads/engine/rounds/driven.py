"""Drive a launch by the compiled loop, and take over what it has counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from strads.engine.rounds.counts.visits import SHARE, Visits
from strads.engine.schedules.driven import Driven
from strads.kernels.driving import slots
from strads.kernels.driving.loop import ABORTED, NOTHING, OVER, PENDING, RENEW
from strads.kernels.driving.slots import Clocks, no_clocks, no_visits

#: Words of the loop for the counts of `Rounds`, and for those of its `Staleness`.
_COUNTS = {
    "epoch": slots.EPOCHS_DONE, "round": slots.ROUNDS, "single": slots.SINGLE,
    "empty": slots.EMPTY, "exhausted": slots.EXHAUSTED, "blocks": slots.BLOCKS,
    "dispatched": slots.DISPATCHED,
}  # fmt: skip
_STALENESS = {
    "pushes": slots.PUSHES, "missed_pulls": slots.MISSED_PULLS, "rounds": slots.COUNTED_ROUNDS,
    "missed_rounds": slots.MISSED_ROUNDS,
}  # fmt: skip


class Aborted(BaseException):
    """Another process aborted the launch; no Exception, or the schedule would be blamed for it."""


def drive(
    rounds: Any, driven: Driven, epochs: int, dispatched: Callable[[int], None],
    clocks: Clocks | None,
) -> int:  # fmt: skip
    """Run a launch; return the number of its rounds.

    Parameters
    ----------
    rounds : Rounds
        Whose counts go on.
    driven : Driven
    epochs : int
    dispatched : callable
        ``dispatched(t)`` runs round t, where there are no clocks.
    clocks : Clocks or None
        Of the workers, if these are processes.

    Raises
    ------
    ProgramError
        If the policy has never handed out any id.
    Aborted
    """
    words = driven.words
    _begin(rounds, words, epochs, clocks)
    seen, spent = _counted_visits(rounds, driven), 0.0
    try:
        while True:
            since = time.perf_counter()
            status = driven.call(rounds.ring.whole, clocks or no_clocks(), seen)
            spent += time.perf_counter() - since
            if status == PENDING:
                for t in range(words[slots.EXECUTED], words[slots.FILLED]):
                    dispatched(int(t))
                words[slots.EXECUTED] = words[slots.FILLED]
            elif status == RENEW:
                rounds.policy.write_order()
            elif status == ABORTED:
                raise Aborted
            elif status == NOTHING:
                rounds.exhaust()
            else:
                assert status == OVER
                return int(words[slots.FILLED])
    finally:
        rounds.waited = spent * float(words[slots.WAITED]) / max(1.0, float(words[slots.CYCLES]))
        _end(rounds, words)


def _begin(rounds: Any, words: np.ndarray, epochs: int, clocks: Clocks | None) -> None:
    """Write into the words what the launch needs, and the counts so far."""
    words[slots.FILLED : slots.SINCE + 1] = 0
    words[slots.CYCLES : slots.BEGAN + 1] = 0
    words[slots.MODE], words[slots.SYNC] = slots.DRIVE, clocks is not None
    words[slots.EPOCHS], words[slots.LAUNCH_KEY] = epochs, rounds.key
    words[list(_COUNTS.values())] = [getattr(rounds, name) for name in _COUNTS]
    counts = rounds.staleness.state()
    words[list(_STALENESS.values())] = [counts[name] for name in _STALENESS]


def _end(rounds: Any, words: np.ndarray) -> None:
    """Take over what has been counted."""
    rounds.policy.undriven()
    vars(rounds).update({name: int(words[at]) for name, at in _COUNTS.items()})
    rounds.staleness.restore({name: int(words[at]) for name, at in _STALENESS.items()})
    if rounds.visits is not None:
        rounds.visits.counted += int(words[slots.COUNTED])
        rounds.visits.dispatched += int(words[slots.VISITS])


def _counted_visits(rounds: Any, driven: Driven) -> slots.Visits:
    """Return the arrays in which visits of ids are counted; empty ones if they are not."""
    visits: Visits | None = rounds.visits
    if visits is None or not len(visits.counts):
        return no_visits()
    order = rounds.world.partition.order
    driven.reals[slots.SHARE] = SHARE
    return slots.Visits(np.empty(0, np.int64) if order is None else order, visits.counts)
