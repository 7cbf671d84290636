"""Time of 1,000 random numbers, and of 1,000 draws from a sum-tree, each with a new weight.

Run with ``pytest bench/kernels``, and with ``STRADS_BENCH_FULL=1`` for ten million ids.
"""

import os

import numba
import numpy as np
import pytest

from strads.kernels import uniform
from strads.kernels.scheduling.sumtree import (
    sumtree_build,
    sumtree_draw,
    sumtree_empty,
    sumtree_set,
)

TIMES = 1000
SIZES = [10_000, 10_000_000] if os.environ.get("STRADS_BENCH_FULL") == "1" else [10_000]


@numba.njit(nogil=True)
def draw_numbers(key, times):
    total = 0.0
    for i in range(times):
        total += uniform(key, i)
    return total


@numba.njit(nogil=True)
def draw_and_weigh(tree, offsets, key, state, times):
    """Go on where the last call ended: new ids, hence new cache lines, in every call."""
    for i in range(state[0], state[0] + times):
        j = sumtree_draw(tree, offsets, uniform(key, i))
        sumtree_set(tree, offsets, j, uniform(key, i, 1))
    state[0] += times


def test_uniform(benchmark):
    expected = draw_numbers(1, TIMES)
    assert benchmark(draw_numbers, 1, TIMES) == expected
    assert 0.45 * TIMES < expected < 0.55 * TIMES


@pytest.mark.parametrize("size", SIZES)
def test_sumtree_draw_and_set(benchmark, size):
    weights = np.random.default_rng(0).random(size)
    tree, offsets = sumtree_empty(size)
    sumtree_build(tree, offsets, weights)
    state = np.zeros(1, np.int64)
    draw_and_weigh(tree, offsets, 1, state, TIMES)
    benchmark(draw_and_weigh, tree, offsets, 1, state, TIMES)
    last = int(offsets[-1])
    np.testing.assert_allclose(tree[0], tree[last : last + size].sum())


@pytest.mark.parametrize("size", SIZES)
def test_sumtree_build(benchmark, size):
    weights = np.random.default_rng(0).random(size)
    tree, offsets = sumtree_empty(size)
    sumtree_build(tree, offsets, weights)
    benchmark(sumtree_build, tree, offsets, weights)
    np.testing.assert_allclose(tree[0], weights.sum())
