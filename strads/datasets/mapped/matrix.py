"""A matrix in a file that stays there, and is read stripe by stripe."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets.mapped.file_matrix import FileMatrix
from strads.datasets.mapped.maps import maps_of
from strads.kernels.linear.files.copies import (
    count_across,
    gather_across,
    gather_entries,
    gather_entries_across,
    gather_stripes,
)
from strads.kernels.linear.files.ranges import (
    count_range,
    gather_found,
    gather_range,
)
from strads.kernels.linear.files.stripes import (
    LENGTH,
)
from strads.kernels.linear.files.sums import (
    combine_stripes,
    multiply_stripes,
    sum_counts,
    sum_stripes,
)


class MappedMatrix(FileMatrix):
    """A matrix whose numbers stay in files; :func:`strads.datasets.map_matrix` makes it.

    The estimators that docs/larger-than-memory.md lists take it as X. They copy the columns or rows
    that they work on, and otherwise pass over the files in their order.

    Attributes
    ----------
    shape : (int, int)
        Numbers of samples and of features.
    by_columns : bool
        Whether the file holds columns one after another, or rows.
    files : tuple of FileIdentity
        All files that it is made of.
    target : ndarray or None
        y, if the files hold it.
    turned : MappedMatrix or None
        The same matrix in the other order, if the files hold that, too.
    dtype : dtype
        Type of the numbers as estimators see them: float64 or float32.
    sparse : bool
    nbytes : int
        Size of the numbers in the file, and of their places.
    room : int
        Bytes that are read together.
    """

    def as_maps(self) -> Any:
        """Return the matrix as data of a :class:`strads.Program`: arrays that map the files.

        Kernels then use the files where they are, and the system loads what they touch. So a rank
        of MPI holds what its own workers read.

        Returns
        -------
        csc_array, csr_array or ndarray

        Raises
        ------
        DataError
            If a file is not what it was.
        ValueError
            If the files hold numbers of 8 or 2 bits, which kernels would have to decode.
        """
        numbers, indices = self.parts
        if numbers.dtype not in (np.float32, np.float64):
            raise ValueError(
                f"{numbers.file.identity.path} holds numbers of less than 32 bits; a program needs "
                "float32 or float64"
            )
        self.check()
        return maps_of(
            self.shape, self.by_columns, self.starts, numbers, indices if self.sparse else None
        )

    def columns(self, ids: np.ndarray) -> Any:
        """Copy some columns, by numbers or a mask: a csc_array, or an array in Fortran order."""
        return self._part(numbers_of(ids, self.shape[1], "column"), self.by_columns)

    def rows(self, ids: np.ndarray) -> Any:
        """Copy some rows, by numbers or a mask: a csr_array, or an array in C order."""
        return self._part(numbers_of(ids, self.shape[0], "row"), not self.by_columns).T

    def __getitem__(self, rows: np.ndarray) -> Any:
        """Copy some rows; see :meth:`rows`."""
        return self.rows(rows)

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of all columns, or of all rows, as the file has them, and two bounds.

        The bounds are the smallest and the largest number; NaN if a number is not finite. It takes
        a pass over the file, the first time.
        """
        if "sums" not in self.known:
            self.check()
            found = np.zeros(self.count), np.zeros(2)
            self.call(sum_stripes, self.room, *found)
            self.check()
            self.known["sums"] = found
        known: tuple[np.ndarray, np.ndarray] = self.known["sums"]
        return known

    def counts(self) -> tuple[np.ndarray, np.ndarray, tuple[int, int, float] | None]:
        """Return the sums of counts of all rows, and of all columns; and what is no count.

        Returns
        -------
        rows, columns : ndarray of int64
        wrong : (row, column, value) or None
            The first number that is not a whole one from 0 to 2³¹ − 1. The sums mean nothing then.
        """
        self.check()
        sums = np.zeros(self.count, np.int64), np.zeros(int(self.arrays[-1][LENGTH]), np.int64)
        wrong = np.full(3, -1.0)
        self.call(sum_counts, self.room, *sums, wrong)
        self.check()
        first, second, value = int(wrong[0]), int(wrong[1]), float(wrong[2])
        place = (second, first, value) if self.by_columns else (first, second, value)
        rows, columns = sums[::-1] if self.by_columns else sums
        return rows, columns, place if first >= 0 else None

    def copy_rows(self, lo: int, hi: int, found: np.ndarray) -> None:
        """Copy rows ``lo <= i < hi`` of a dense matrix to an array in C order."""
        if self.by_columns:
            self.call(gather_range, lo, hi, self.room, found)
        else:
            self.call(gather_stripes, np.arange(lo, hi), self.room, found)

    def sparse_rows(self, lo: int, hi: int) -> Any:
        """Copy rows ``lo <= i < hi`` of a sparse matrix: a csr_array."""
        if not self.by_columns:
            return self.rows(np.arange(lo, hi))
        firsts, ends = np.zeros(self.count, np.int64), np.zeros(self.count, np.int64)
        self.call(count_range, lo, hi, firsts, ends)
        indptr = np.concatenate([[0], np.cumsum(ends - firsts)])
        indices, data = np.empty(indptr[-1], np.int64), np.empty(indptr[-1], self.dtype)
        self.call(gather_found, lo, hi, firsts, ends, indices, data)
        return sp.csr_array(
            sp.csc_array((data, indices - lo, indptr), shape=(hi - lo, self.shape[1]))
        )

    def times(self, weights: np.ndarray) -> np.ndarray:
        """Return the product of the matrix with weights of shape (n_features, k), in float64."""
        self.check()
        weights = np.ascontiguousarray(weights, np.float64)
        found = np.zeros((self.shape[0], weights.shape[1]))
        if self.by_columns:
            used = np.flatnonzero(np.any(weights != 0.0, axis=1))
            self.call(combine_stripes, used, weights, self.room, found)
        else:
            self.call(multiply_stripes, weights, self.room, found)
        return found

    def __matmul__(self, weights: np.ndarray) -> np.ndarray:
        """Return the product with weights of shape (n_features,) or (n_features, k)."""
        found = self.times(weights[:, None] if weights.ndim == 1 else weights)
        return found[:, 0] if weights.ndim == 1 else found

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError(
            "a MappedMatrix stays in its file, and is never read as a whole: the estimators that "
            "docs/larger-than-memory.md lists take it as X; for another one, read the file with "
            "strads.datasets.read_matrix"
        )

    def part_nbytes(self, columns: bool) -> np.ndarray | int:
        """Return the bytes of a copy of each column, or of each row; of each alike as one number.

        Of a sparse matrix that lies the other way, it is the mean.
        """
        if not self.sparse:
            return int((self.shape[0] if columns else self.shape[1]) * self.dtype.itemsize)
        each = self.dtype.itemsize + 4
        if columns == self.by_columns:
            found: np.ndarray = np.diff(self.starts) * each + 8
            return found
        count = self.shape[1] if columns else self.shape[0]
        return int(self.starts[-1] * each // max(count, 1)) + 8

    def _part(self, ids: np.ndarray, along: bool) -> Any:
        """Copy stripes, or places of all stripes, as columns."""
        self.check()
        return self._sparse_part(ids, along) if self.sparse else self._dense_part(ids, along)

    def _dense_part(self, ids: np.ndarray, along: bool) -> np.ndarray:
        length = self.shape[0] if along == self.by_columns else self.shape[1]
        found = np.empty((len(ids), length), self.dtype)
        self.call(gather_stripes if along else gather_across, ids, self.room, found)
        return found.T

    def _sparse_part(self, ids: np.ndarray, along: bool) -> Any:
        if not along:  # such a pass finds each of them once
            some, back = np.unique(ids, return_inverse=True)
            if len(some) < len(ids):
                return self._sparse_part(some, along)[:, back]
        starts, length = self.starts, int(self.arrays[-1][LENGTH])
        if along:
            counts = np.diff(starts)[ids]
        else:
            length, number = self.count, np.full(length, -1, np.int64)
            number[ids] = np.arange(len(ids))
            counts = np.zeros(len(ids), np.int64)
            self.call(count_across, number, self.room, counts)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        narrow = max(int(indptr[-1]), length) < 2**31
        indices = np.empty(indptr[-1], np.int32 if narrow else np.int64)
        data = np.empty(indptr[-1], self.dtype)
        if along:
            self.call(gather_entries, ids, self.room, indptr, indices, data)
        else:
            self.call(gather_entries_across, number, self.room, indptr, indices, data)
        shape = (length, len(ids))
        return sp.csc_array((data, indices, indptr.astype(indices.dtype)), shape=shape)


def numbers_of(ids: Any, size: int, what: str) -> np.ndarray:
    """Return numbers of rows or columns: of a mask, where it is true; below 0, from the end.

    Raises
    ------
    IndexError
        If they are not whole numbers within the matrix, or the mask is of another length.
    """
    found = np.asarray(ids)
    if found.dtype == np.bool_ and found.shape == (size,):
        return np.flatnonzero(found)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise IndexError(f"give an array of {what} numbers, or a mask of {size:,} entries")
    found = found.astype(np.int64)
    found = np.where(found < 0, found + size, found)
    if np.any((found < 0) | (found >= size)):
        raise IndexError(f"a {what} number is outside of the {size:,} {what}s of this matrix")
    return found
