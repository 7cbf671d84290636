"""Check arrays that users give, and bring them into the byte order of this machine.

Compiled code, such as SciPy's conversions, does not check the indices of a sparse matrix: with an
index outside the shape it reads and writes foreign memory. So every matrix of a user passes
:func:`sound` before scikit-learn or SciPy convert it. That takes one pass over the indices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.engine import file_pages
from strads.engine.errors import InsufficientMemory, ProgramError
from strads.engine.platform import available_memory

#: A matrix of more rows or columns is not converted before there is memory for their bounds.
WIDE = 1 << 24


def sound(value: Any, name: str = "X") -> Any:
    """Check a sparse matrix; bring arrays into the byte order of this machine.

    Parameters
    ----------
    value : sparse matrix, array, or anything else
    name : str
        Name of the value in error messages.

    Returns
    -------
    The value itself if nothing has to be changed, as is usual, or if it is neither a sparse matrix
    nor an array. Otherwise a matrix or array that shares memory with it where possible: if the byte
    order is foreign, if index arrays have different types, or if a matrix has unused entries after
    its last one.

    Raises
    ------
    ProgramError
        If the arrays of a sparse matrix contradict each other or its shape. It is a ValueError.
    InsufficientMemory
        If a sparse matrix has more rows or columns than there is memory for one number for each,
        which it takes to convert the matrix.
    """
    if not sp.issparse(value):
        return native(value) if isinstance(value, np.ndarray) else value
    if value.ndim != 2:
        raise ProgramError(f"{name} is a sparse array of shape {value.shape}; a matrix is needed")
    if value.dtype.kind not in "biuf":
        raise ProgramError(f"{name} holds values of type {value.dtype}; real numbers are needed")
    _demand_memory(value, name)
    if value.format in ("csr", "csc", "bsr"):
        return _compressed(value, name)
    if value.format == "coo":
        return _coordinates(value, name)
    return sound(_plain(value, name), name)


def _demand_memory(matrix: Any, name: str) -> None:
    longest = max(matrix.shape)
    if longest > WIDE and 8 * longest > (left := available_memory()):
        rows, columns = matrix.shape
        bounds = f"the bounds of {name}, which has {rows:,} rows and {columns:,} columns:"
        raise InsufficientMemory(
            needed=8 * longest, available=left, largest=[(bounds, 8 * longest)]
        )


def native(array: np.ndarray) -> np.ndarray:
    """Return an array in the byte order of this machine; the array itself if it has it already."""
    if array.dtype.isnative:
        return array
    return np.asarray(array).astype(array.dtype.newbyteorder("="))


def _compressed(matrix: Any, name: str) -> Any:
    """Check a matrix in CSR, CSC or BSR format."""
    data, indices, indptr = (native(part) for part in (matrix.data, matrix.indices, matrix.indptr))
    for part, array in (("indices", indices), ("indptr", indptr)):
        _demand_integers(matrix, name, part, array)
    major, minor = matrix.shape if matrix.format != "csc" else matrix.shape[::-1]
    if matrix.format == "bsr":
        major, minor = _blocks(matrix, name, data)
    elif data.ndim != 1:
        raise _unsound(name, matrix, f"its data are of shape {data.shape}, not a row")
    if len(indptr) != major + 1:
        raise _unsound(name, matrix, f"indptr has {len(indptr):,} entries, not {major + 1:,}")
    if indptr[0] != 0:
        raise _unsound(name, matrix, f"indptr[0] is {indptr[0]}, not 0")
    falls = indptr[1:] < indptr[:-1]
    if falls.any():
        first = int(falls.argmax()) + 1
        raise _unsound(
            name, matrix, f"indptr falls from {indptr[first - 1]} to {indptr[first]} at {first}"
        )
    stored = int(indptr[-1])
    if stored > min(len(indices), len(data)):
        raise _unsound(
            name, matrix,
            f"indptr ends at {stored:,}, but there are {len(indices):,} indices and "
            f"{len(data):,} values",
        )  # fmt: skip
    data, indices = data[:stored], indices[:stored]
    _demand_within(matrix, name, "indices", indices, minor)
    index_type = np.result_type(indices, indptr)
    given = matrix.data, matrix.indices, matrix.indptr
    same = all(len(a) == len(b) and a.dtype == b.dtype
               for a, b in zip(given, (data, indices, indptr), strict=True))  # fmt: skip
    if same and indices.dtype == indptr.dtype:
        return matrix
    parts = data, indices.astype(index_type, copy=False), indptr.astype(index_type, copy=False)
    return type(matrix)(parts, shape=matrix.shape)


def _blocks(matrix: Any, name: str, data: np.ndarray) -> tuple[int, int]:
    """Return the numbers of block rows and block columns of a BSR matrix."""
    if data.ndim != 3 or 0 in data.shape[1:]:
        raise _unsound(name, matrix, f"its data are of shape {data.shape}, not rows of blocks")
    rows, columns = matrix.shape
    if rows % data.shape[1] or columns % data.shape[2]:
        raise _unsound(name, matrix, f"blocks of {data.shape[1:]} do not divide it")
    return rows // data.shape[1], columns // data.shape[2]


def _coordinates(matrix: Any, name: str) -> Any:
    """Check a matrix in COO format."""
    row, column, data = native(matrix.row), native(matrix.col), native(matrix.data)
    for axis, (part, array) in enumerate((("row", row), ("col", column))):
        _demand_integers(matrix, name, part, array)
        if len(array) != len(data) or data.ndim != 1:
            raise _unsound(name, matrix, f"{part} has {len(array):,} entries for {len(data):,}")
        _demand_within(matrix, name, part, array, matrix.shape[axis])
    given = matrix.row, matrix.col, matrix.data
    if all(a.dtype == b.dtype for a, b in zip(given, (row, column, data), strict=True)):
        return matrix
    return type(matrix)((data, (row, column)), shape=matrix.shape)


def _plain(matrix: Any, name: str) -> Any:
    """Convert a DIA, DOK or LIL matrix; NumPy and Python check the bounds while doing so."""
    try:
        if matrix.format == "lil":
            _demand_lists(matrix, name)
            return matrix.tocsr()
        if matrix.format == "dia":
            parts = native(matrix.data), native(matrix.offsets)
            return type(matrix)(parts, shape=matrix.shape).tocoo()
        return matrix.tocoo()
    except ProgramError:
        raise
    except (IndexError, TypeError, ValueError) as error:
        raise _unsound(name, matrix, str(error)) from error


def _demand_lists(matrix: Any, name: str) -> None:
    """Refuse a LIL matrix with a row whose numbers of indices and of values differ."""
    rows = matrix.shape[0]
    if not len(matrix.rows) == len(matrix.data) == rows:
        raise _unsound(name, matrix, f"it has {len(matrix.rows):,} lists for {rows:,} rows")
    for row, (indices, values) in enumerate(zip(matrix.rows, matrix.data, strict=True)):
        if len(indices) != len(values):
            raise _unsound(
                name, matrix, f"row {row} has {len(indices):,} indices, {len(values):,} values"
            )


def _demand_integers(matrix: Any, name: str, part: str, array: np.ndarray) -> None:
    # Unsigned indices would do no harm, but no library makes them, and SciPy refuses them.
    if array.dtype.kind != "i" or array.ndim != 1:
        raise _unsound(
            name, matrix, f"{part} must be a row of signed integers, not {array.dtype} of shape "
            f"{array.shape}"
        )  # fmt: skip


def _demand_within(matrix: Any, name: str, word: str, indices: np.ndarray, size: int) -> None:
    # Read as unsigned, negative numbers are huge: one pass finds those and indices too large.
    for begin, part in file_pages.parts(indices):
        unsigned = part.view(np.dtype(f"u{part.dtype.itemsize}"))
        if len(part) == 0 or int(unsigned.max()) < size:
            continue
        first = begin + int(((part < 0) | (part >= size)).argmax())
        raise _unsound(name, matrix, f"{word}[{first}] is {indices[first]}, outside 0 … {size - 1}")


def _unsound(name: str, matrix: Any, says: str) -> ProgramError:
    rows, columns = matrix.shape
    return ProgramError(
        f"{name} is not a valid {matrix.format.upper()} matrix of {rows:,} rows and {columns:,} "
        f"columns: {says}. Build it anew from its entries; its arrays may have been changed in "
        "place"
    )
