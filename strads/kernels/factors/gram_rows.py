"""Weighted Gram matrices of the rows of a factor."""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, splat, store

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def gram_rows(F: np.ndarray, weight: np.ndarray, lo: int, hi: int, G: np.ndarray) -> None:
    """Set G to Σ weight_i f_i f_iᵀ, where f_i are the rows lo..hi−1 of F.

    Parameters
    ----------
    F : ndarray of shape (n, padded rank)
    weight : ndarray of shape (n,)
    lo, hi : int
    G : ndarray of shape (padded rank, padded rank)
        Written in place.
    """
    G[:, :] = 0.0
    whole = hi - (hi - lo) % 4
    for i in range(lo, whole, 4):  # four rows of F each time that G is read
        for a in range(F.shape[1]):
            c0, c1 = splat(F, weight[i] * F[i, a]), splat(F, weight[i + 1] * F[i + 1, a])
            c2, c3 = splat(F, weight[i + 2] * F[i + 2, a]), splat(F, weight[i + 3] * F[i + 3, a])
            for f in range(a - a % LANES, F.shape[1], LANES):
                sum_ = madd(c0, load(F, i, f), load(G, a, f))
                sum_ = madd(c2, load(F, i + 2, f), madd(c1, load(F, i + 1, f), sum_))
                store(G, a, f, madd(c3, load(F, i + 3, f), sum_))
    for i in range(whole, hi):
        for a in range(F.shape[1]):
            c = splat(F, weight[i] * F[i, a])
            for f in range(a - a % LANES, F.shape[1], LANES):
                store(G, a, f, madd(c, load(F, i, f), load(G, a, f)))
    for a in range(F.shape[1]):
        for b in range(a):
            G[a, b] = G[b, a]
