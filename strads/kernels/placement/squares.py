"""Products with the matrix of squared inner products, which is never made."""

from __future__ import annotations

import numba

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def multiply_squares(Z, v, M, out):
    """Write Σ_i (z_i · z_j)² v_i into ``out[j]``, for all j.

    That is z_jᵀ M z_j with M = Σ_i v_i z_i z_iᵀ, so it takes time in proportion to the rows of `Z`.

    Parameters
    ----------
    Z : ndarray of shape (size, k)
    v : ndarray of shape (size,)
    M : ndarray of shape (k, k)
        Work space.
    out : ndarray of shape (size,)
    """
    k = Z.shape[1]
    M[:] = 0.0
    for j in range(len(v)):
        z = Z[j]
        for c in range(k):
            share = v[j] * z[c]
            for d in range(k):
                M[c, d] += share * z[d]
    for j in range(len(v)):
        z, total = Z[j], 0.0
        for c in range(k):
            part = 0.0
            for d in range(c):
                part += M[c, d] * z[d]
            total += z[c] * (2.0 * part + M[c, c] * z[c])
        out[j] = total
