"""One pass of subspace iteration over the columns of a matrix, all divided by their norms.

The pass multiplies a few vectors `Q` by Xᵀ and by X at once: every column is read once. After some
passes, with `Q` made orthonormal in between, `Z` = XᵀQ says where each column lies in the space
that holds most of all columns.
"""

from __future__ import annotations

import numba

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def pass_sparse(data, indices, indptr, Q, Z, Y):
    """Write XᵀQ into `Z` and X XᵀQ into `Y`; X is given by columns.

    Parameters
    ----------
    data, indices, indptr : ndarray
        Compressed sparse columns.
    Q : ndarray of shape (rows, k)
    Z : ndarray of shape (columns, k)
    Y : ndarray of shape (rows, k)
    """
    Y[:] = 0.0
    Z[:] = 0.0
    for j in range(len(Z)):
        z, norm2 = Z[j], 0.0
        for e in range(indptr[j], indptr[j + 1]):
            value, q = float(data[e]), Q[indices[e]]
            norm2 += value * value
            for c in range(len(z)):
                z[c] += value * q[c]
        if norm2 == 0.0:
            continue
        z /= norm2**0.5
        for e in range(indptr[j], indptr[j + 1]):
            value, y = data[e] / norm2**0.5, Y[indices[e]]
            for c in range(len(z)):
                y[c] += value * z[c]


@kernel
def pass_dense(X, Q, Z, Y):
    """Do the same with a dense matrix in Fortran order."""
    Y[:] = 0.0
    Z[:] = 0.0
    for j in range(len(Z)):
        z, norm2 = Z[j], 0.0
        for i in range(len(Q)):
            value = float(X[i, j])
            norm2 += value * value
            for c in range(len(z)):
                z[c] += value * Q[i, c]
        if norm2 == 0.0:
            continue
        z /= norm2**0.5
        for i in range(len(Q)):
            value = X[i, j] / norm2**0.5
            for c in range(len(z)):
                Y[i, c] += value * z[c]


@kernel
def orthonormalise(Q):
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
        scale = 1.0 / norm2**0.5 if norm2 > 1e-20 * before else 0.0
        for i in range(rows):
            Q[i, c] *= scale
