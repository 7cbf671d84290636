"""Draws of normal and inverse Gaussian variables from stateless random numbers."""

from __future__ import annotations

import math

import numba

from strads.kernels.random import uniform

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def normal(key: int, id: int, draw: int = 0) -> float:
    """Return a standard normal number; it uses draws 2 `draw` and 2 `draw` + 1 of `id`.

    This is the method of Box and Muller.
    """
    u = 1.0 - uniform(key, id, 2 * draw)  # in (0, 1]
    return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * uniform(key, id, 2 * draw + 1))


@kernel
def inverse_gaussian(mean: float, shape: float, key: int, id: int) -> float:
    """Return an inverse Gaussian number, by the method of Michael, Schucany and Haas (1976).

    It uses draws 0, 1 and 2 of `id`. A `mean` that is infinite gives Lévy's distribution, the
    limit.
    """
    squared = normal(key, id) ** 2
    if not math.isfinite(mean):
        return shape / squared
    y = mean * squared / (2.0 * shape)
    # The smaller root is mean · (1 + y − √(2y + y²)), written without cancellation.
    small = mean / (1.0 + y + math.sqrt(y * (2.0 + y)))
    if uniform(key, id, 2) * (mean + small) <= mean:
        return small
    return mean * mean / small
