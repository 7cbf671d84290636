"""One pass of subspace iteration over the columns of a matrix, all divided by their norms.

The pass multiplies :data:`~strads.kernels.lanes.LANES` vectors `Q` by Xᵀ and by X at once: every
column is read once. After some passes, with `Q` made orthonormal in between, `Z` = XᵀQ says where
each column lies in the space that holds most of all columns.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.lanes import load, mul, splat, store
from strads.kernels.linear.matrices import Matrix, column_norm2
from strads.kernels.linear.several_vectors import axpy_several, dot_several

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def subspace_pass(X: Matrix, Q: np.ndarray, Z: np.ndarray, Y: np.ndarray, work: Any) -> None:
    """Write XᵀQ into `Z` and X XᵀQ into `Y`, for the unit columns of X; empty ones stay zero.

    Parameters
    ----------
    X : CSC or ndarray of shape (rows, size)
    Q : ndarray of float64, shape (rows, LANES)
    Z : ndarray of float64, shape (size, LANES)
    Y : ndarray of float64, shape (rows, LANES)
    work : ndarray of float64, shape (2, 1, LANES)
    """
    Y[:] = 0.0
    inner, scaled = work[0], work[1]
    for j in range(len(Z)):
        norm2 = column_norm2(X, j)
        scale = 1.0 / np.sqrt(norm2) if norm2 > 0.0 else 0.0
        dot_several(X, j, Q, inner)
        z = mul(splat(Z, scale), load(inner, 0, 0))
        store(Z, j, 0, z)
        store(scaled, 0, 0, mul(splat(Z, scale), z))
        axpy_several(scaled, X, j, Y)


@kernel
def orthonormalise(Q: np.ndarray) -> None:
    """Make the columns of `Q` orthonormal, by Gram-Schmidt, twice; a dependent one becomes zero.

    Sums are added in order, so that the result does not depend on how many threads BLAS has.
    """
    rows, k = Q.shape
    for c in range(k):
        before = 0.0
        for i in range(rows):
            before += Q[i, c] * Q[i, c]
        for _ in range(2):
            for d in range(c):
                product = 0.0
                for i in range(rows):
                    product += Q[i, d] * Q[i, c]
                for i in range(rows):
                    Q[i, c] -= product * Q[i, d]
        norm2 = 0.0
        for i in range(rows):
            norm2 += Q[i, c] * Q[i, c]
        scale = 1.0 / np.sqrt(norm2) if norm2 > 1e-20 * before else 0.0
        for i in range(rows):
            Q[i, c] *= scale
