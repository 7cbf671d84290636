"""Draw a position in proportion to weights whose running sums are kept lane by lane.

The weight of position p is in lane ``p % 16`` of vector ``p // 16``, and ``sums[b]`` is the sum of
vectors 0…b. These running sums need no sums across the lanes of a vector, which would make them
slow. A draw chooses the lane first, then the vector.
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
    """Return the position where the running sum of weights exceeds `u` times the total.

    The running sum goes through the positions of lane 0 first, then through those of lane 1, and so
    on.

    Parameters
    ----------
    sums : ndarray of float32, shape (≥ vectors, LANES)
        Running sums of the vectors of weights.
    ends : vector
        ``cumulate(sums[vectors - 1])``: the running sums over the lanes.
    vectors : int
        Number of vectors.
    u : float
        Uniform in [0, 1).
    size : int
        Number of positions. Weights behind it must be zero. Weights before it must be positive,
        except that whole vectors of them, though not the first vector, may be zero.

    Returns
    -------
    int
        A position below `size`. Rounding in float32 changes the odds by about one part in ten
        million.
    """
    rest = np.float32(u * lane(ends, LANES - 1))
    column = min(at_most(ends, rest), LANES - 1, size - 1)
    if column > 0:
        rest -= lane(ends, column - 1)
    found = 0
    for b in range(vectors):
        found += sums[b, column] <= rest
    if found == vectors:  # rounding led behind the last vector: take the last one with a weight
        found = 0
        while sums[found, column] < sums[vectors - 1, column]:
            found += 1
    return found * LANES + column
