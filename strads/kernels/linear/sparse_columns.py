"""Columns of sparse matrices: the kernels behind :mod:`strads.kernels.linear.matrices`.

`A` is a ``CSC`` or ``CSR`` tuple, whose indices are sorted within each column.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")

#: A column this many times longer than another is searched rather than merged with it.
_MUCH_LONGER = 16


@kernel
def _entries(A: Any, j: int) -> range:
    """Return the positions of column `j` in ``A.data`` and ``A.indices``.

    Positions, and row numbers in the kernels below, are unsigned: for a signed index Numba tests
    whether it is negative and counts from the end, which costs as much as the arithmetic.
    """
    return range(np.uint64(A.indptr[j]), np.uint64(A.indptr[j + 1]))


@kernel
def dot_sparse(A: Any, j: int, r: np.ndarray) -> float:
    """Sum of ``A[i, j] * r[i]`` over the stored entries of column `j`."""
    total = 0.0
    for k in _entries(A, j):
        total += np.float64(A.data[k]) * r[np.uint64(A.indices[k])]
    return total


@kernel
def first_at_least(indices: np.ndarray, lo: int, hi: int, value: int) -> int:
    """First position in ``lo..hi-1`` where `indices` is at least `value`; `hi` if there is none."""
    while lo < hi:
        middle = (lo + hi) >> 1
        if indices[middle] < value:
            lo = middle + 1
        else:
            hi = middle
    return lo


@kernel
def column_part(A: Any, j: int, part: Any) -> tuple[int, int]:
    """Find the entries of column `j` in rows ``part[0] <= i < part[1]`` by binary search.

    Parameters
    ----------
    A : CSC or CSR
        For CSR, "column" means row and "row" column.
    j : int
    part : (int, int)
        A half-open range of rows.

    Returns
    -------
    first, end : int
        The entries stand at positions ``first..end-1`` of ``A.data`` and ``A.indices``.
    """
    first = first_at_least(A.indices, A.indptr[j], A.indptr[j + 1], part[0])
    return first, first_at_least(A.indices, first, A.indptr[j + 1], part[1])


@kernel
def axpy_sparse(c: float, A: Any, j: int, r: np.ndarray) -> None:
    """Add ``c * A[i, j]`` to ``r[i]`` for the stored entries of column `j`."""
    if c == 0.0:
        return
    for k in _entries(A, j):
        r[np.uint64(A.indices[k])] += c * np.float64(A.data[k])


@kernel
def axpy_sparse_part(c: float, A: Any, j: int, r: np.ndarray, part: Any) -> None:
    """Add ``c * A[i, j]`` to ``r[i]`` for the entries in rows ``part[0] <= i < part[1]``."""
    if c == 0.0:
        return
    first = first_at_least(A.indices, A.indptr[j], A.indptr[j + 1], part[0])
    for k in range(np.uint64(first), np.uint64(A.indptr[j + 1])):
        if A.indices[k] >= part[1]:
            break
        r[np.uint64(A.indices[k])] += c * np.float64(A.data[k])


@kernel
def norm2_sparse(A: Any, j: int) -> float:
    """Squared Euclidean norm of column `j`."""
    total = 0.0
    for k in _entries(A, j):
        value = np.float64(A.data[k])
        total += value * value
    return total


@kernel
def norms2_sparse(A: Any) -> np.ndarray:
    """Squared Euclidean norms of all columns: a new array."""
    norms = np.empty(len(A.indptr) - 1)
    for j in range(len(norms)):
        norms[j] = norm2_sparse(A, j)
    return norms


@kernel
def sum_sparse(A: Any, j: int) -> float:
    """Sum of the stored entries of column `j`."""
    total = 0.0
    for k in _entries(A, j):
        total += np.float64(A.data[k])
    return total


@kernel
def nnz_sparse(A: Any, j: int) -> int:
    """Number of stored entries of column `j`."""
    return A.indptr[j + 1] - A.indptr[j]


@kernel
def _meet(A: Any, j: int, k: int, a: int, b: int) -> tuple[int, int]:
    """Find the next row in which both column `j` and column `k` store an entry.

    Returns the positions of the two entries, at or after position `a` in column `j` and `b` in
    column `k`. If there is no such row, the first position is the end of column `j`. Column `j` is
    gone through entry by entry; column `k` as well, or by binary search if it is much longer.
    """
    end_a, end_b = A.indptr[j + 1], A.indptr[k + 1]
    search = end_b - b > _MUCH_LONGER * (end_a - a)
    while a < end_a and b < end_b:
        row = A.indices[a]
        if search:
            b = first_at_least(A.indices, b, end_b, row)
        else:
            while b < end_b and A.indices[b] < row:
                b += 1
        if b < end_b and A.indices[b] == row:
            return a, b
        a += 1
    return end_a, b


@kernel
def column_dot_sparse(A: Any, j: int, k: int) -> float:
    """Inner product of columns `j` and `k`, by their entries in common rows."""
    if nnz_sparse(A, k) < nnz_sparse(A, j):
        j, k = k, j
    total = 0.0
    a, b = _meet(A, j, k, A.indptr[j], A.indptr[k])
    while a < A.indptr[j + 1]:
        total += np.float64(A.data[a]) * A.data[b]
        a, b = _meet(A, j, k, a + 1, b + 1)
    return total


@kernel
def overlap_sparse(A: Any, j: int, k: int) -> bool:
    """Whether columns `j` and `k` both store an entry in some row."""
    if nnz_sparse(A, k) < nnz_sparse(A, j):
        j, k = k, j
    return _meet(A, j, k, A.indptr[j], A.indptr[k])[0] < A.indptr[j + 1]


@kernel
def weighted_norm2_sparse(A: Any, j: int, weight: np.ndarray) -> float:
    """Sum of ``weight[i] * A[i, j]²`` over the stored entries of column `j`."""
    total = 0.0
    for k in _entries(A, j):
        value = np.float64(A.data[k])
        total += weight[np.uint64(A.indices[k])] * value * value
    return total


@kernel
def uniform_sparse(A: Any, j: int, weight: np.ndarray) -> bool:
    """Whether entries of column `j` in rows of positive weight are equal; some are not stored."""
    stored, value = 0, 0.0
    for k in _entries(A, j):
        if weight[np.uint64(A.indices[k])] > 0.0:
            if stored == 0:
                value = np.float64(A.data[k])
            elif A.data[k] != value:
                return False
            stored += 1
    if value == 0.0:
        return True
    rows = 0
    for i in range(len(weight)):
        rows += weight[i] > 0.0
    return stored == rows
