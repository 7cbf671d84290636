"""Columns of dense and sparse matrices times several vectors at once, kept side by side in lanes.

`V` has one row for every row of the matrix and one column for every vector: either a single one, or
:data:`~strads.kernels.lanes.LANES`, which the compiler then keeps in registers. An entry of the
matrix is read once for all vectors: sixteen products take three times as long as one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.lanes import LINE, add, load, madd, prefetch_one, splat, store
from strads.kernels.linear.dense_columns import axpy_dense, dot_column
from strads.kernels.linear.matrices import Matrix

kernel = numba.njit(nogil=True, error_model="numpy")

#: Cache lines of a column that are prefetched.
LINES = 4


@kernel
def _dot_single_sparse(A: Any, j: int, V: np.ndarray, out: np.ndarray) -> None:
    total = 0.0
    for k in range(np.uint64(A.indptr[j]), np.uint64(A.indptr[j + 1])):
        total += np.float64(A.data[k]) * V[np.uint64(A.indices[k]), 0]
    out[0, 0] = total


@kernel
def _dot_lanes_sparse(A: Any, j: int, V: np.ndarray, out: np.ndarray) -> None:
    total = splat(V, 0.0)
    for k in range(np.uint64(A.indptr[j]), np.uint64(A.indptr[j + 1])):
        total = madd(splat(V, A.data[k]), load(V, np.uint64(A.indices[k]), 0), total)
    store(out, 0, 0, total)


@kernel
def _dot_single_dense(A: Any, j: int, V: np.ndarray, out: np.ndarray) -> None:
    out[0, 0] = dot_column(A, j, V.reshape(len(V)))


@kernel
def _dot_lanes_dense(A: Any, j: int, V: np.ndarray, out: np.ndarray) -> None:
    even = odd = splat(V, 0.0)
    for i in range(0, A.shape[0] - 1, 2):
        even = madd(splat(V, A[i, j]), load(V, i, 0), even)
        odd = madd(splat(V, A[i + 1, j]), load(V, i + 1, 0), odd)
    if A.shape[0] % 2:
        last = A.shape[0] - 1
        even = madd(splat(V, A[last, j]), load(V, last, 0), even)
    store(out, 0, 0, add(even, odd))


@kernel
def _axpy_single_sparse(c: np.ndarray, A: Any, j: int, V: np.ndarray) -> None:
    for k in range(np.uint64(A.indptr[j]), np.uint64(A.indptr[j + 1])):
        V[np.uint64(A.indices[k]), 0] += c[0, 0] * np.float64(A.data[k])


@kernel
def _axpy_lanes_sparse(c: np.ndarray, A: Any, j: int, V: np.ndarray) -> None:
    factors = load(c, 0, 0)
    for k in range(np.uint64(A.indptr[j]), np.uint64(A.indptr[j + 1])):
        i = np.uint64(A.indices[k])
        store(V, i, 0, madd(splat(V, A.data[k]), factors, load(V, i, 0)))


@kernel
def _axpy_single_dense(c: np.ndarray, A: Any, j: int, V: np.ndarray) -> None:
    axpy_dense(c[0, 0], A, j, V.reshape(len(V)))


@kernel
def _axpy_lanes_dense(c: np.ndarray, A: Any, j: int, V: np.ndarray) -> None:
    factors = load(c, 0, 0)
    for i in range(A.shape[0]):
        store(V, i, 0, madd(splat(V, A[i, j]), factors, load(V, i, 0)))


# The compiler inlines functions for a single vector, as they are short; the overloads below must
# not hide them in longer functions, since a call takes as long as a short column.


def dot_several(A: Matrix, j: int, V: np.ndarray, out: np.ndarray) -> None:
    """Compute the inner products of column `j` and every column of `V`.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    V : ndarray of float64, shape (n, 1) or (n, LANES), in C order
    out : ndarray of float64, shape (1, V.shape[1])
        Filled with the products.
    """
    single = V.shape[1] == 1
    if isinstance(A, tuple):
        (_dot_single_sparse if single else _dot_lanes_sparse)(A, j, V, out)
    else:
        (_dot_single_dense if single else _dot_lanes_dense)(A, j, V, out)


@overload(dot_several)
def _dot_several(A, j, V, out):
    sparse = isinstance(A, types.BaseTuple)
    one = _dot_single_sparse if sparse else _dot_single_dense
    many = _dot_lanes_sparse if sparse else _dot_lanes_dense

    def choose(A, j, V, out):  # type: ignore[no-untyped-def]
        if V.shape[1] == 1:
            one(A, j, V, out)
        else:
            many(A, j, V, out)

    return choose


def axpy_several(c: np.ndarray, A: Matrix, j: int, V: np.ndarray) -> None:
    """Add `c[0, l]` times column `j` to column `l` of `V`, for every `l`.

    Parameters
    ----------
    c : ndarray of float64, shape (1, V.shape[1])
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    V : ndarray of float64, shape (n, 1) or (n, LANES), in C order
        Changed in place.
    """
    single = V.shape[1] == 1
    if isinstance(A, tuple):
        (_axpy_single_sparse if single else _axpy_lanes_sparse)(c, A, j, V)
    else:
        (_axpy_single_dense if single else _axpy_lanes_dense)(c, A, j, V)


@overload(axpy_several)
def _axpy_several(c, A, j, V):
    sparse = isinstance(A, types.BaseTuple)
    one = _axpy_single_sparse if sparse else _axpy_single_dense
    many = _axpy_lanes_sparse if sparse else _axpy_lanes_dense

    def choose(c, A, j, V):  # type: ignore[no-untyped-def]
        if V.shape[1] == 1:
            one(c, A, j, V)
        else:
            many(c, A, j, V)

    return choose


@kernel
def _prefetch_sparse(A: Any, j: int) -> None:
    first, end = A.indptr[j], A.indptr[j + 1]
    for line in range(LINES):
        if first + line * LINE // A.data.itemsize < end:
            prefetch_one(A.data, first + line * LINE // A.data.itemsize)
        if first + line * LINE // A.indices.itemsize < end:
            prefetch_one(A.indices, first + line * LINE // A.indices.itemsize)


@kernel
def _prefetch_dense(A: Any, j: int) -> None:
    rows = A.T
    for line in range(LINES):
        if line * LINE // A.itemsize < A.shape[0]:
            prefetch_one(rows[j], line * LINE // A.itemsize)


def prefetch_column(A: Matrix, j: int) -> None:
    """Prefetch the beginning of column `j`; processors then see that the rest will follow.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    """
    if isinstance(A, tuple):
        _prefetch_sparse(A, j)
    else:
        _prefetch_dense(A, j)


@overload(prefetch_column)
def _prefetch_column(A, j):
    if isinstance(A, types.BaseTuple):
        return lambda A, j: _prefetch_sparse(A, j)
    return lambda A, j: _prefetch_dense(A, j)
