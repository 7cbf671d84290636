"""The groups in a working set: their blocks of the Gram matrix, eigenvalues and couplings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np

from strads.algorithms.linear.multi_task.block_newton import Blocks
from strads.algorithms.linear.multi_task.program import MultiTaskProgram
from strads.algorithms.linear.solver.members.parallel_columns import weighted_columns
from strads.engine import derived

#: A computed eigenvalue may be too small by this share.
LARGER: Final = 1.0 + 1e-9
#: Entries of columns that are copied at once to compute blocks of the Gram matrix.
AT_ONCE: Final = 1 << 22


class GroupBlocks(MultiTaskProgram):
    """Base of the program: what is known of the groups in the working set.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.multi_task.program.MultiTaskProgram`.

    Attributes
    ----------
    joined : ndarray of int
        Numbers of these groups.
    """

    shares_tasks: ClassVar[bool] = False  # an id of its sweeps is a group

    # Axis "blocks": the groups in the working set.
    first = derived("blocks", dtype=np.int64, returned=False)
    end = derived("blocks", dtype=np.int64, returned=False)
    limit = derived("blocks", returned=False)  # weights of the penalty
    largest = derived("blocks", returned=False)  # eigenvalues
    coupling = derived("blocks", "blocks", dtype=np.float32, returned=False)
    own = derived("squares", returned=False)  # blocks of the Gram matrix, one after another
    own_start = derived("blocks", dtype=np.int64, returned=False)

    def __init__(self, **given: Any) -> None:
        super().__init__(blocks=0, squares=0, **given)
        self.joined = np.zeros(0, np.int64)

    def _used(self, name: str) -> np.ndarray:
        used: np.ndarray = self.state[name][: len(self.joined)]
        return used

    def renew_blocks(self, old: int) -> None:
        """Compute the blocks of the Gram matrix that belong to groups, but for the first `old`."""
        first, sizes = self._used("first"), self._used("end") - self._used("first")
        ends = np.cumsum(sizes**2)
        self.own_start[: len(ends)] = np.append(0, ends[:-1])
        self.grow("squares", int(ends[-1]))
        for size in np.unique(sizes[old:]):
            alike = old + np.flatnonzero(sizes[old:] == size)
            step = max(1, AT_ONCE // (int(size) * self.size["rows"]))
            for blocks in np.split(alike, np.arange(step, len(alike), step)):
                products = self._products(self.members[first[blocks, None] + np.arange(size)])
                places = self.own_start[blocks, None] + np.arange(size**2)
                self.own[places] = products.reshape(len(blocks), -1)
                largest = products[:, 0, 0] if size == 1 else np.linalg.eigvalsh(products)[:, -1]
                self.largest[blocks] = LARGER * np.maximum(largest, 0.0)

    def _products(self, ids: np.ndarray) -> np.ndarray:
        """Return the inner products of the columns of each row of ids, with the ridge."""
        (groups, size), mean = ids.shape, self.mean[ids]
        if size == 1:
            squares: np.ndarray = self.norm[ids][:, :, None] ** 2
            return squares
        columns = weighted_columns(self.X, ids.ravel(), self.unit)
        if self.sparse:
            parts = [columns[:, k * size : (k + 1) * size] for k in range(groups)]
            products = np.stack([(part.T @ part).toarray() for part in parts])
        else:
            rows = np.ascontiguousarray(columns.T).reshape(groups, size, -1)
            products = rows @ rows.transpose(0, 2, 1)
        products += self.ridge * np.eye(size)
        products -= self.samples * mean[:, :, None] * mean[:, None, :]
        return products

    def build(self) -> Iterator[str]:
        """Yield the phases that compute the Gram matrix; then compute the couplings of groups."""
        built, count = self.built, self.count
        yield from super().build()
        if built == count:
            return
        starts = self._used("first")
        old = int(np.searchsorted(starts, built))
        squares = np.square(self.G[built:count, :count])
        sums = np.add.reduceat(squares, starts[old:] - built, axis=0)
        fresh = np.sqrt(np.add.reduceat(sums, starts, axis=1))
        self.coupling[old : len(starts), : len(starts)] = fresh
        self.coupling[: len(starts), old : len(starts)] = fresh.T

    def blocks(self) -> Blocks:
        """Return the groups in the working set."""
        return Blocks(self._used("first"), self.penalty * self._used("limit"), self.count)

    def metric(self) -> np.ndarray:
        """Return the largest eigenvalue of each member's group."""
        sizes = self._used("end") - self._used("first")
        return np.repeat(self._used("largest"), sizes)
