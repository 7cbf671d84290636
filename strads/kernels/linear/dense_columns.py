"""Columns of dense matrices: the kernels behind :mod:`strads.kernels.linear.matrices`.

`A` is a Fortran-ordered array of shape (n, m).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def dot_dense(A: Any, j: int, r: np.ndarray) -> float:
    """Sum of ``A[i, j] * r[i]`` over all rows i."""
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
    for i in range(part[0], part[1]):
        r[i] += c * np.float64(A[i, j])


@kernel
def norm2_dense(A: Any, j: int) -> float:
    """Squared Euclidean norm of column `j`."""
    return dot_dense(A, j, A[:, j])


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
    return dot_dense(A, j, A[:, k])


@kernel
def overlap_dense(A: Any, j: int, k: int) -> bool:
    """Whether columns `j` and `k` have any row, all of which they share."""
    return A.shape[0] > 0


@kernel
def uniform_dense(A: Any, j: int, n: int) -> bool:
    """Whether the `n` entries of column `j` are equal."""
    for i in range(n):  # noqa: SIM110
        if A[i, j] != A[0, j]:
            return False
    return True
