"""Draw one of many in proportion to weights that are summed lane by lane.

Running sums over vectors of sixteen weights need no sum across lanes, which is what makes a plain
search by running sums slow: position p stands in lane ``p % 16`` of vector ``p // 16``, and
``sums[b]`` holds, lane by lane, the weights of vectors 0…b. A draw takes the lane first, then the
vector.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.lanes import LANES
from strads.kernels.topics.lane_counts import at_most, lane

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def draw_position(sums: np.ndarray, ends: Any, vectors: int, u: float, size: int) -> int:
    """Position at which the running sum of weights, lane by lane, exceeds ``u`` of the total.

    Parameters
    ----------
    sums : ndarray of shape (≥ vectors, LANES)
        Running sums of the vectors of weights.
    ends : vector
        ``cumulate(sums[vectors - 1])``.
    vectors : int
    u : float
        Uniform in [0, 1).
    size : int
        Number of weights; all up to there are positive, or those of whole vectors from position
        LANES on are zero. The others are zero.

    Returns
    -------
    int
        Below `size`. Rounding of sums of float32 moves the odds by parts in ten million.
    """
    rest = np.float32(u * lane(ends, LANES - 1))
    column = min(at_most(ends, rest), LANES - 1, size - 1)
    if column > 0:
        rest -= lane(ends, column - 1)
    found = 0
    for b in range(vectors):
        found += sums[b, column] <= rest
    if found == vectors:  # rounded beyond the last: the last one with weight
        found = 0
        while sums[found, column] < sums[vectors - 1, column]:
            found += 1
    return found * LANES + column
