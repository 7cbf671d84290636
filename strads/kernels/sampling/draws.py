"""Random numbers for sites, and the chance of a spin to point up."""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.random import fold

kernel = numba.njit(nogil=True, error_model="numpy")

#: Beyond this, exp(−x) is no longer a positive number in double precision.
STEEPEST = 700.0


@kernel
def draw(key: int, word: int) -> float:
    """Return a number uniform in [0, 1), by one hash of `word` under `key`.

    :func:`strads.kernels.random.uniform` hashes twice, which would be a third of a sweep's time.
    """
    return (np.uint64(fold(key, word)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@kernel
def chance_up(steepness: float) -> float:
    """Return 1 / (1 + exp(−x)) for x = 2·field / temperature: the chance of the spin +1."""
    if steepness > STEEPEST:
        return 1.0
    if steepness < -STEEPEST:
        return 0.0
    return 1.0 / (1.0 + np.exp(-steepness))
