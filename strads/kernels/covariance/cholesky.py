"""Cholesky factors and inverses of small matrices, where a call of LAPACK would not pay."""

from __future__ import annotations

import numba
import numpy as np

summing = numba.njit(nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


@summing
def factor(A: np.ndarray, m: int) -> float:
    """Replace the lower triangle of the first m rows and columns of A by its Cholesky factor.

    Returns
    -------
    float
        log det A; NaN if A is not positive definite to working precision.
    """
    found = 0.0
    for i in range(m):
        for j in range(i + 1):
            total = A[i, j]
            for k in range(j):
                total -= A[i, k] * A[j, k]
            if j < i:
                A[i, j] = total / A[j, j]
            elif total > 0.0 and total < np.inf:
                A[i, i] = np.sqrt(total)
                found += np.log(total)
            else:
                return np.nan
    return found


@summing
def invert(L: np.ndarray, m: int, M: np.ndarray, W: np.ndarray) -> None:
    """Set W, of shape (m, m), to the inverse of a matrix with Cholesky factor L; M is work space.

    With M = L⁻¹, W is MᵀM. Both are made by additions of rows, which are contiguous.
    """
    for i in range(m):
        for j in range(i + 1):
            M[i, j] = 0.0
        M[i, i] = 1.0 / L[i, i]
        for k in range(i):
            c = -L[i, k] * M[i, i]
            for j in range(k + 1):
                M[i, j] += c * M[k, j]
    for i in range(m):
        for j in range(m):
            W[i, j] = 0.0
    for k in range(m):
        for i in range(k + 1):
            c = M[k, i]
            for j in range(i + 1):
                W[i, j] += c * M[k, j]
    for i in range(m):
        for j in range(i):
            W[j, i] = W[i, j]
