"""The arrays of a user's matrix, in one form for all types of numbers and indices.

The certificate reads X as it was given. Its kernels would be compiled anew for every combination of
types; here only the loops that fetch a column differ, and all of them are compiled together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from strads.engine import kernel


class Stored(NamedTuple):
    """A matrix in CSC format, or a dense one in Fortran order. Arrays that do not apply are empty.

    Attributes
    ----------
    double, single : ndarray of float64 and of float32
        The stored entries, column by column, in one of the two.
    narrow, wide : ndarray of int32 and of int64
        Their rows, in one of the two; a dense matrix has neither.
    indptr : ndarray of int64, shape (columns + 1,)
        Where each column begins, and where the last one ends.
    """

    double: np.ndarray
    single: np.ndarray
    narrow: np.ndarray
    wide: np.ndarray
    indptr: np.ndarray


def stored(X: Any) -> Stored:
    """Return the arrays of a CSC matrix, or one in Fortran order; only rare types are copied."""
    if sp.issparse(X):
        data, indices, indptr = X.data, X.indices, X.indptr.astype(np.int64)
    else:
        n, p = X.shape
        data, indices = X.reshape(-1, order="F"), np.empty(0, np.int32)
        indptr = n * np.arange(p + 1, dtype=np.int64)
    if data.dtype not in (np.float64, np.float32):
        data = data.astype(np.float64)
    if indices.dtype not in (np.int32, np.int64):
        indices = indices.astype(np.int64)
    return Stored(
        _if_of(data, np.float64), _if_of(data, np.float32),
        _if_of(indices, np.int32), _if_of(indices, np.int64), indptr,
    )  # fmt: skip


def _if_of(array: np.ndarray, dtype: Any) -> np.ndarray:
    """Return the array if it has this type, else an empty one."""
    return array if array.dtype == dtype else np.empty(0, dtype)


@kernel
def fetch_column(matrix, j, rows, values):
    """Copy column `j`'s stored entries to the front of `rows` and `values`; return their count."""
    first, count = matrix.indptr[j], matrix.indptr[j + 1] - matrix.indptr[j]
    single, narrow, wide = len(matrix.single) > 0, len(matrix.narrow) > 0, len(matrix.wide) > 0
    # Slices would take the compiler seconds.
    for k in range(count):
        values[k] = matrix.single[first + k] if single else matrix.double[first + k]
        if narrow:
            rows[k] = matrix.narrow[first + k]
        elif wide:
            rows[k] = matrix.wide[first + k]
        else:
            rows[k] = k
    return count
