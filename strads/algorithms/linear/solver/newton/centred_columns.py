"""Centred copies of the columns of a working set, and their inner products."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.linear.solver.newton.products import Products


class CentredColumns:
    """The columns u∘x_j − x̄_j u of a growing working set, in the leader's memory.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        All columns.
    unit : ndarray of shape (n,)
        u: √sample_weight, also the direction that centring projects out.

    Attributes
    ----------
    products : Products
        Inner products of the columns that have been copied.
    """

    def __init__(self, X: np.ndarray, unit: np.ndarray) -> None:
        self.X, self.unit = X, unit
        self.products = Products()
        self._copies = np.empty((len(unit), 0))
        self._count = 0

    def of(self, members: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return the centred columns of the members of the working set.

        Parameters
        ----------
        members : ndarray of int
            Numbers of the columns; members of the call before come first, in the same order.
        mean : ndarray
            Means of all columns.

        Returns
        -------
        ndarray of shape (n, len(members))
            A view of the copies.
        """
        old, total = self._count, len(members)
        if total > self._copies.shape[1]:
            copies = np.empty((len(self.unit), 2 * total), order="F")
            copies[:, :old] = self._copies[:, :old]
            self._copies = copies
        fresh = members[old:]
        added = self._copies[:, old:total]
        added[:] = self.X[:, fresh]
        added -= mean[fresh]
        added *= self.unit[:, None]
        self._count = total
        return self._copies[:, :total]


class KeepsColumns:
    """Base of programs whose leader solves problems on such copies by Newton's method."""

    X: Any
    unit: np.ndarray
    _columns: CentredColumns | None = None  # made when Newton's method begins

    def _centred(self) -> CentredColumns:
        if self._columns is None:
            self._columns = CentredColumns(self.X, self.unit)
        return self._columns

    def forget_columns(self) -> None:
        """Forget the copies of columns, because the weights of the rows have changed."""
        self._columns = None

    @property
    def kept_products(self) -> list[np.ndarray]:
        """What a resumed run needs of the copies: the products; empty if there are no copies."""
        return [] if self._columns is None else self._columns.products.recorded

    def recall_products(self, recorded: list[np.ndarray]) -> None:
        """Take over the products of a run that resumes."""
        if recorded:
            self._centred().products.recall(recorded)
