"""A matrix in a file that stays there: it is mapped into memory, and read stripe by stripe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp

from strads.datasets.mapped.identity import FileIdentity
from strads.engine import DataError, compile_kernel
from strads.kernels.linear.stripes import (
    BY_ONE,
    BYTES,
    DENSE,
    DOUBLE,
    GENOTYPES,
    NARROW,
    SINGLE,
    WIDE,
    Stripes,
    check_entries,
    combine_stripes,
    count_across,
    count_range,
    gather_across,
    gather_entries,
    gather_entries_across,
    gather_found,
    gather_range,
    gather_stripes,
    multiply_stripes,
)

#: Bytes that are read ahead, and given back, together, unless a limit on memory asks for fewer.
LEASE_BYTES = 8 << 20


class MappedMatrix:
    """A matrix whose numbers stay in files; :func:`strads.datasets.map_matrix` makes it.

    Estimators that have the parameter `max_memory` take it as X. They copy the columns or rows that
    they work on, and otherwise pass over the files in their order.

    Parameters
    ----------
    shape : (int, int)
        Numbers of samples and of features.
    by_columns : bool
        Whether the file holds columns one after another, or rows.
    files : sequence of FileIdentity
        All files that are mapped.
    numbers : ndarray of one dimension
        Map of float64, float32, or codes (uint8).
    indices : ndarray, optional
        Map of int32 or int64: places of the numbers of a sparse matrix.
    starts : ndarray of int64
        Where each column or row begins.
    levels : ndarray of shape (256,), optional
        The number for each code.
    scale : ndarray, optional
    scaled : int
        A word of :mod:`strads.kernels.linear.stripes` that says what the scale belongs to.
    genotypes : bool
        Whether codes have 2 bits.
    target : ndarray, optional
        y, if the files hold it.

    Attributes
    ----------
    shape, by_columns, files, target
    dtype : dtype
        Type of the numbers as estimators see them: float64 or float32.
    sparse : bool
    nbytes : int
        Size of the numbers in the file, and of their places.
    stripes : Stripes
        The arrays, for kernels.
    """

    ndim = 2

    def __init__(
        self, shape: tuple[int, int], *, by_columns: bool, files: Sequence[FileIdentity],
        numbers: np.ndarray, starts: np.ndarray, indices: np.ndarray | None = None,
        levels: np.ndarray | None = None, scale: np.ndarray | None = None, scaled: int = BY_ONE,
        genotypes: bool = False, target: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.shape, self.by_columns, self.files = shape, by_columns, tuple(files)
        self.sparse, self.target = indices is not None, target
        self.dtype = np.dtype(np.float64 if numbers.dtype == np.float64 else np.float32)
        self.nbytes = int(numbers.nbytes + (0 if indices is None else indices.nbytes))
        kinds = {"float64": DOUBLE, "float32": SINGLE, "uint8": GENOTYPES if genotypes else BYTES}
        index = DENSE if indices is None else {4: NARROW, 8: WIDE}[indices.dtype.itemsize]
        length = shape[0] if by_columns else shape[1]
        form = np.array([kinds[numbers.dtype.name], index, length, scaled], np.int64)
        places = np.zeros(1, np.int32) if indices is None else indices
        self.stripes = Stripes(
            _of_type(numbers, np.float64),
            _of_type(numbers, np.float32),
            _of_type(numbers, np.uint8),
            _of_type(places, np.int32),
            _of_type(places, np.int64),
            _still(np.ascontiguousarray(starts, np.int64)),
            _still(np.zeros(256) if levels is None else np.asarray(levels, np.float64)),
            _still(np.ones(1) if scale is None else np.atleast_1d(np.asarray(scale, np.float64))),
            _still(form),
        )  # fmt: skip
        self._sound = False

    def __repr__(self) -> str:
        kind = "sparse" if self.sparse else "dense"
        order = "columns" if self.by_columns else "rows"
        return (
            f"<MappedMatrix of shape {self.shape}, {kind}, by {order}, "
            f"{self.nbytes / 2**20:,.1f} MiB in {self.files[0].path}>"
        )

    @property
    def count(self) -> int:
        """Number of stripes: columns of a file by columns, rows of one by rows."""
        return self.shape[1] if self.by_columns else self.shape[0]

    def lease(self, nbytes: int = LEASE_BYTES) -> int:
        """Return how many stripes have so many bytes on average, at least 1."""
        return max(1, int(nbytes * self.count // max(self.nbytes, 1)))

    def check(self) -> None:
        """Refuse files that are not what they were; check the places of sparse entries once.

        Raises
        ------
        DataError
            If a file was replaced, shortened or written to, or has places outside the matrix.
        """
        for file in self.files:
            file.demand_same()
        if self.sparse and not self._sound:
            fault = np.full(1, -1, np.int64)
            _call(check_entries, self.stripes, self.lease(), fault)
            if fault[0] >= 0:
                kind = "column" if self.by_columns else "row"
                raise DataError(
                    f"{self.files[0].path.parent}: {kind} {fault[0]} has indices that do not "
                    "rise, or lie outside the matrix; convert the matrix again"
                )
            self._sound = True

    def columns(self, ids: np.ndarray) -> Any:
        """Copy some columns: a csc_array, or an array in Fortran order."""
        return self._part(np.asarray(ids, np.int64), self.by_columns)

    def rows(self, ids: np.ndarray) -> Any:
        """Copy some rows: a csr_array, or an array in C order."""
        part = self._part(np.asarray(ids, np.int64), not self.by_columns)
        return part.T

    def copy_rows(self, lo: int, hi: int, found: np.ndarray) -> None:
        """Copy rows ``lo <= i < hi`` of a dense matrix to an array in C order."""
        if self.by_columns:
            _call(gather_range, self.stripes, lo, hi, self.lease(), found)
        else:
            _call(gather_stripes, self.stripes, np.arange(lo, hi), self.lease(), found)

    def sparse_rows(self, lo: int, hi: int) -> Any:
        """Copy rows ``lo <= i < hi`` of a sparse matrix: a csr_array."""
        if not self.by_columns:
            return self.rows(np.arange(lo, hi))
        firsts, ends = np.zeros(self.count, np.int64), np.zeros(self.count, np.int64)
        _call(count_range, self.stripes, lo, hi, self.lease(), firsts, ends)
        indptr = np.concatenate([[0], np.cumsum(ends - firsts)])
        indices, data = np.empty(indptr[-1], np.int64), np.empty(indptr[-1], self.dtype)
        _call(gather_found, self.stripes, self.lease(), firsts, ends, indices, data)
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
            _call(combine_stripes, self.stripes, used, weights, found)
        else:
            _call(multiply_stripes, self.stripes, weights, self.lease(), found)
        return found

    def __matmul__(self, weights: np.ndarray) -> np.ndarray:
        """Return the product with weights of shape (n_features,) or (n_features, k)."""
        found = self.times(weights[:, None] if weights.ndim == 1 else weights)
        return found[:, 0] if weights.ndim == 1 else found

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError(
            "a MappedMatrix stays in its file, and is never read as a whole: estimators with the "
            "parameter max_memory take it as X; for another one, read the file with "
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
            found: np.ndarray = np.diff(self.stripes.starts) * each + 8
            return found
        count = self.shape[1] if columns else self.shape[0]
        return int(self.stripes.starts[-1] * each // max(count, 1)) + 8

    def _part(self, ids: np.ndarray, along: bool) -> Any:
        """Copy stripes, or places of all stripes, as columns."""
        self.check()
        return self._sparse_part(ids, along) if self.sparse else self._dense_part(ids, along)

    def _dense_part(self, ids: np.ndarray, along: bool) -> np.ndarray:
        length = self.shape[0] if along == self.by_columns else self.shape[1]
        found = np.empty((len(ids), length), self.dtype)
        _call(gather_stripes if along else gather_across, self.stripes, ids, self.lease(), found)
        return found.T

    def _sparse_part(self, ids: np.ndarray, along: bool) -> Any:
        F, length = self.stripes, int(self.stripes.form[2])
        if along:
            counts = np.diff(F.starts)[ids]
        else:
            length, number = self.count, np.full(length, -1, np.int64)
            number[ids] = np.arange(len(ids))
            counts = np.zeros(len(ids), np.int64)
            _call(count_across, F, number, self.lease(), counts)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        narrow = max(int(indptr[-1]), length) < 2**31
        indices = np.empty(indptr[-1], np.int32 if narrow else np.int64)
        data = np.empty(indptr[-1], self.dtype)
        if along:
            _call(gather_entries, F, ids, indptr, indices, data)
        else:
            ends = indptr[:-1].copy()
            _call(gather_entries_across, F, number, self.lease(), ends, indices, data)
        shape = (length, len(ids))
        return sp.csc_array((data, indices, indptr.astype(indices.dtype)), shape=shape)


def _of_type(array: np.ndarray, dtype: Any) -> np.ndarray:
    """Return the array if it has this type, else one of a single entry."""
    return _still(array if array.dtype == dtype else np.zeros(1, dtype))


def _still(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written to; the map stays known as its base."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


def _call(function: Any, *arguments: Any) -> None:
    """Call a kernel, whose code is kept on disk."""
    compile_kernel(function, tuple(numba.typeof(each) for each in arguments)).entry(*arguments)
