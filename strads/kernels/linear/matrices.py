"""Columns of dense and sparse matrices: functions that user kernels call on declared data.

A dense matrix is a Fortran-ordered array. A sparse matrix is a named tuple of its three arrays,
with indices sorted within each column (CSC) or row (CSR); given a CSR tuple, every function here
works on rows where its name says column. Each function picks the kernel for dense or for sparse
matrices by the type of its argument, in compiled code and outside of it. Sums are in float64 and
added in a fixed order, so that they repeat bit for bit.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.linear.dense_columns import (
    axpy_dense,
    axpy_dense_part,
    column_dot_dense,
    dot_column,
    nnz_dense,
    norm2_dense,
    norms2_dense,
    overlap_dense,
    sum_dense,
    uniform_dense,
    weighted_norm2_dense,
)
from strads.kernels.linear.sparse_columns import (
    axpy_sparse,
    axpy_sparse_part,
    column_dot_sparse,
    dot_sparse,
    nnz_sparse,
    norm2_sparse,
    norms2_sparse,
    overlap_sparse,
    sum_sparse,
    uniform_sparse,
    weighted_norm2_sparse,
)


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


def _generic(sparse: Any, dense: Any) -> Any:
    """Decorate a function without body so that, outside of compiled code, it calls a kernel.

    `sparse` is called if the first argument is a tuple, else `dense`. The choice in compiled code
    is declared by an ``overload`` beside each function.
    """

    def decorate(stub: Any) -> Any:
        def choose(A: Any, *args: Any) -> Any:
            return sparse(A, *args) if isinstance(A, tuple) else dense(A, *args)

        choose.__name__ = choose.__qualname__ = stub.__name__
        choose.__doc__, choose.__module__ = stub.__doc__, stub.__module__
        choose.__signature__ = inspect.signature(stub)  # for help()
        return choose

    return decorate


def axpy(c: float, A: Any, j: int, r: np.ndarray, part: Any = None) -> None:
    """Add `c` times column `j` to `r`, in all rows or in rows ``part[0] <= i < part[1]`` only.

    In a sparse column, the entries in a part are found by binary search. If `c` is 0, nothing is
    read, as in BLAS: most moves of a sparse model are 0.

    Parameters
    ----------
    c : float
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    r : ndarray of shape (n,)
        Changed in place.
    part : (int, int), optional
        A half-open range of rows, as a kernel gets it for an axis.
    """
    if isinstance(A, tuple):
        if part is None:
            axpy_sparse(c, A, j, r)
        else:
            axpy_sparse_part(c, A, j, r, part)
    elif part is None:
        axpy_dense(c, A, j, r)
    else:
        axpy_dense_part(c, A, j, r, part)


@overload(axpy)
def _axpy(c, A, j, r, part=None):
    whole = part is None or isinstance(part, types.NoneType | types.Omitted)
    if isinstance(A, types.BaseTuple):
        if whole:
            return lambda c, A, j, r, part=None: axpy_sparse(c, A, j, r)
        return lambda c, A, j, r, part=None: axpy_sparse_part(c, A, j, r, part)
    if whole:
        return lambda c, A, j, r, part=None: axpy_dense(c, A, j, r)
    return lambda c, A, j, r, part=None: axpy_dense_part(c, A, j, r, part)


@_generic(dot_sparse, dot_column)
def dot(A: Matrix, j: int, r: np.ndarray) -> float:
    """Inner product of column `j` and `r`.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    r : ndarray of shape (n,)
    """


@overload(dot)
def _dot(A, j, r):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, r: dot_sparse(A, j, r)
    return lambda A, j, r: dot_column(A, j, r)


@_generic(norm2_sparse, norm2_dense)
def column_norm2(A: Matrix, j: int) -> float:
    """Squared Euclidean norm of column `j`.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    """


@overload(column_norm2)
def _column_norm2(A, j):
    if isinstance(A, types.BaseTuple):
        return lambda A, j: norm2_sparse(A, j)
    return lambda A, j: norm2_dense(A, j)


@_generic(norms2_sparse, norms2_dense)
def column_norms2(A: Matrix) -> np.ndarray:
    """Squared Euclidean norms of all columns, each with the same bits as ``column_norm2`` gives.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)

    Returns
    -------
    ndarray of float64, shape (m,)
    """


@overload(column_norms2)
def _column_norms2(A):
    if isinstance(A, types.BaseTuple):
        return lambda A: norms2_sparse(A)
    return lambda A: norms2_dense(A)


@_generic(sum_sparse, sum_dense)
def column_sum(A: Matrix, j: int) -> float:
    """Sum of the entries of column `j`.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    """


@overload(column_sum)
def _column_sum(A, j):
    if isinstance(A, types.BaseTuple):
        return lambda A, j: sum_sparse(A, j)
    return lambda A, j: sum_dense(A, j)


@_generic(nnz_sparse, nnz_dense)
def column_nnz(A: Matrix, j: int) -> int:
    """Count the stored entries of column `j`; in a dense matrix, all of them.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    """


@overload(column_nnz)
def _column_nnz(A, j):
    if isinstance(A, types.BaseTuple):
        return lambda A, j: nnz_sparse(A, j)
    return lambda A, j: nnz_dense(A, j)


@_generic(column_dot_sparse, column_dot_dense)
def column_dot(A: Matrix, j: int, k: int) -> float:
    """Inner product of columns `j` and `k`: one entry of the Gram matrix.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j, k : int
    """


@overload(column_dot)
def _column_dot(A, j, k):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, k: column_dot_sparse(A, j, k)
    return lambda A, j, k: column_dot_dense(A, j, k)


@_generic(overlap_sparse, overlap_dense)
def overlap(A: Matrix, j: int, k: int) -> bool:
    """Whether columns `j` and `k` both store an entry in some row; in a dense matrix, always.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j, k : int
    """


@overload(overlap)
def _overlap(A, j, k):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, k: overlap_sparse(A, j, k)
    return lambda A, j, k: overlap_dense(A, j, k)


@_generic(weighted_norm2_sparse, weighted_norm2_dense)
def weighted_norm2(A: Matrix, j: int, weight: np.ndarray) -> float:
    """Sum of squared entries of column `j`, each times the weight of its row.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    weight : ndarray of shape (n,)
    """


@overload(weighted_norm2)
def _weighted_norm2(A, j, weight):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, weight: weighted_norm2_sparse(A, j, weight)
    return lambda A, j, weight: weighted_norm2_dense(A, j, weight)


@_generic(uniform_sparse, uniform_dense)
def column_uniform(A: Matrix, j: int, weight: np.ndarray) -> bool:
    """Whether the entries of column `j`, compared one by one, are equal where rows have weight.

    Parameters
    ----------
    A : CSC, CSR or ndarray of shape (n, m)
        Entries that a sparse matrix does not store are zero.
    j : int
    weight : ndarray of shape (n,)
        Rows whose weight is zero do not count.
    """


@overload(column_uniform)
def _column_uniform(A, j, weight):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, weight: uniform_sparse(A, j, weight)
    return lambda A, j, weight: uniform_dense(A, j, weight)
