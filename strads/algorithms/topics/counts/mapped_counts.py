"""Counts of words in documents that stay in files, as far as a topic model needs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets import MappedMatrix

#: About so many entries of documents are copied together.
TOGETHER = 1 << 18


class MappedCounts:
    """Counts in a file by documents: their sums are known, and some documents are copied at a time.

    Parameters
    ----------
    matrix : MappedMatrix
        Sparse, by rows.
    of_documents, of_words : ndarray of int64
        Numbers of tokens.
    """

    def __init__(
        self, matrix: MappedMatrix, of_documents: np.ndarray, of_words: np.ndarray
    ) -> None:
        self.matrix, self.shape = matrix, matrix.shape
        self._sums = {1: of_documents, 0: of_words}

    def sum(self, axis: int | None = None, dtype: Any = None) -> Any:
        """Return the number of tokens, of every document (axis 1) or of every word (axis 0)."""
        return self._sums[1].sum(dtype=dtype) if axis is None else self._sums[axis]

    def documents(self, rows: np.ndarray) -> Any:
        """Copy some documents: a csr_array of int32."""
        return sp.csr_array(self.matrix.rows(rows)).astype(np.int32)

    def parts(self, order: np.ndarray) -> list[np.ndarray]:
        """Cut an order of documents into pieces of about :data:`TOGETHER` entries."""
        ends = np.cumsum(np.diff(self.matrix.starts)[order])
        count = int(ends[-1]) // TOGETHER + 1 if len(ends) else 1
        cuts = np.searchsorted(ends, np.arange(1, count) * (ends[-1] / count)) if count > 1 else []
        return [part for part in np.split(order, cuts) if len(part)]
