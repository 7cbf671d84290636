"""Columns of dense matrices: the kernels behind :mod:`strads.kernels.linear.matrices`.

`A` is a Fortran-ordered array of shape (n, m).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.lanes import LANES, add, doubled, load, load_one, mul, splat, total

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def dot_dense(A: Any, j: int, r: np.ndarray) -> float:
    """Sum of ``A[i, j] * r[i]`` over all rows i, of any arrays."""
    # Four partial sums, since each addition of a single sum would wait for the one before.
    a = b = c = d = 0.0
    n = A.shape[0]
    whole = n - n % 4
    for i in range(0, whole, 4):
        a += np.float64(A[i, j]) * r[i]
        b += np.float64(A[i + 1, j]) * r[i + 1]
        c += np.float64(A[i + 2, j]) * r[i + 2]
        d += np.float64(A[i + 3, j]) * r[i + 3]
    for i in range(whole, n):
        a += np.float64(A[i, j]) * r[i]
    return (a + b) + (c + d)


@kernel
def dot_lanes(A: Any, j: int, r: np.ndarray) -> float:
    """Sum of ``A[i, j] * r[i]``, where the column and r are contiguous: sixteen partial sums."""
    columns, n = A.T, A.shape[0]
    whole = n - n % LANES
    sums = doubled(splat(r, 0.0))
    for i in range(0, whole, LANES):
        sums = add(sums, mul(doubled(load(columns, j, i)), doubled(load_one(r, i))))
    found = np.float64(total(sums))
    for i in range(whole, n):
        found += np.float64(A[i, j]) * r[i]
    return found


def suits_lanes(A: Any, r: Any) -> bool:
    """Whether :func:`dot_lanes` can multiply a column of A and r, arrays or types of arrays."""
    floats = (types.float32, types.float64, np.float32, np.float64)
    if A.dtype not in floats or r.dtype not in floats:
        return False
    if isinstance(A, types.Array):
        return bool(A.layout == "F" and r.layout == "C")
    return bool(A.flags.f_contiguous and not A.flags.c_contiguous and r.flags.c_contiguous)


def dot_column(A: Any, j: int, r: np.ndarray) -> float:
    """Sum of ``A[i, j] * r[i]`` over all rows i."""
    return float((dot_lanes if suits_lanes(A, r) else dot_dense)(A, j, r))


@overload(dot_column)
def _dot_column(A, j, r):  # type: ignore[no-untyped-def]
    if suits_lanes(A, r):
        return lambda A, j, r: dot_lanes(A, j, r)
    return lambda A, j, r: dot_dense(A, j, r)


@kernel
def axpy_dense(c: float, A: Any, j: int, r: np.ndarray) -> None:
    """Add ``c * A[i, j]`` to ``r[i]`` for all rows i."""
    if c == 0.0:
        return
    for i in range(A.shape[0]):
        r[i] += c * np.float64(A[i, j])


@kernel
def axpy_dense_part(c: float, A: Any, j: int, r: np.ndarray, part: Any) -> None:
    """Add ``c * A[i, j]`` to ``r[i]`` for rows ``part[0] <= i < part[1]``."""
    if c == 0.0:
        return
    # Indices of slices are not negative, as the compiler can see; else it would not vectorise.
    column, rest = A[part[0] : part[1], j], r[part[0] : part[1]]
    for i in range(len(column)):
        rest[i] += c * np.float64(column[i])


@kernel
def norm2_dense(A: Any, j: int) -> float:
    """Squared Euclidean norm of column `j`."""
    return dot_column(A, j, A[:, j])


@kernel
def norms2_dense(A: Any) -> np.ndarray:
    """Squared Euclidean norms of all columns: a new array."""
    norms = np.empty(A.shape[1])
    for j in range(len(norms)):
        norms[j] = norm2_dense(A, j)
    return norms


@kernel
def sum_dense(A: Any, j: int) -> float:
    """Sum of the entries of column `j`."""
    total = 0.0
    for i in range(A.shape[0]):
        total += np.float64(A[i, j])
    return total


@kernel
def nnz_dense(A: Any, j: int) -> int:
    """Number of entries of column `j`: all rows."""
    return A.shape[0]


@kernel
def column_dot_dense(A: Any, j: int, k: int) -> float:
    """Inner product of columns `j` and `k`."""
    return dot_column(A, j, A[:, k])


@kernel
def overlap_dense(A: Any, j: int, k: int) -> bool:
    """Whether columns `j` and `k` have any row, all of which they share."""
    return A.shape[0] > 0


@kernel
def weighted_norm2_dense(A: Any, j: int, weight: np.ndarray) -> float:
    """Sum of ``weight[i] * A[i, j]²`` over all rows i."""
    a = b = c = d = 0.0
    n = A.shape[0]
    whole = n - n % 4
    for i in range(0, whole, 4):
        a += weight[i] * np.float64(A[i, j]) ** 2
        b += weight[i + 1] * np.float64(A[i + 1, j]) ** 2
        c += weight[i + 2] * np.float64(A[i + 2, j]) ** 2
        d += weight[i + 3] * np.float64(A[i + 3, j]) ** 2
    for i in range(whole, n):
        a += weight[i] * np.float64(A[i, j]) ** 2
    return (a + b) + (c + d)


@kernel
def uniform_dense(A: Any, j: int, weight: np.ndarray) -> bool:
    """Whether the entries of column `j` in rows of positive weight are equal."""
    first = -1
    for i in range(len(weight)):
        if weight[i] > 0.0:
            if first < 0:
                first = i
            if A[i, j] != A[first, j]:
                return False
    return True
