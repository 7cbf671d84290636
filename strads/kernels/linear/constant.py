"""Whether a column is constant, entry by entry: no sum can tell.

As :mod:`strads.kernels.linear.matrices`, for dense and sparse matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.linear.matrices import Matrix, _entries, _generic, kernel


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
