"""Entries of one column, whatever the format: what is done with care and seldom.

As :mod:`strads.kernels.matrices`; here a column is copied out before it is worked on, so that one
loop serves dense and sparse matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.matrices import Matrix, _entries, _generic, kernel


@kernel
def _fetch_sparse(A: Any, j: int, rows: np.ndarray, values: np.ndarray) -> int:
    count = 0
    for k in _entries(A, j):
        rows[count], values[count] = A.indices[k], A.data[k]
        count += 1
    return count


@kernel
def _fetch_dense(A: Any, j: int, rows: np.ndarray, values: np.ndarray) -> int:
    for i in range(A.shape[0]):
        rows[i], values[i] = i, A[i, j]
    return A.shape[0]


@_generic(_fetch_sparse, _fetch_dense)
def fetch_column(A: Matrix, j: int, rows: np.ndarray, values: np.ndarray) -> int:
    """Copy the stored entries of column `j` to the front of `rows` and `values`; count them."""


@overload(fetch_column)
def _fetch_column(A, j, rows, values):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, rows, values: _fetch_sparse(A, j, rows, values)
    return lambda A, j, rows, values: _fetch_dense(A, j, rows, values)


@kernel
def _uniform_sparse(A: Any, j: int, n: int) -> bool:
    first, end = A.indptr[j], A.indptr[j + 1]
    value = np.float64(A.data[first]) if end - first == n else 0.0
    for k in _entries(A, j):  # noqa: SIM110
        if A.data[k] != value:
            return False
    return True


@kernel
def _uniform_dense(A: Any, j: int, n: int) -> bool:
    for i in range(n):  # noqa: SIM110
        if A[i, j] != A[0, j]:
            return False
    return True


@_generic(_uniform_sparse, _uniform_dense)
def column_uniform(A: Matrix, j: int, n: int) -> bool:
    """Whether the `n` entries of column `j`, those that are not stored included, are all equal."""


@overload(column_uniform)
def _column_uniform(A, j, n):
    if isinstance(A, types.BaseTuple):
        return lambda A, j, n: _uniform_sparse(A, j, n)
    return lambda A, j, n: _uniform_dense(A, j, n)
