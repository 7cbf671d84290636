"""The arrays that the loop of rounds reads and writes, and the words that it counts in."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

# Words of ``Slots.info``, by slot. SPANS: whether only the first id of each micro-round is written,
# since the others follow it in a row.
N_MICRO, KEY, LAST, SWEEPS, COUNT, ROUND, EPOCH, SPANS = range(8)

# Words of the loop. Settings of the policy: ids of a worker in a micro-round, micro-rounds,
# deferrals after which an id gets a micro-round of its own, whether pushes are sequential, sweeps
# of a lease, number of active ids, what the policy learns from, whether it is static, and then the
# rounds of its epochs.
MODE, PER, MICRO, LIMIT, SEQUENTIAL, LEASE_SWEEPS, ACTIVE, FEEDBACK, STATIC, EPOCH_ROUNDS = range(
    10
)
# Settings of the phase and of the launch: look-ahead, depth, whether workers are other processes,
# epochs to run, random key.
LOOK_AHEAD, DEPTH, SYNC, EPOCHS, LAUNCH_KEY = range(10, 15)
# State of the launch: rounds filled, observed and executed; epochs done; rounds or ids of the
# epoch; ids in flight; empty rounds in a row; micro-rounds.
FILLED, SEEN, EXECUTED, DONE, VISITED, IN_FLIGHT, IDLE, SINCE = range(15, 23)
# Counts of the run; see `Rounds` and `Staleness` in strads/engine/rounds.
EPOCHS_DONE, ROUNDS, SINGLE, EMPTY, EXHAUSTED, BLOCKS, DISPATCHED = range(23, 30)
PUSHES, MISSED_PULLS, COUNTED_ROUNDS, MISSED_ROUNDS = range(30, 34)
# Cycles within the loop, of these waiting for workers; visits of ids, of these counted; cycles that
# counting has taken, and when it began.
CYCLES, WAITED, VISITS, COUNTED, SPENT, BEGAN = range(34, 40)
# Number of ids on the axis.
SIZE = 40
WORDS = 41
# Reals of the loop: ρ, the floor of weights, the share of time that counting visits may take.
RHO, FLOOR, SHARE = range(3)

#: Modes: drive a launch, fill one lease, observe one lease.
DRIVE, FILL, OBSERVE = range(3)
#: What a policy learns from: changes, gains that pushes write, or half the squares of changes.
CHANGES, GAINS, SQUARES = range(3)


class Slots(NamedTuple):
    """The ring of a phase: its leases, one slot after the other."""

    ids: np.ndarray  # int64 (slots, workers, capacity)
    cuts: np.ndarray  # int64 (slots, workers, micro + 1)
    change: np.ndarray  # (slots, workers, capacity)
    gain: np.ndarray  # (slots, workers, capacity), or empty
    info: np.ndarray  # int64 (slots, 8)


class Clocks(NamedTuple):
    """Words by which the scheduler and the workers wait for each other; see sync/clock.py."""

    done: np.ndarray
    wake_scheduler: np.ndarray
    published: np.ndarray
    wake_workers: np.ndarray


class Visits(NamedTuple):
    """Counts of visits of ids; empty if they are not counted."""

    order: np.ndarray  # int64: the user's id of each id, or empty if they are the same
    counts: np.ndarray  # int64 (parts,): part k of K has the ids with id * K // size == k


@functools.cache
def no_clocks() -> Clocks:
    """Return what stands for the clocks where all runs in one process."""
    return Clocks(*(np.zeros(1, np.int64) for _ in Clocks._fields))


@functools.cache
def no_visits() -> Visits:
    """Return what stands for the counts where visits are not counted."""
    return Visits(np.empty(0, np.int64), np.empty(0, np.int64))
