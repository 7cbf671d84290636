"""Inner products of columns, computed when they are first needed, and kept."""

from __future__ import annotations

from typing import Final

import numpy as np

#: With fewer rows it takes less time to compute products than to look them up.
FEW_ROWS: Final = 512
#: Products of more columns than this are not kept: they would take half a gigabyte.
MOST_KEPT: Final = 8192


class Products:
    """Inner products XᵀX of the columns that have been asked for.

    Further columns may be appended to X between two calls; those that it has must not change.
    """

    def __init__(self) -> None:
        self._place = np.empty(0, np.int64)  # of a column among those that are kept; −1: not kept
        self._kept = np.empty(0, np.int64)
        self._table = np.empty((0, 0))

    def among(self, X: np.ndarray, used: np.ndarray) -> np.ndarray:
        """Return a new array with the products of the columns `used` of X with each other."""
        missing = X.shape[1] - len(self._place)
        self._place = np.append(self._place, np.full(missing, -1))
        fresh = used[self._place[used] < 0]
        if X.shape[0] < FEW_ROWS or len(self._kept) + len(fresh) > MOST_KEPT:
            columns = X[:, used]
            products: np.ndarray = columns.T @ columns
            return products
        if len(fresh):
            self._keep(X, fresh)
        at = self._place[used]
        return self._table[np.ix_(at, at)]

    @property
    def recorded(self) -> list[np.ndarray]:
        """The columns whose products are kept, and these, for :meth:`recall`.

        To compute them anew would not do for a run that resumes: the last bits of a product depend
        on the columns with which it is computed.
        """
        total = len(self._kept)
        return [self._kept, self._table[:total, :total]]

    def recall(self, recorded: list[np.ndarray]) -> None:
        """Take over the products that another instance had kept."""
        self._kept, self._table = np.asarray(recorded[0]), np.asarray(recorded[1])
        self._place = np.full(int(self._kept.max(initial=-1)) + 1, -1)
        self._place[self._kept] = np.arange(len(self._kept))

    def _keep(self, X: np.ndarray, fresh: np.ndarray) -> None:
        """Compute the products of fresh columns with each other and with those that are kept."""
        old, total = len(self._kept), len(self._kept) + len(fresh)
        if total > len(self._table):
            table = np.empty((2 * total, 2 * total))
            table[:old, :old] = self._table[:old, :old]
            self._table = table
        columns = X[:, fresh]
        self._table[old:total, old:total] = columns.T @ columns
        if old:
            across = X[:, self._kept].T @ columns
            self._table[:old, old:total], self._table[old:total, :old] = across, across.T
        self._place[fresh] = np.arange(old, total)
        self._kept = np.append(self._kept, fresh)
