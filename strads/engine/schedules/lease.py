"""A lease: what a schedule hands out for one round, in arrays that the workers read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from strads.engine.errors import ProgramError

# Words of ``info``.
N_MICRO, KEY, LAST, SWEEPS, COUNT, ROUND, EPOCH = range(7)


class Lease(NamedTuple):
    """One slot of a phase's ring.

    Attributes
    ----------
    ids : ndarray of int64, shape (workers, capacity)
        Every worker's block, its micro-rounds one after the other.
    change : ndarray of float64, shape (workers, capacity)
        Feedback of the push, aligned with ``ids``.
    cuts : ndarray of int64, shape (workers, micro + 1)
        Micro-round m of worker p is ``ids[p, cuts[p, m]:cuts[p, m + 1]]``.
    info : ndarray of int64, shape (8,)
        Micro-rounds, key, last round of the launch, sweeps, ids in all, round, epoch.
    """

    ids: np.ndarray
    change: np.ndarray
    cuts: np.ndarray
    info: np.ndarray

    def block(self, worker: int) -> np.ndarray:
        """Ids that the round hands to a worker, micro-round after micro-round: a view."""
        return self.ids[worker, self._used(worker)]

    def changes(self, worker: int) -> np.ndarray:
        """What the worker's pushes wrote into ``change``, one entry an id of its block: a view.

        Of a finished round; zero where a kernel wrote nothing.
        """
        return self.change[worker, self._used(worker)]

    def _used(self, worker: int) -> slice:
        return slice(self.cuts[worker, 0], self.cuts[worker, self.info[N_MICRO]])


def allocate_lease(workers: int, capacity: int, micro: int) -> Lease:
    """Return an empty lease outside of any ring."""
    return Lease(
        np.zeros((workers, capacity), np.int64), np.zeros((workers, capacity)),
        np.zeros((workers, micro + 1), np.int64), np.zeros(8, np.int64),
    )  # fmt: skip


def pack(lease: Lease, blocks: Sequence[np.ndarray], micro: int = 1) -> None:
    """Write one block a worker, cut evenly into `micro` micro-rounds.

    Raises
    ------
    ProgramError
        If the blocks are not one array of ids for each worker, or do not fit.
    """
    workers, capacity = lease.ids.shape
    if len(blocks) != workers:
        raise ProgramError(f"a schedule dispatched {len(blocks)} blocks for {workers} workers")
    if not 1 <= micro < lease.cuts.shape[1]:
        raise ProgramError(
            f"micro={micro}: there is room for {lease.cuts.shape[1] - 1} micro-rounds"
        )
    for p, block in enumerate(blocks):
        block = np.asarray(block)
        n = len(block)
        if n and block.dtype.kind not in "iu":
            raise ProgramError(
                f"the block of worker {p} must be ids, whole numbers; it is of type {block.dtype}"
            )
        if n > capacity:
            raise ProgramError(f"a block of {n} ids exceeds the lease's capacity of {capacity}")
        lease.ids[p, :n], lease.change[p, :n] = block, 0.0
        lease.cuts[p, : micro + 1] = np.arange(micro + 1) * n // micro
    lease.info[N_MICRO] = micro
    lease.info[COUNT] = sum(len(block) for block in blocks)
    lease.info[SWEEPS] = 1
