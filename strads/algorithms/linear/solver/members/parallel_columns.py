"""Find columns that are multiples of each other.

Every column has a *mark*: the product of the unit column with fixed numbers, one a row. Parallel
columns have equal marks but for the sign. Columns with equal marks are compared entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import scipy.sparse as sp

#: Columns are parallel if their entries agree to this share of the largest entry.
PARALLEL: Final = 1e-12
#: Marks are computed for columns with about so many numbers at a time, which are copied.
COPIED: Final = 1 << 20
#: Columns are equally long if their norms agree to this share.
EQUAL: Final = 1e-10


class Pair(NamedTuple):
    """Two parallel columns: the longer one, or the first of equally long ones, and the other one.

    Attributes
    ----------
    kept, other : int
        Positions of the columns among the members.
    ratio : float
        The other column is the kept one times this.
    """

    kept: int
    other: int
    ratio: float


def column_lengths(X: Any, ids: np.ndarray) -> np.ndarray:
    """Return the numbers of stored entries of some columns of a CSC matrix."""
    lengths: np.ndarray = X.indptr[ids + 1].astype(np.int64) - X.indptr[ids]
    return lengths


def copied_columns(X: Any, ids: np.ndarray, n: int) -> Any:
    """Return a copy of some columns of a matrix, as a csc array if it has ``indptr``, else dense.

    Parameters
    ----------
    X : CSC or ndarray of shape (n, p)
    ids : ndarray of int
    n : int
        Number of rows.
    """
    if isinstance(X, np.ndarray):
        return X[:, ids]
    lengths = column_lengths(X, ids)
    ends = np.cumsum(lengths)
    at = np.repeat(X.indptr[ids] - ends + lengths, lengths) + np.arange(lengths.sum())
    entries = X.data[at].astype(np.float64), X.indices[at]
    return sp.csc_array((*entries, np.append(0, ends)), shape=(n, len(ids)))


def weighted_columns(X: Any, ids: np.ndarray, unit: np.ndarray) -> Any:
    """Return a copy of some columns with row i times ``unit[i]``; see :func:`copied_columns`."""
    columns = copied_columns(X, ids, len(unit))
    if isinstance(columns, np.ndarray):
        return columns * unit[:, None]
    columns.data *= unit[columns.indices]
    return columns


class ParallelColumns:
    """The marks of a growing set of members.

    Parameters
    ----------
    X : CSC or ndarray of shape (n, p)
    n : int
        Number of rows.
    signed : bool
        Whether only positive multiples count.
    """

    def __init__(self, X: Any, n: int, *, signed: bool) -> None:
        self.X, self.n, self.signed = X, n, signed
        self._numbers = (np.arange(n) * 40503 % 65521 + 1.0) / 65521.0
        self._marks = np.empty(0)
        self._norms = np.empty(0)

    def among(self, members: np.ndarray) -> Iterator[Pair]:
        """Yield a pair for every member that is parallel to a longer or an earlier one.

        Parameters
        ----------
        members : ndarray of int
            Ids of the columns; those of the call before come first, in the same order. Pairs among
            these are not found again, unless one of the fresh ones is parallel to them.
        """
        first = len(self._marks)
        self._mark(members[first:])
        order = np.argsort(self._marks, kind="stable")
        limit = PARALLEL * float(np.linalg.norm(self._numbers))
        starts = np.flatnonzero(np.diff(self._marks[order], prepend=-np.inf) > limit)
        ends = np.append(starts[1:], len(order))
        for k in np.flatnonzero(ends - starts > 1):
            group = order[starts[k] : ends[k]]
            if group.max() >= first and self._norms[group].max() > 0.0:
                yield from self._pairs(members, group)

    def _mark(self, fresh: np.ndarray) -> None:
        """Compute the marks and the norms of fresh members."""
        for part in np.array_split(fresh, 1 + self._numbers_in(fresh) // COPIED):
            taken = copied_columns(self.X, part, self.n)
            if isinstance(taken, np.ndarray):
                norms = np.sqrt(np.einsum("ij,ij->j", taken, taken, dtype=np.float64))
            else:
                norms = np.sqrt(taken.power(2).sum(axis=0))
            products = taken.T @ self._numbers
            marks = np.divide(products, norms, out=np.zeros(len(part)), where=norms > 0.0)
            self._marks = np.append(self._marks, marks if self.signed else np.abs(marks))
            self._norms = np.append(self._norms, norms)

    def _numbers_in(self, ids: np.ndarray) -> int:
        """Return how many numbers are stored for some columns."""
        if isinstance(self.X, np.ndarray):
            return self.n * len(ids)
        return int(column_lengths(self.X, ids).sum())

    def _pairs(self, members: np.ndarray, group: np.ndarray) -> Iterator[Pair]:
        """Yield the pairs of a group of equal marks."""
        while len(group) > 1:
            longest = self._norms[group] >= (1.0 - EQUAL) * self._norms[group].max()
            candidates = group[longest]
            kept = candidates[np.argmin(members[candidates])]
            apart = []
            for other in group[group != kept]:
                ratio = self._ratio(members[kept], members[other])
                if ratio:
                    yield Pair(int(kept), int(other), ratio)
                else:
                    apart.append(other)
            group = np.array(apart, np.int64)

    def _ratio(self, kept: int, other: int) -> float:
        """Return the number by which one column is multiplied to give the other; 0 if none."""
        (rows, x), (others, z) = self._entries(kept), self._entries(other)
        if not np.array_equal(rows, others):
            return 0.0
        ratio = float(x @ z) / float(x @ x)
        apart = float(np.abs(z - ratio * x).max(initial=0.0))
        parallel = apart <= PARALLEL * float(np.abs(z).max(initial=0.0))
        return ratio if parallel and (ratio > 0.0 or not self.signed) else 0.0

    def _entries(self, j: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the row numbers and the values of a column that are not zero."""
        if isinstance(self.X, np.ndarray):
            x = self.X[:, j].astype(np.float64, copy=False)
            rows = np.flatnonzero(x)
            return rows, x[rows]
        part = slice(self.X.indptr[j], self.X.indptr[j + 1])
        rows, values = self.X.indices[part], self.X.data[part].astype(np.float64)
        return rows[values != 0.0], values[values != 0.0]
