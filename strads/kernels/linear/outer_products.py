"""Outer products of columns of dense and sparse matrices, added to a symmetric matrix."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.linear.matrices import Matrix

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def _outer_sparse(c: float, A: Any, j: int, H: np.ndarray) -> None:
    end = np.uint64(A.indptr[j + 1])
    for a in range(np.uint64(A.indptr[j]), end):
        row, factor = np.uint64(A.indices[a]), c * np.float64(A.data[a])
        for b in range(a, end):
            H[row, np.uint64(A.indices[b])] += factor * A.data[b]


@kernel
def _outer_dense(c: float, A: Any, j: int, H: np.ndarray) -> None:
    n = A.shape[0]
    for a in range(n):
        factor = c * np.float64(A[a, j])
        for b in range(a, n):
            H[a, b] += factor * A[b, j]


def add_outer(c: float, A: Matrix, j: int, H: np.ndarray) -> None:
    """Add `c` times the outer product of column `j` with itself to the upper triangle of `H`.

    Parameters
    ----------
    c : float
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    H : ndarray of float64, at least (n, n)
        Changed in place.
    """
    if isinstance(A, tuple):
        _outer_sparse(c, A, j, H)
    else:
        _outer_dense(c, A, j, H)


@overload(add_outer)
def _add_outer(c, A, j, H):
    if isinstance(A, types.BaseTuple):
        return lambda c, A, j, H: _outer_sparse(c, A, j, H)
    return lambda c, A, j, H: _outer_dense(c, A, j, H)


@kernel
def _squares_sparse(c: float, A: Any, j: int, d: np.ndarray) -> None:
    for k in range(np.uint64(A.indptr[j]), np.uint64(A.indptr[j + 1])):
        d[np.uint64(A.indices[k])] += c * np.float64(A.data[k]) ** 2


@kernel
def _squares_dense(c: float, A: Any, j: int, d: np.ndarray) -> None:
    for i in range(A.shape[0]):
        d[i] += c * np.float64(A[i, j]) ** 2


def add_squares(c: float, A: Matrix, j: int, d: np.ndarray) -> None:
    """Add `c` times the squares of column `j`, the diagonal of its outer product, to `d`.

    Parameters
    ----------
    c : float
    A : CSC, CSR or ndarray of shape (n, m)
    j : int
    d : ndarray of float64, shape (n,)
        Changed in place.
    """
    if isinstance(A, tuple):
        _squares_sparse(c, A, j, d)
    else:
        _squares_dense(c, A, j, d)


@overload(add_squares)
def _add_squares(c, A, j, d):
    if isinstance(A, types.BaseTuple):
        return lambda c, A, j, d: _squares_sparse(c, A, j, d)
    return lambda c, A, j, d: _squares_dense(c, A, j, d)
