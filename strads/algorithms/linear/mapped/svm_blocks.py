"""Blocks of rows in memory, by how the file has them: the programs of support vector machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.mapped.svm_kernels import push_dense, push_sparse
from strads.algorithms.linear.mapped.svm_program import BlockSVM, largest_sum
from strads.datasets import MappedMatrix
from strads.engine import Phase, derived


class DenseBlocks(BlockSVM):
    """Blocks of dense rows."""

    held = derived("part_rows", "features", returned=False)
    phases: Mapping[str, Phase] = {"block": Phase(push=push_dense)}

    def __init__(self, *, matrix: MappedMatrix, **given: Any) -> None:
        super().__init__(matrix=matrix, features=matrix.shape[1], **given)

    def fill(self, block: list[tuple[int, int]]) -> None:
        """Copy the rows of a block to memory."""
        at = 0
        for lo, hi in block:
            self.matrix.copy_rows(lo, hi, self.state["held"][at : at + hi - lo])
            at += hi - lo

    def rows_held(self, first: int, last: int) -> Any:
        """Return some rows of the block that is in memory."""
        return self.state["held"][first:last]


class SingleBlocks(DenseBlocks):
    """Blocks of dense rows in single precision."""

    held = derived("part_rows", "features", dtype=np.float32, returned=False)


class SparseBlocks(BlockSVM):
    """Blocks of sparse rows."""

    held_value = derived("entries", returned=False)
    held_index = derived("entries", dtype=np.int32, returned=False)
    held_start = derived("bounds", dtype=np.int64, returned=False)
    phases: Mapping[str, Phase] = {"block": Phase(push=push_sparse)}

    def __init__(
        self, *, matrix: MappedMatrix, blocks: list[list[tuple[int, int]]], **given: Any
    ) -> None:
        ranges = [pair for block in blocks for pair in block]
        rows = largest_sum([hi - lo for lo, hi in ranges], blocks)
        super().__init__(matrix=matrix, blocks=blocks, bounds=rows + 1, entries=1, **given)
        # Of a file by columns this is the mean; the axis grows further where it does not suffice.
        self.reserve["entries"] = 1 + largest_sum([self._entries(*pair) for pair in ranges], blocks)

    def _entries(self, lo: int, hi: int) -> int:
        """Return how many entries a range of rows has."""
        starts, n = self.matrix.starts, self.matrix.shape[0]
        if self.matrix.by_columns:
            return int(starts[-1]) * (hi - lo) // n
        return int(starts[hi] - starts[lo])

    def fill(self, block: list[tuple[int, int]]) -> None:
        """Copy the rows of a block to memory."""
        at = row = 0
        self.state["held_start"][0] = 0
        for lo, hi in block:
            part = self.matrix.sparse_rows(lo, hi)
            entries, rows = part.nnz, hi - lo
            if at + entries > self.size["entries"]:
                self.grow("entries", at + entries)
            self.state["held_value"][at : at + entries] = part.data
            self.state["held_index"][at : at + entries] = part.indices
            self.state["held_start"][row + 1 : row + 1 + rows] = at + part.indptr[1:]
            at, row = at + entries, row + rows

    def rows_held(self, first: int, last: int) -> Any:
        """Return some rows of the block that is in memory."""
        starts = self.state["held_start"][first : last + 1]
        part = slice(int(starts[0]), int(starts[-1]))
        data, indices = self.state["held_value"][part], self.state["held_index"][part]
        return sp.csr_array(
            (data, indices, starts - starts[0]), shape=(last - first, self.matrix.shape[1])
        )
