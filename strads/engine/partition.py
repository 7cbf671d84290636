"""Partitions: an axis cut into one contiguous range of ids per worker."""

from __future__ import annotations

from collections.abc import Callable
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

    @staticmethod
    def by_columns(matrix: Any, workers: int, *, costs: Any = None, seed: int = 0) -> Partition:
        """Put columns that are correlated with the same worker.

        Much of Σ (x_j · x_k)² / (‖x_j‖ ‖x_k‖)², over pairs of columns of the same worker, is kept
        there; so much less is left for pairs whose updates would not know of each other. What is
        looked at is the part of each column in the sixteen directions that hold most of them. Takes
        a few passes over the matrix, and a sort for each doubling of the workers.

        Parameters
        ----------
        matrix : sparse matrix or array-like of shape (rows, size)
            For example the design matrix.
        workers : int
        costs : array-like of shape (size,), optional
            Cost of every id, not negative; by default the number of entries of its column, plus
            one. A worker's cost is at most total / workers plus twice the largest cost of an id.
        seed : int, optional
            Of the random vectors with which the search begins. The same seed, the same partition.

        Returns
        -------
        Partition

        Raises
        ------
        ProgramError
            If the matrix is none of finite real numbers, or costs do not fit it.
        """
        from strads.engine.placement import columns

        value = columns.columns_of(matrix, "matrix")
        if costs is None:
            costs = columns.entries_of_columns(value)
        return _placed(lambda: columns.similar_columns(value, seed), costs, value.shape[1], workers,
                       seed)  # fmt: skip

    @staticmethod
    def by_rows(table: Any, workers: int, *, costs: Any = None, seed: int = 0) -> Partition:
        """Put similar rows of a table with the same worker.

        That is :meth:`by_columns` of the transposed table: rows are similar if they point in the
        same direction or in opposite ones.

        Parameters
        ----------
        table : sparse matrix or array-like of shape (size, features)
            A row for every id; for example samples, or the counts of a document.
        workers, costs, seed
            As in :meth:`by_columns`.
        """
        from strads.engine.placement import columns

        value = columns.columns_of(table, "table").T
        return Partition.by_columns(value, workers, costs=costs, seed=seed)

    @staticmethod
    def by_graph(graph: Any, workers: int, *, costs: Any = None, seed: int = 0) -> Partition:
        """Put ids that are linked by heavy edges with the same worker.

        Much of the sum of absolute weights is kept on edges between ids of the same worker. The
        search begins with a breadth-first order, which is good at lattices, and with a direction
        found by the power method, which is good at clusters, and improves both. Takes time in
        proportion to the edges, and a sort, for each doubling of the workers.

        Parameters
        ----------
        graph : sparse matrix or array-like of shape (size, size)
            For example a conflict graph or couplings. Both directions of an edge are added up.
        workers : int
        costs : array-like of shape (size,), optional
            Cost of every id; by default the number of its neighbours, plus one. The bound is that
            of :meth:`by_columns`.
        seed : int, optional
            Of the random vectors with which the search begins.

        Raises
        ------
        ProgramError
            If the graph is not square and finite, or costs do not fit it.
        """
        from strads.engine.placement.graph import linked

        links = linked(graph, "graph")
        if costs is None:
            costs = np.diff(links.weights.indptr).astype(np.float64) + 1.0
        return _placed(lambda: links, costs, links.weights.shape[0], workers, seed)


def _placed(
    similarity: Callable[[], Any], costs: Any, size: int, workers: int, seed: int
) -> Partition:
    """Place ids by a similarity, which is computed only if there is a choice."""
    from strads.engine.placement.bisection import owners, positive

    _demand_workers(workers)
    known = positive(costs, size)
    if workers == 1 or size == 0:
        return Partition.from_owners(np.zeros(size, np.int64), workers)
    return Partition.from_owners(owners(similarity(), known, workers, seed), workers)


def _demand_workers(workers: int) -> None:
    if workers < 1:
        raise ProgramError(f"workers={workers} must be at least 1")


def _bounds(cuts: np.ndarray, size: int, align: int) -> np.ndarray:
    rounded = np.rint(np.asarray(cuts, dtype=np.float64) / align).astype(np.int64) * align
    inner = np.maximum.accumulate(np.clip(rounded, 0, size)) if len(rounded) else rounded
    return np.concatenate([[0], inner, [size]]).astype(np.int64)
