"""Partitions: an axis cut into one contiguous range of ids per worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError


@dataclass(frozen=True, eq=False)
class Partition:
    """Says which worker holds which ids of an axis.

    If the user assigns ids to workers, the ids are renumbered so that every worker's ids are
    contiguous. *Laid-out* ids are the new numbers, in which arrays are stored.

    Attributes
    ----------
    bounds : ndarray of int64, shape (workers + 1,)
        Worker p holds the laid-out ids ``bounds[p] <= i < bounds[p + 1]``.
    order : ndarray of int64, shape (size,), or None
        User's id of every laid-out id; None if the ids keep their numbers.
    """

    bounds: np.ndarray
    order: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Number of ids."""
        return int(self.bounds[-1])

    @property
    def workers(self) -> int:
        """Number of workers."""
        return len(self.bounds) - 1

    def range(self, worker: int) -> tuple[int, int]:
        """First laid-out id of a worker, and the one after its last."""
        return int(self.bounds[worker]), int(self.bounds[worker + 1])

    def holder(self, ids: Any) -> np.ndarray:
        """Return the worker that holds each of the given laid-out ids."""
        return np.searchsorted(self.bounds, np.asarray(ids), side="right") - 1

    @staticmethod
    def contiguous(size: int, workers: int, *, align: int = 1) -> Partition:
        """Cut into ranges of equal length, up to rounding the cuts to multiples of `align`."""
        _demand_workers(workers)
        if workers == 1:
            return Partition(np.array([0, size], np.int64))
        cuts = np.arange(1, workers) * size / workers
        return Partition(_bounds(cuts, size, align))

    @staticmethod
    def balanced(costs: Any, workers: int, *, align: int = 1) -> Partition:
        """Cut so that every worker carries about the same cost.

        Before the cuts are rounded to multiples of `align`, a worker's cost is at most
        total / workers plus the cost of one id. Rounding moves a cut by at most ``align / 2`` ids.

        Parameters
        ----------
        costs : array-like of shape (size,)
            Cost of every id, not negative; for example the number of non-zeros of each column.
        workers : int
        align : int
        """
        _demand_workers(workers)
        costs = np.asarray(costs, dtype=np.float64)
        if costs.ndim != 1 or not np.all(np.isfinite(costs)) or np.any(costs < 0):
            raise ProgramError("costs must be one finite, non-negative number for each id")
        total = np.concatenate([[0.0], np.cumsum(costs)])
        if total[-1] == 0.0:
            return Partition.contiguous(len(costs), workers, align=align)
        goals = np.arange(1, workers) * total[-1] / workers
        above = np.searchsorted(total, goals)
        # Cut at the nearer of the two ids around each goal.
        nearer = above - (goals - total[above - 1] < total[above] - goals)
        return Partition(_bounds(nearer, len(costs), align))

    @staticmethod
    def from_owners(owners: Any, workers: int) -> Partition:
        """Use the user's own assignment of ids to workers.

        Two workers may share a cache line at the ``workers - 1`` cuts, and nowhere else.

        Parameters
        ----------
        owners : array-like of int, shape (size,)
            Worker of every id.
        workers : int
        """
        _demand_workers(workers)
        owners = np.asarray(owners)
        if owners.ndim != 1 or (owners.size and owners.dtype.kind not in "iu"):
            raise ProgramError("owners must be one worker number for each id")
        if owners.size and (owners.min() < 0 or owners.max() >= workers):
            bad = int(np.flatnonzero((owners < 0) | (owners >= workers))[0])
            raise ProgramError(
                f"owners[{bad}] is {owners[bad]}, not a worker from 0 to {workers - 1}"
            )
        order = np.argsort(owners, kind="stable").astype(np.int64)
        counts = np.bincount(owners, minlength=workers) if owners.size else np.zeros(workers)
        bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Partition(bounds, order)


def _demand_workers(workers: int) -> None:
    if workers < 1:
        raise ProgramError(f"workers={workers} must be at least 1")


def _bounds(cuts: np.ndarray, size: int, align: int) -> np.ndarray:
    rounded = np.rint(np.asarray(cuts, dtype=np.float64) / align).astype(np.int64) * align
    inner = np.maximum.accumulate(np.clip(rounded, 0, size)) if len(rounded) else rounded
    return np.concatenate([[0], inner, [size]]).astype(np.int64)
