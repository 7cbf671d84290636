"""Sums of α_k q_k over groups of sixteen topics, and a draw of any topic by them."""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, add, load, mul, splat, store, total
from strads.kernels.random import uniform
from strads.kernels.topics.lane_counts import at_most, cumulate, lane
from strads.kernels.topics.lane_draws import draw_position
from strads.kernels.topics.lists import rows_of

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def sum_groups(weights: np.ndarray, alpha: np.ndarray, groups: np.ndarray) -> float:
    """Set `groups` to the sums of α_k q_k over sixteen topics each; return the sum over all."""
    whole = 0.0
    for b in range(weights.shape[1] // LANES):
        whole += sum_group(weights, alpha, groups, b)
    return whole


@kernel
def sum_group(weights: np.ndarray, alpha: np.ndarray, groups: np.ndarray, b: int) -> float:
    """Set the sum of group `b` of sixteen topics, and return it."""
    part = total(mul(load(weights, 0, b * LANES), load(alpha, 0, b * LANES)))
    groups[0, b] = part
    return part


@kernel
def draw_any(
    weights: np.ndarray, alpha: np.ndarray, groups: np.ndarray, sums: np.ndarray, u: float,
    key: int, t: int, topics: int, draw: int = 1,
) -> int:  # fmt: skip
    """Draw a topic in proportion to α_k q_k: a group of sixteen topics first, then one of them.

    `u` is uniform in [0, 1); draw number `draw` of token `t` is used as well.
    """
    running = splat(alpha, 0.0)
    vectors = groups.shape[1] // LANES
    for b in range(vectors):
        running = add(running, load(groups, 0, b * LANES))
        store(sums, b, 0, running)
    group = draw_position(sums, cumulate(running), vectors, u, rows_of(topics))
    at = group * LANES
    ends = cumulate(mul(load(weights, 0, at), load(alpha, 0, at)))
    bound = np.float32(uniform(key, t, draw) * lane(ends, LANES - 1))
    return min(at + min(at_most(ends, bound), LANES - 1), topics - 1)
