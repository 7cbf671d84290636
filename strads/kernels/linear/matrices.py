"""Columns of dense and sparse matrices: what user kernels call on declared data.

A dense matrix is a Fortran-ordered array, a sparse one a named tuple of its three arrays with
indices sorted within a column (CSC) or row (CSR). For a CSR tuple "column" means row. Sums are
in float64 and in a fixed order, hence repeatable.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.extending import overload

kernel = numba.njit(nogil=True, error_model="numpy")


class CSC(NamedTuple):
    """Compressed sparse columns: column j is entries ``indptr[j]`` to ``indptr[j + 1] - 1``."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray


class CSR(NamedTuple):
    """Compressed sparse rows: row j is entries ``indptr[j]`` to ``indptr[j + 1] - 1``."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray


Matrix = CSC | CSR | np.ndarray

#: A column this many times longer than another is searched rather than merged.
_MUCH_LONGER = 16


def _generic(sparse: Any, dense: Any) -> Any:
    """Make a function that picks the sparse or the dense kernel, compiled or not."""

    def decorate(stub: Any) -> Any:
        def choose(A: Any, *args: Any) -> Any:
            return sparse(A, *args) if isinstance(A, tuple) else dense(A, *args)

        choose.__name__ = choose.__qualname__ = stub.__name__
        choose.__doc__, choose.__module__ = stub.__doc__, stub.__module__
        choose.__signature__ = inspect.signature(stub)  # for help()
        return choose

    return decorate


@kernel
def _entries(A: Any, j: int) -> range:
    """Return the positions of column `j`.

    They are unsigned, as are the row numbers below: the test whether an index counts from the end
    costs as much as the arithmetic.
    """
    return range(np.uint64(A.indptr[j]), np.uint64(A.indptr[j + 1]))


@kernel
def _dot_sparse(A: Any, j: int, r: np.ndarray) -> float:
    total = 0.0
    for k in _entries(A, j):
        total += np.float64(A.data[k]) * r[np.uint64(A.indices[k])]
    return total


@kernel
def _dot_dense(A: Any, j: int, r: np.ndarray) -> float:
    # Four partial sums: one addition chain would wait for itself.
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
def _lower(indices: np.ndarray, lo: int, hi: int, value: int) -> int:
    """First position in ``indices[lo:hi]`` whose entry is at least `value`."""
    while lo < hi:
        middle = (lo + hi) >> 1
        if indices[middle] < value:
            lo = middle + 1
        else:
            hi = middle
    return lo


@kernel
def column_part(A: Any, j: int, part: Any) -> tuple[int, int]:
    """Positions of a sparse column's entries in rows ``part[0] <= i < part[1]``."""
    first = _lower(A.indices, A.indptr[j], A.indptr[j + 1], part[0])
    return first, _lower(A.indices, first, A.indptr[j + 1], part[1])


@kernel
def _axpy_sparse(c: float, A: Any, j: int, r: np.ndarray) -> None:
    for k in _entries(A, j):
        r[np.uint64(A.indices[k])] += c * np.float64(A.data[k])


@kernel
def _axpy_sparse_part(c: float, A: Any, j: int, r: np.ndarray, part: Any) -> None:
    first = _lower(A.indices, A.indptr[j], A.indptr[j + 1], part[0])
    for k in range(np.uint64(first), np.uint64(A.indptr[j + 1])):
        if A.indices[k] >= part[1]:
            break
        r[np.uint64(A.indices[k])] += c * np.float64(A.data[k])


@kernel
def _axpy_dense(c: float, A: Any, j: int, r: np.ndarray) -> None:
    for i in range(A.shape[0]):
        r[i] += c * np.float64(A[i, j])


@kernel
def _axpy_dense_part(c: float, A: Any, j: int, r: np.ndarray, part: Any) -> None:
    for i in range(part[0], part[1]):
        r[i] += c * np.float64(A[i, j])


def axpy(c: float, A: Any, j: int, r: np.ndarray, part: Any = None) -> None:
    """Add `c` times column `j` to `r`, or only to its rows ``part[0] <= i < part[1]``.

    The entries of a sparse column in a part are found by binary search. In compiled code and out.

    Parameters
    ----------
    c : float
    A : matrix
        A field with two axes: sparse (its columns as laid out, rows for layout "csr") or dense.
    j : int
    r : ndarray
        Changed in place.
    part : (int, int), optional
        A half-open range, as a kernel gets it for an axis.
    """
    if isinstance(A, tuple):
        if part is None:
            _axpy_sparse(c, A, j, r)
        else:
            _axpy_sparse_part(c, A, j, r, part)
    elif part is None:
        _axpy_dense(c, A, j, r)
    else:
        _axpy_dense_part(c, A, j, r, part)


@overload(axpy)
def _axpy(c, A, j, r, part=None):
    whole = part is None or isinstance(part, types.NoneType | types.Omitted)
    if isinstance(A, types.BaseTuple):
        if whole:
            return lambda c, A, j, r, part=None: _axpy_sparse(c, A, j, r)
        return lambda c, A, j, r, part=None: _axpy_sparse_part(c, A, j, r, part)
    if whole:
        return lambda c, A, j, r, part=None: _axpy_dense(c, A, j, r)
    return lambda c, A, j, r, part=None: _axpy_dense_part(c, A, j, r, part)


@_generic(_dot_sparse, _dot_dense)
def dot(A: Matrix, j: int, r: np.ndarray) -> float:
    """Inner product of column `j` and `r`.

    In compiled code and out; sums are in float64 and in a fixed order.

    Parameters
    ----------
    A : matrix
        A field with two axes: sparse (its columns as laid out, rows for layout "csr") or dense.
    j : int
    r : ndarray
    """


@overload(dot)
def _dot(A, j, r):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, r: _dot_sparse(A, j, r)
    return lambda A, j, r: _dot_dense(A, j, r)


@kernel
def _norm2_sparse(A: Any, j: int) -> float:
    total = 0.0
    for k in _entries(A, j):
        value = np.float64(A.data[k])
        total += value * value
    return total


@kernel
def _norm2_dense(A: Any, j: int) -> float:
    return _dot_dense(A, j, A[:, j])


@_generic(_norm2_sparse, _norm2_dense)
def column_norm2(A: Matrix, j: int) -> float:
    """Squared Euclidean norm of column `j`.

    In compiled code and out; sums are in float64 and in a fixed order.

    Parameters
    ----------
    A : matrix
        A field with two axes: sparse (its columns as laid out, rows for layout "csr") or dense.
    j : int
    """


@overload(column_norm2)
def _column_norm2(A, j):
    if isinstance(A, types.BaseTuple):
        return lambda A, j: _norm2_sparse(A, j)
    return lambda A, j: _norm2_dense(A, j)


@kernel
def _norms2_sparse(A: Any) -> np.ndarray:
    norms = np.empty(len(A.indptr) - 1)
    for j in range(len(norms)):
        norms[j] = _norm2_sparse(A, j)
    return norms


@kernel
def _norms2_dense(A: Any) -> np.ndarray:
    norms = np.empty(A.shape[1])
    for j in range(len(norms)):
        norms[j] = _norm2_dense(A, j)
    return norms


@_generic(_norms2_sparse, _norms2_dense)
def column_norms2(A: Matrix) -> np.ndarray:
    """Squared Euclidean norms of all columns at once, each as ``column_norm2`` computes it.

    In compiled code and out; sums are in float64 and in a fixed order.

    Parameters
    ----------
    A : matrix
        A field with two axes: sparse (its columns as laid out, rows for layout "csr") or dense.

    Returns
    -------
    ndarray of float64
    """


@overload(column_norms2)
def _column_norms2(A):
    if isinstance(A, types.BaseTuple):
        return lambda A: _norms2_sparse(A)
    return lambda A: _norms2_dense(A)


@kernel
def _sum_sparse(A: Any, j: int) -> float:
    total = 0.0
    for k in _entries(A, j):
        total += np.float64(A.data[k])
    return total


@kernel
def _sum_dense(A: Any, j: int) -> float:
    total = 0.0
    for i in range(A.shape[0]):
        total += np.float64(A[i, j])
    return total


@_generic(_sum_sparse, _sum_dense)
def column_sum(A: Matrix, j: int) -> float:
    """Sum of the entries of column `j`.

    In compiled code and out; sums are in float64 and in a fixed order.

    Parameters
    ----------
    A : matrix
        A field with two axes: sparse (its columns as laid out, rows for layout "csr") or dense.
    j : int
    """


@overload(column_sum)
def _column_sum(A, j):
    if isinstance(A, types.BaseTuple):
        return lambda A, j: _sum_sparse(A, j)
    return lambda A, j: _sum_dense(A, j)


@kernel
def _nnz_sparse(A: Any, j: int) -> int:
    return A.indptr[j + 1] - A.indptr[j]


@kernel
def _nnz_dense(A: Any, j: int) -> int:
    return A.shape[0]


@_generic(_nnz_sparse, _nnz_dense)
def column_nnz(A: Matrix, j: int) -> int:
    """Count the stored entries of column `j`.

    In compiled code and out; sums are in float64 and in a fixed order.

    Parameters
    ----------
    A : matrix
        A field with two axes: sparse (its columns as laid out, rows for layout "csr") or dense.
    j : int
    """


@overload(column_nnz)
def _column_nnz(A, j):
    if isinstance(A, types.BaseTuple):
        return lambda A, j: _nnz_sparse(A, j)
    return lambda A, j: _nnz_dense(A, j)


@kernel
def _meet(A: Any, j: int, k: int, a: int, b: int) -> tuple[int, int]:
    """Find the next positions, `a` or later in column `j`, `b` or later in `k`, with equal row.

    Steps through the first column; in the second it steps, or, where that is much longer,
    searches. The first position is the end of column `j` if there is none.
    """
    end_a, end_b = A.indptr[j + 1], A.indptr[k + 1]
    search = end_b - b > _MUCH_LONGER * (end_a - a)
    while a < end_a and b < end_b:
        row = A.indices[a]
        if search:
            b = _lower(A.indices, b, end_b, row)
        else:
            while b < end_b and A.indices[b] < row:
                b += 1
        if b < end_b and A.indices[b] == row:
            return a, b
        a += 1
    return end_a, b


@kernel
def _column_dot_sparse(A: Any, j: int, k: int) -> float:
    if _nnz_sparse(A, k) < _nnz_sparse(A, j):
        j, k = k, j
    total = 0.0
    a, b = _meet(A, j, k, A.indptr[j], A.indptr[k])
    while a < A.indptr[j + 1]:
        total += np.float64(A.data[a]) * A.data[b]
        a, b = _meet(A, j, k, a + 1, b + 1)
    return total


@kernel
def _column_dot_dense(A: Any, j: int, k: int) -> float:
    return _dot_dense(A, j, A[:, k])


@_generic(_column_dot_sparse, _column_dot_dense)
def column_dot(A: Matrix, j: int, k: int) -> float:
    """Inner product of columns `j` and `k`: one entry of the Gram matrix.

    In compiled code and out; sums are in float64 and in a fixed order.

    Parameters
    ----------
    A : matrix
        A field with two axes: sparse (its columns as laid out, rows for layout "csr") or dense.
    j, k : int
    """


@overload(column_dot)
def _column_dot(A, j, k):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, k: _column_dot_sparse(A, j, k)
    return lambda A, j, k: _column_dot_dense(A, j, k)


@kernel
def _overlap_sparse(A: Any, j: int, k: int) -> bool:
    if _nnz_sparse(A, k) < _nnz_sparse(A, j):
        j, k = k, j
    return _meet(A, j, k, A.indptr[j], A.indptr[k])[0] < A.indptr[j + 1]


@kernel
def _overlap_dense(A: Any, j: int, k: int) -> bool:
    return A.shape[0] > 0


@_generic(_overlap_sparse, _overlap_dense)
def overlap(A: Matrix, j: int, k: int) -> bool:
    """Whether columns `j` and `k` store an entry in the same row.

    In compiled code and out; sums are in float64 and in a fixed order.

    Parameters
    ----------
    A : matrix
        A field with two axes: sparse (its columns as laid out, rows for layout "csr") or dense.
    j, k : int
    """


@overload(overlap)
def _overlap(A, j, k):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, k: _overlap_sparse(A, j, k)
    return lambda A, j, k: _overlap_dense(A, j, k)
