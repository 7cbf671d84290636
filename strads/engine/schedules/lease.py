"""Leases: the ids that a schedule hands out for one round, in arrays that the workers read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from strads.engine.errors import ProgramError
from strads.kernels.driving.slots import COUNT, EPOCH, KEY, LAST, N_MICRO, ROUND, SPANS, SWEEPS

__all__ = [
    "COUNT", "EPOCH", "KEY", "LAST", "NO_GAIN", "N_MICRO", "ROUND", "SPANS", "SWEEPS",
    "Block", "Lease", "allocate_lease", "pack",
]  # fmt: skip

#: Ids of one worker in order: an array, or a range, which takes no memory.
Block = np.ndarray | range

#: Gains of a lease whose pushes write none.
NO_GAIN: Final = np.zeros((0, 0))


class Lease(NamedTuple):
    """The ids of one round and their feedback: one slot of a phase's ring.

    Attributes
    ----------
    ids : ndarray of int64, shape (workers, capacity)
        Every worker's block, one micro-round after the other.
    change : ndarray of float64, shape (workers, capacity)
        Feedback that pushes write, one entry for each of ``ids``.
    cuts : ndarray of int64, shape (workers, micro + 1)
        Micro-round m of worker p is ``ids[p, cuts[p, m]:cuts[p, m + 1]]``.
    info : ndarray of int64, shape (8,)
        Number of micro-rounds, random key, whether this is the last round of the launch, number
        of sweeps, number of ids, round, epoch, and whether of each micro-round only the first id is
        written, since the others follow it in a row; see :data:`N_MICRO` and the names beside it.
    gain : ndarray of float64, shape (workers, capacity) or (0, 0)
        By how much each update lowered the objective, one entry for each of ``ids``. It is empty
        where the push has no parameter ``gain``.
    """

    ids: np.ndarray
    change: np.ndarray
    cuts: np.ndarray
    info: np.ndarray
    gain: np.ndarray = NO_GAIN

    def block(self, worker: int) -> np.ndarray:
        """Return a worker's ids, one micro-round after the other: a view, unless they are spans."""
        if self.info[SPANS]:
            micros = range(int(self.info[N_MICRO]))
            return np.concatenate([self.micro_round(worker, m) for m in micros])
        return self.ids[worker, self._used(worker)]

    def micro_round(self, worker: int, m: int) -> np.ndarray:
        """Return the ids of one micro-round of a worker: a view, unless they are a span."""
        lo, hi = int(self.cuts[worker, m]), int(self.cuts[worker, m + 1])
        if self.info[SPANS] and lo < hi:
            first = int(self.ids[worker, lo])
            return np.arange(first, first + hi - lo)
        return self.ids[worker, lo:hi]

    def changes(self, worker: int) -> np.ndarray:
        """Return a view of what a worker's pushes wrote into ``change``, one entry per id.

        It is complete when the round has finished, and zero where a kernel wrote nothing; under a
        static schedule, which learns from no changes, there may be earlier ones.
        """
        return self.change[worker, self._used(worker)]

    def gains(self, worker: int) -> np.ndarray:
        """Return a view of what a worker's pushes wrote into ``gain``, one entry per id.

        Where they write no gains it is empty.
        """
        return self.gain[worker, self._used(worker)] if self.gain.size else NO_GAIN.ravel()

    def clear_changes(self) -> None:
        """Set the changes of all leased ids to zero; what is beyond belongs to no id."""
        for worker in range(len(self.ids)):
            self.changes(worker)[...] = 0.0

    def clear_gains(self) -> None:
        """Set the gains of all leased ids to zero, if there are any."""
        if self.gain.size:
            for worker in range(len(self.ids)):
                self.gains(worker)[...] = 0.0

    def _used(self, worker: int) -> slice:
        return slice(self.cuts[worker, 0], self.cuts[worker, self.info[N_MICRO]])


def allocate_lease(workers: int, capacity: int, micro: int) -> Lease:
    """Return an empty lease in private memory, for a policy that drives another policy."""
    return Lease(
        np.zeros((workers, capacity), np.int64), np.zeros((workers, capacity)),
        np.zeros((workers, micro + 1), np.int64), np.zeros(8, np.int64),
    )  # fmt: skip


def pack(lease: Lease, blocks: Sequence[np.ndarray], micro: int = 1) -> None:
    """Write one block per worker into a lease, cut evenly into `micro` micro-rounds.

    Changes of these ids are set to zero.

    Raises
    ------
    ProgramError
        If there is not one array of ids per worker, or a block exceeds the lease's capacity.
    """
    place(lease, blocks, micro)
    lease.clear_changes()


def in_row(block: Block) -> Block:
    """Return a range in place of an array whose ids are in a row."""
    if isinstance(block, range) or len(block) == 0 or np.any(np.diff(block) != 1):
        return block
    return range(int(block[0]), int(block[-1]) + 1)


def demand_row(block: Block, worker: int) -> None:
    """Refuse a block, or a micro-round, whose ids are not in a row.

    Raises
    ------
    ProgramError
    """
    if not isinstance(in_row(block), range) and len(block):
        wrong = int(np.flatnonzero(np.diff(block) != 1)[0])
        raise ProgramError(
            f"the kernels ask for 'span', but the ids of worker {worker} are not in a row: "
            f"{block[wrong]} is followed by {block[wrong + 1]}; ask for 'block' instead"
        )


def place(
    lease: Lease, blocks: Sequence[Block], micro: int = 1, *, spans: bool = False
) -> None:  # fmt: skip
    """Write blocks as :func:`pack` does, but leave the changes, which nobody will look at.

    Rounds of a million light ids take no longer to update than to write, so every pass counts. With
    `spans` the ids of a block must be in a row, and only the first of each micro-round is written.
    """
    workers, capacity = lease.ids.shape
    if len(blocks) != workers:
        raise ProgramError(f"a schedule dispatched {len(blocks)} blocks for {workers} workers")
    if not 1 <= micro < lease.cuts.shape[1]:
        raise ProgramError(
            f"micro={micro}: the lease has capacity for {lease.cuts.shape[1] - 1} micro-rounds"
        )
    for p, block in enumerate(blocks):
        n = len(block)
        if not isinstance(block, range):
            block = np.asarray(block)
            if n and block.dtype.kind not in "iu":
                raise ProgramError(
                    f"the block of worker {p} must be ids, whole numbers; it is of type "
                    f"{block.dtype}"
                )
        if n > capacity:
            raise ProgramError(f"a block of {n} ids exceeds the lease's capacity of {capacity}")
        lease.cuts[p, : micro + 1] = np.arange(micro + 1) * n // micro
        if not spans:
            lease.ids[p, :n] = block
        elif n:
            demand_row(block, p)
            firsts = np.unique(lease.cuts[p, :micro])
            lease.ids[p, firsts] = int(block[0]) + firsts
    lease.info[N_MICRO] = micro
    lease.info[COUNT] = sum(len(block) for block in blocks)
    lease.info[SWEEPS], lease.info[SPANS] = 1, spans
