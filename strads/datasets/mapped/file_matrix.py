"""A matrix that lies in files: what it is made of, and how kernels read it."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import numba
import numpy as np

from strads.datasets.mapped.held import FilePart
from strads.datasets.mapped.identity import FileIdentity
from strads.engine import DataError, compile_kernel
from strads.kernels.linear.files.stripes import (
    BY_ONE,
    BYTES,
    DENSE,
    DOUBLE,
    FAULTS,
    FINE,
    GENOTYPES,
    LONGEST,
    NARROW,
    SINGLE,
    WIDE,
    Stripes,
)
from strads.kernels.linear.files.sums import (
    check_entries,
)

#: Bytes that are read together, unless a limit on memory asks for fewer: so many stay in a core's
#: cache until they are used.
ROOM = 1 << 20
#: Lengths of paths are rounded up to a multiple of this.
WIDTH = 64
#: Fingerprints of files cover so many blocks of so many bytes.
BLOCKS, BLOCK = 64, 4096


class FileMatrix:
    """The files of a matrix, and the arrays by which kernels find its stripes in them.

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
        A word of :mod:`strads.kernels.linear.files.stripes` that says what the scale belongs to.
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
    parts : (FilePart, FilePart)
        The numbers, and their places; of a dense matrix the numbers twice.
    arrays : tuple of ndarray
        Starts, levels, scale and words, as :class:`~strads.kernels.linear.files.stripes.Stripes`
        has them.
    known : dict
        What passes over the file have found.
    """

    ndim = 2

    def __init__(
        self, shape: tuple[int, int], *, by_columns: bool, files: Sequence[FileIdentity],
        numbers: FilePart, starts: np.ndarray, indices: FilePart | None = None,
        levels: np.ndarray | None = None, scale: np.ndarray | None = None, scaled: int = BY_ONE,
        genotypes: bool = False, target: np.ndarray | None = None,
        turned: Any = None,
    ) -> None:  # fmt: skip
        self.shape, self.by_columns, self.files = shape, by_columns, tuple(files)
        self.sparse, self.target, self.turned = indices is not None, target, turned
        self.dtype = np.dtype(np.float64 if numbers.dtype == np.float64 else np.float32)
        self.nbytes = numbers.nbytes + (0 if indices is None else indices.nbytes)
        self.room, self.parts = ROOM, (numbers, numbers if indices is None else indices)
        kinds = {"float64": DOUBLE, "float32": SINGLE, "uint8": GENOTYPES if genotypes else BYTES}
        index = DENSE if indices is None else {4: NARROW, 8: WIDE}[indices.dtype.itemsize]
        length = shape[0] if by_columns else shape[1]
        starts = np.ascontiguousarray(starts, np.int64)
        words = [
            kinds[numbers.dtype.name], index, length, scaled, *(p.offset for p in self.parts),
            int(np.diff(starts).max(initial=0)),
        ]  # fmt: skip
        self.arrays = tuple(
            _still(each) for each in (
                starts,
                np.zeros(256) if levels is None else np.asarray(levels, np.float64),
                np.ones(1) if scale is None else np.atleast_1d(np.asarray(scale, np.float64)),
                np.array(words, np.int64),
            )
        )  # fmt: skip
        self.known: dict[str, Any] = {"sound": False}

    def __repr__(self) -> str:
        kind = "sparse" if self.sparse else "dense"
        order = "columns" if self.by_columns else "rows"
        return (
            f"<{type(self).__name__} of shape {self.shape}, {kind}, by {order}, "
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
        return self.arrays[0]

    @property
    def window_nbytes(self) -> int:
        """Bytes of the buffer that the file is read to: `room`, or the longest column or row."""
        each = self.nbytes / max(int(self.starts[-1]), 1)
        return int(min(max(self.room, each * int(self.arrays[-1][LONGEST])), self.nbytes))

    def with_room(self, room: int) -> Self:
        """Return the same matrix, of which so many bytes are read together."""
        found = copy.copy(self)
        found.room = room
        return found

    @property
    def stripes(self) -> Stripes:
        """The matrix, for kernels of this process and its children."""
        return Stripes(self.paths(), *self.arrays)

    def paths(self) -> np.ndarray:
        """Return the paths by which the files are opened once more, filled with zeros."""
        found = [part.file.location for part in self.parts]
        paths = np.zeros((2, WIDTH * -(-(1 + max(map(len, found))) // WIDTH)), np.uint8)
        for row, path in zip(paths, found, strict=True):
            row[: len(path)] = np.frombuffer(path, np.uint8)
        return paths

    @cached_property
    def fingerprint(self) -> np.ndarray:
        """Some bytes by which another matrix is told apart, of some blocks of each file."""
        digest = hashlib.blake2b(digest_size=16)
        for part in self.parts:
            digest.update(f"{part.dtype.str} {part.size} ".encode())
            last = max(part.nbytes - BLOCK, 0)
            for at in np.unique(np.linspace(0, last, BLOCKS).astype(np.int64)).tolist():
                digest.update(os.pread(part.file.descriptor, BLOCK, part.offset + at))
        return np.frombuffer(digest.digest(), np.uint8)

    def check(self) -> None:
        """Refuse files that are not what they were; check the places of sparse entries once.

        Raises
        ------
        DataError
            If a file was replaced, shortened or written to, or has places outside the matrix.
        """
        for file in self.files:
            file.demand_same()
        if self.sparse and not self.known["sound"]:
            wrong = np.full(1, -1, np.int64)
            self.call(check_entries, self.room, wrong)
            if wrong[0] >= 0:
                kind = "column" if self.by_columns else "row"
                raise DataError(
                    f"{self.files[0].path.parent}: {kind} {wrong[0]} has indices that do not "
                    "rise, or lie outside the matrix; convert the matrix again"
                )
            self.known["sound"] = True

    def demand_read(self, faults: np.ndarray) -> None:
        """Refuse what was read if anything went wrong.

        Parameters
        ----------
        faults : ndarray
            How often each of the words `FINE` and following ones of
            :mod:`strads.kernels.linear.files.stripes` was returned.

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

    def call(self, function: Any, *arguments: Any) -> None:
        """Call a kernel of :mod:`strads.kernels.linear.files`, whose code is kept on disk."""
        given = (self.stripes, *arguments)
        compiled = compile_kernel(function, tuple(numba.typeof(each) for each in given))
        self.demand_read(np.bincount([compiled.entry(*given)], minlength=FAULTS))


def _still(array: np.ndarray) -> np.ndarray:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
