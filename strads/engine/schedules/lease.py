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


def allocate_lease(workers: int, capacity: int, micro: int) -> Lease:
    """Return an empty lease outside of any ring."""
    return Lease(
        np.zeros((workers, capacity), np.int64), np.zeros((workers, capacity)),
        np.zeros((workers, micro + 1), np.int64), np.zeros(8, np.int64),
    )  # fmt: skip


def pack(lease: Lease, blocks: Sequence[np.ndarray], micro: int = 1) -> None:
    """Write one block a worker, cut evenly into `micro` micro-rounds."""
    workers, capacity = lease.ids.shape
    if len(blocks) != workers:
        raise ProgramError(f"a schedule dispatched {len(blocks)} blocks for {workers} workers")
    lease.change[...] = 0.0
    for p, block in enumerate(blocks):
        n = len(block)
        if n > capacity:
            raise ProgramError(f"a block of {n} ids exceeds the lease's capacity of {capacity}")
        lease.ids[p, :n] = block
        lease.cuts[p, : micro + 1] = np.arange(micro + 1) * n // micro
    lease.info[N_MICRO] = micro
    lease.info[COUNT] = sum(len(block) for block in blocks)
    lease.info[SWEEPS] = 1


def unpack(lease: Lease) -> list[np.ndarray]:
    """Return one block a worker."""
    last = lease.cuts[:, lease.info[N_MICRO]]
    return [lease.ids[p, : last[p]].copy() for p in range(len(last))]


def changes(lease: Lease) -> list[np.ndarray]:
    """Return the feedback, one array a worker."""
    last = lease.cuts[:, lease.info[N_MICRO]]
    return [lease.change[p, : last[p]].copy() for p in range(len(last))]
