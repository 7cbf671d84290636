"""Products with the matrix of squared inner products, which is never made."""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, mul, splat, store, total

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def multiply_squares(Z: np.ndarray, v: np.ndarray, M: np.ndarray, out: np.ndarray) -> None:
    """Write Σ_i (z_i · z_j)² v_i into ``out[j]``, for all j.

    That is z_jᵀ M z_j with M = Σ_i v_i z_i z_iᵀ, so it takes time in proportion to the rows of `Z`.

    Parameters
    ----------
    Z : ndarray of float64, shape (size, LANES)
    v : ndarray of float64, shape (size,)
    M : ndarray of float64, shape (LANES, LANES)
        Work space.
    out : ndarray of float64, shape (size,)
    """
    M[:] = 0.0
    for j in range(len(v)):
        if v[j] == 0.0:
            continue
        z = load(Z, j, 0)
        for c in range(LANES):
            store(M, c, 0, madd(splat(M, v[j] * Z[j, c]), z, load(M, c, 0)))
    for j in range(len(v)):
        product = splat(M, 0.0)
        for c in range(LANES):
            product = madd(splat(M, Z[j, c]), load(M, c, 0), product)
        out[j] = total(mul(product, load(Z, j, 0)))
