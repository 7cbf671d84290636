"""The entries of a column, one after another: the same loop for dense and for sparse matrices.

It is this loop::

    for e in range(*column_range(A, j)):
        i, value = entry(A, j, e)

A function of a whole column (:mod:`strads.kernels.linear.matrices`) is faster where there is one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.linear.matrices import Matrix
from strads.kernels.linear.sparse_columns import column_part

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def _range_sparse(A: Any, j: int) -> tuple[np.uint64, np.uint64]:
    return np.uint64(A.indptr[j]), np.uint64(A.indptr[j + 1])


@kernel
def _range_dense(A: Any, j: int) -> tuple[np.uint64, np.uint64]:
    return np.uint64(0), np.uint64(A.shape[0])


@kernel
def _part_sparse(A: Any, j: int, part: Any) -> tuple[np.uint64, np.uint64]:
    first, end = column_part(A, j, part)
    return np.uint64(first), np.uint64(end)


@kernel
def _part_dense(A: Any, j: int, part: Any) -> tuple[np.uint64, np.uint64]:
    return np.uint64(part[0]), np.uint64(part[1])


@kernel
def _entry_sparse(A: Any, j: int, e: int) -> tuple[np.uint64, float]:
    return np.uint64(A.indices[e]), np.float64(A.data[e])


@kernel
def _entry_dense(A: Any, j: int, e: int) -> tuple[np.uint64, float]:
    return np.uint64(e), np.float64(A[e, j])


def column_range(A: Matrix, j: int) -> tuple[Any, Any]:
    """Return the first position of an entry of column `j`, and the position after the last one.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    """
    return _range_sparse(A, j) if isinstance(A, tuple) else _range_dense(A, j)


@overload(column_range)
def _column_range(A, j):
    if isinstance(A, types.BaseTuple):
        return lambda A, j: _range_sparse(A, j)
    return lambda A, j: _range_dense(A, j)


def part_range(A: Matrix, j: int, part: Any) -> tuple[Any, Any]:
    """Do the same as :func:`column_range` for rows ``part[0] <= i < part[1]`` alone.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    part : (int, int)
    """
    return _part_sparse(A, j, part) if isinstance(A, tuple) else _part_dense(A, j, part)


@overload(part_range)
def _part_range(A, j, part):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, part: _part_sparse(A, j, part)
    return lambda A, j, part: _part_dense(A, j, part)


def entry(A: Matrix, j: int, e: int) -> tuple[Any, float]:
    """Return the row of the entry of column `j` at a position, and its value in double precision.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j, e : int
    """
    return _entry_sparse(A, j, e) if isinstance(A, tuple) else _entry_dense(A, j, e)


@overload(entry)
def _entry(A, j, e):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, e: _entry_sparse(A, j, e)
    return lambda A, j, e: _entry_dense(A, j, e)
