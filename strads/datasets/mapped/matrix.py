"""A matrix in a file that stays there, and is read stripe by stripe."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp

from strads.datasets.mapped.held import FilePart
from strads.datasets.mapped.identity import FileIdentity
from strads.datasets.mapped.maps import maps_of
from strads.engine import DataError, compile_kernel
from strads.kernels.linear.gathering import (
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
    sum_counts,
    sum_stripes,
)
from strads.kernels.linear.stripes import (
    BY_ONE,
    BYTES,
    DENSE,
    DOUBLE,
    FAULTS,
    FINE,
    GENOTYPES,
    LENGTH,
    LONGEST,
    NARROW,
    SINGLE,
    WIDE,
    Stripes,
)

#: Bytes that are read together, unless a limit on memory asks for fewer: so many stay in a core's
#: cache until they are used.
ROOM = 1 << 20
#: Lengths of paths are rounded up to a multiple of this.
WIDTH = 64
#: Fingerprints of files cover so many blocks of so many bytes.
BLOCKS, BLOCK = 64, 4096


class MappedMatrix:
    """A matrix whose numbers stay in files; :func:`strads.datasets.map_matrix` makes it.

    The estimators that docs/larger-than-memory.md lists take it as X. They copy the columns or rows
    that they work on, and otherwise pass over the files in their order.

    Parameters
    ----------
    shape : (int, int)
        Numbers of samples and of features.
    by_columns : bool
        Whether the file holds columns one after another, or rows.
    files : sequence of FileIdentity
        All files that it is made of.
    numbers : FilePart
        Of float64, float32, or codes (uint8).
    indices : FilePart, optional
        Of int32 or int64: places of the numbers of a sparse matrix.
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
    turned : MappedMatrix, optional
        The same matrix in the other order, if the files hold that, too.

    Attributes
    ----------
    shape, by_columns, files, target, turned
    dtype : dtype
        Type of the numbers as estimators see them: float64 or float32.
    sparse : bool
    nbytes : int
        Size of the numbers in the file, and of their places.
    room : int
        Bytes that are read together.
    """

    ndim = 2

    def __init__(
        self, shape: tuple[int, int], *, by_columns: bool, files: Sequence[FileIdentity],
        numbers: FilePart, starts: np.ndarray, indices: FilePart | None = None,
        levels: np.ndarray | None = None, scale: np.ndarray | None = None, scaled: int = BY_ONE,
        genotypes: bool = False, target: np.ndarray | None = None,
        turned: MappedMatrix | None = None,
    ) -> None:  # fmt: skip
        self.shape, self.by_columns, self.files = shape, by_columns, tuple(files)
        self.sparse, self.target, self.turned = indices is not None, target, turned
        self.dtype = np.dtype(np.float64 if numbers.dtype == np.float64 else np.float32)
        self.nbytes = numbers.nbytes + (0 if indices is None else indices.nbytes)
        self.room, self._parts = ROOM, (numbers, numbers if indices is None else indices)
        kinds = {"float64": DOUBLE, "float32": SINGLE, "uint8": GENOTYPES if genotypes else BYTES}
        index = DENSE if indices is None else {4: NARROW, 8: WIDE}[indices.dtype.itemsize]
        length = shape[0] if by_columns else shape[1]
        starts = np.ascontiguousarray(starts, np.int64)
        words = [
            kinds[numbers.dtype.name], index, length, scaled, *(p.offset for p in self._parts),
            int(np.diff(starts).max(initial=0)),
        ]  # fmt: skip
        self._arrays = tuple(
            _still(each) for each in (
                starts,
                np.zeros(256) if levels is None else np.asarray(levels, np.float64),
                np.ones(1) if scale is None else np.atleast_1d(np.asarray(scale, np.float64)),
                np.array(words, np.int64),
            )
        )  # fmt: skip
        self._known: dict[str, Any] = {"sound": False}

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

    @property
    def nnz(self) -> int:
        """Number of entries of a sparse matrix, stored zeros included."""
        return int(self.starts[-1])

    @property
    def starts(self) -> np.ndarray:
        """Where each stripe begins, in entries, or in bytes of 8 or 2 bits a number."""
        return self._arrays[0]

    @property
    def window_nbytes(self) -> int:
        """Bytes of the buffer that the file is read to: `room`, or the longest column or row."""
        each = self.nbytes / max(int(self.starts[-1]), 1)
        return int(min(max(self.room, each * int(self._arrays[-1][LONGEST])), self.nbytes))

    def with_room(self, room: int) -> MappedMatrix:
        """Return the same matrix, of which so many bytes are read together."""
        found = copy.copy(self)
        found.room = room
        return found

    @property
    def stripes(self) -> Stripes:
        """The matrix, for kernels of this process and its children."""
        return Stripes(self.paths(), *self._arrays)

    def paths(self) -> np.ndarray:
        """Return the paths by which the files are opened once more, filled with zeros."""
        found = [part.file.location for part in self._parts]
        paths = np.zeros((2, WIDTH * -(-(1 + max(map(len, found))) // WIDTH)), np.uint8)
        for row, path in zip(paths, found, strict=True):
            row[: len(path)] = np.frombuffer(path, np.uint8)
        return paths

    @cached_property
    def fingerprint(self) -> np.ndarray:
        """Some bytes by which another matrix is told apart, of some blocks of each file."""
        digest = hashlib.blake2b(digest_size=16)
        for part in self._parts:
            digest.update(f"{part.dtype.str} {part.size} ".encode())
            last = max(part.nbytes - BLOCK, 0)
            for at in np.unique(np.linspace(0, last, BLOCKS).astype(np.int64)).tolist():
                digest.update(os.pread(part.file.descriptor, BLOCK, part.offset + at))
        return np.frombuffer(digest.digest(), np.uint8)

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
        numbers, indices = self._parts
        if numbers.dtype not in (np.float32, np.float64):
            raise ValueError(
                f"{numbers.file.identity.path} holds numbers of less than 32 bits; a program needs "
                "float32 or float64"
            )
        self.check()
        return maps_of(
            self.shape, self.by_columns, self.starts, numbers, indices if self.sparse else None
        )

    def check(self) -> None:
        """Refuse files that are not what they were; check the places of sparse entries once.

        Raises
        ------
        DataError
            If a file was replaced, shortened or written to, or has places outside the matrix.
        """
        for file in self.files:
            file.demand_same()
        if self.sparse and not self._known["sound"]:
            wrong = np.full(1, -1, np.int64)
            self._call(check_entries, self.room, wrong)
            if wrong[0] >= 0:
                kind = "column" if self.by_columns else "row"
                raise DataError(
                    f"{self.files[0].path.parent}: {kind} {wrong[0]} has indices that do not "
                    "rise, or lie outside the matrix; convert the matrix again"
                )
            self._known["sound"] = True

    def demand_read(self, faults: np.ndarray) -> None:
        """Refuse what was read if anything went wrong.

        Parameters
        ----------
        faults : ndarray
            How often each of the words `FINE` and following ones of
            :mod:`strads.kernels.linear.stripes` was returned.

        Raises
        ------
        DataError
            If any but the first one was.
        """
        if not np.any(faults[FINE + 1 :]):
            return
        for file in self.files:
            file.demand_same()
        raise DataError(
            f"{self.files[0].path} could not be opened or read to its end: it has changed "
            "meanwhile, the system reported an error, or no more files may be open (ulimit -n). "
            "Map it again, and fit anew"
        )

    def _call(self, function: Any, *arguments: Any) -> None:
        """Call a kernel of :mod:`strads.kernels.linear.gathering`, whose code is kept on disk."""
        given = (self.stripes, *arguments)
        compiled = compile_kernel(function, tuple(numba.typeof(each) for each in given))
        self.demand_read(np.bincount([compiled.entry(*given)], minlength=FAULTS))

    def columns(self, ids: np.ndarray) -> Any:
        """Copy some columns, by numbers or a mask: a csc_array, or an array in Fortran order."""
        return self._part(_numbers(ids, self.shape[1], "column"), self.by_columns)

    def rows(self, ids: np.ndarray) -> Any:
        """Copy some rows, by numbers or a mask: a csr_array, or an array in C order."""
        return self._part(_numbers(ids, self.shape[0], "row"), not self.by_columns).T

    def __getitem__(self, rows: np.ndarray) -> Any:
        """Copy some rows; see :meth:`rows`."""
        return self.rows(rows)

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of all columns, or of all rows, as the file has them, and two bounds.

        The bounds are the smallest and the largest number; NaN if a number is not finite. It takes
        a pass over the file, the first time.
        """
        if "sums" not in self._known:
            self.check()
            found = np.zeros(self.count), np.zeros(2)
            self._call(sum_stripes, self.room, *found)
            self.check()
            self._known["sums"] = found
        known: tuple[np.ndarray, np.ndarray] = self._known["sums"]
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
        sums = np.zeros(self.count, np.int64), np.zeros(int(self._arrays[-1][LENGTH]), np.int64)
        wrong = np.full(3, -1.0)
        self._call(sum_counts, self.room, *sums, wrong)
        self.check()
        first, second, value = int(wrong[0]), int(wrong[1]), float(wrong[2])
        place = (second, first, value) if self.by_columns else (first, second, value)
        rows, columns = sums[::-1] if self.by_columns else sums
        return rows, columns, place if first >= 0 else None

    def copy_rows(self, lo: int, hi: int, found: np.ndarray) -> None:
        """Copy rows ``lo <= i < hi`` of a dense matrix to an array in C order."""
        if self.by_columns:
            self._call(gather_range, lo, hi, self.room, found)
        else:
            self._call(gather_stripes, np.arange(lo, hi), self.room, found)

    def sparse_rows(self, lo: int, hi: int) -> Any:
        """Copy rows ``lo <= i < hi`` of a sparse matrix: a csr_array."""
        if not self.by_columns:
            return self.rows(np.arange(lo, hi))
        firsts, ends = np.zeros(self.count, np.int64), np.zeros(self.count, np.int64)
        self._call(count_range, lo, hi, firsts, ends)
        indptr = np.concatenate([[0], np.cumsum(ends - firsts)])
        indices, data = np.empty(indptr[-1], np.int64), np.empty(indptr[-1], self.dtype)
        self._call(gather_found, lo, hi, firsts, ends, indices, data)
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
            self._call(combine_stripes, used, weights, self.room, found)
        else:
            self._call(multiply_stripes, weights, self.room, found)
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
        self._call(gather_stripes if along else gather_across, ids, self.room, found)
        return found.T

    def _sparse_part(self, ids: np.ndarray, along: bool) -> Any:
        if not along:  # such a pass finds each of them once
            some, back = np.unique(ids, return_inverse=True)
            if len(some) < len(ids):
                return self._sparse_part(some, along)[:, back]
        starts, length = self.starts, int(self._arrays[-1][LENGTH])
        if along:
            counts = np.diff(starts)[ids]
        else:
            length, number = self.count, np.full(length, -1, np.int64)
            number[ids] = np.arange(len(ids))
            counts = np.zeros(len(ids), np.int64)
            self._call(count_across, number, self.room, counts)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        narrow = max(int(indptr[-1]), length) < 2**31
        indices = np.empty(indptr[-1], np.int32 if narrow else np.int64)
        data = np.empty(indptr[-1], self.dtype)
        if along:
            self._call(gather_entries, ids, self.room, indptr, indices, data)
        else:
            self._call(gather_entries_across, number, self.room, indptr, indices, data)
        shape = (length, len(ids))
        return sp.csc_array((data, indices, indptr.astype(indices.dtype)), shape=shape)


def _numbers(ids: Any, size: int, what: str) -> np.ndarray:
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


def _still(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
