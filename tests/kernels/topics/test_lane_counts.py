"""Kernels on vectors of counts, and draws in proportion to weights, against NumPy."""

import naive_topics as naive
import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba.core.errors import TypingError

from strads.kernels.lanes import LANES, add, load, prefetch, splat, store
from strads.kernels.topics.lane_counts import (
    at_most,
    cumulate,
    gather,
    lane,
    load_counts,
    match,
    prefetch_item,
)
from strads.kernels.topics.lane_draws import draw_position

JIT = not numba.config.DISABLE_JIT
NARROW_AND_WIDE = pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint32])
seeds = st.integers(0, 2**32 - 1)
unit = st.floats(0.0, 1.0, exclude_max=True)


# -- vectors ---------------------------------------------------------------------------------------


@numba.njit
def each_operation(counts, row, first, value, values, i, bound, out):
    prefetch(counts, row)
    prefetch_item(counts[0], row)
    running = cumulate(load(values, 0, 0))
    store(out, 0, 0, load_counts(counts, row, first))
    store(out, 1, 0, gather(values, counts, row))
    store(out, 2, 0, running)
    return match(counts, row, value), lane(running, i), at_most(running, bound)


@NARROW_AND_WIDE
@given(
    counts=arrays(np.int32, (3, 3 * LANES), elements=st.integers(0, 2 * LANES - 1)),
    row=st.integers(0, 2), first=st.integers(0, 2 * LANES), value=st.integers(0, 2 * LANES - 1),
    # Multiples of 1/8: these and sums of sixteen of them are exact in float32.
    values=arrays(np.int32, 2 * LANES, elements=st.integers(0, 64)),
    i=st.integers(0, LANES - 1), bound=st.integers(-1, 200),
)  # fmt: skip
def test_lanes_of_counts(dtype, counts, row, first, value, values, i, bound):
    table, out = (values[None, :] / 8).astype(np.float32), np.zeros((3, LANES), np.float32)
    found = each_operation(counts.astype(dtype), row, first, value, table, i, bound / 8, out)
    running = np.cumsum(table[0, :LANES])
    places = counts[row, :LANES]
    np.testing.assert_array_equal(out[0], counts[row, first : first + LANES])
    np.testing.assert_array_equal(out[1], table[0, places])
    np.testing.assert_array_equal(out[2], running)
    where = np.flatnonzero(places == value)
    assert found == (where[0] if len(where) else LANES, running[i], np.sum(running <= bound / 8))


@NARROW_AND_WIDE
def test_large_counts_are_exact(dtype):
    most = min(np.iinfo(dtype).max, 2**24)
    counts = np.full((1, LANES), most, dtype)
    values, out = np.zeros((1, LANES), np.float32), np.zeros((3, LANES), np.float32)
    first, _, _ = each_operation(np.zeros_like(counts), 0, 0, 0, values, 0, 0.0, out)
    assert first == 0
    counts[0, 15] = 3
    assert loaded(counts, out) == 15
    np.testing.assert_array_equal(out[0], np.r_[[np.float32(most)] * 15, 3.0])


@numba.njit
def loaded(counts, out):
    store(out, 0, 0, load_counts(counts, 0, 0))
    return match(counts, 0, 3)


def test_places_of_sixteen_bits_are_not_negative():
    places = np.linspace(0, 2**16 - 1, LANES).astype(np.uint16)[None]
    values, out = np.arange(2**16, dtype=np.float32)[None], np.zeros((3, LANES), np.float32)
    found, _, _ = each_operation(places, 0, 0, places[0, 9], values, 0, 0.0, out)
    np.testing.assert_array_equal(out[:2], np.tile(places[0, :LANES], (2, 1)))
    assert found == 9


@pytest.mark.skipif(not JIT, reason="types are checked when code is compiled")
def test_counts_of_64_bits_do_not_compile():
    with pytest.raises(TypingError, match="integers of at most 32 bits"):
        loaded(np.zeros((1, LANES), np.int64), np.zeros((1, LANES), np.float32))


# -- draws -----------------------------------------------------------------------------------------


@numba.njit
def drawn(weights, sums, u, size):
    running = splat(weights, 0.0)
    vectors = weights.shape[1] // LANES
    for b in range(vectors):
        running = add(running, load(weights, 0, b * LANES))
        store(sums, b, 0, running)
    return draw_position(sums, cumulate(running), vectors, u, size)


def draw(weights, u):
    wide = naive.widened(weights, np.float32)
    return drawn(wide, np.zeros((3, LANES), np.float32), u, len(weights))


@st.composite
def lists_of_weights(draw):
    """Draw positive weights; of several vectors of them, one may be all zeros."""
    weights = np.array(draw(st.lists(st.integers(1, 64), min_size=1, max_size=40)))
    if len(weights) > LANES and draw(st.booleans()):
        weights[LANES : 2 * LANES] = 0
    return weights


@given(weights=lists_of_weights(), u=st.one_of(unit, st.integers(0, 2559)))
def test_a_draw_is_where_the_running_sum_exceeds_its_share(weights, u):
    if isinstance(u, int):  # at the end of a weight
        u = u % weights.sum() / weights.sum()
    order = naive.lane_major(weights)
    running = np.cumsum(weights[order])  # whole numbers: exact in float32
    rest = np.float32(u * np.float32(running[-1]))
    # If `u` times the total rounds up to the total, the last position with a weight is drawn.
    place = min(int(np.searchsorted(running, rest, side="right")), len(weights) - 1)
    while weights[order[place]] == 0:
        place -= 1
    found = draw(weights, u)
    assert weights[found] > 0
    assert rest == running[-1] or found == order[place]


@given(seed=seeds, size=st.integers(1, 40), u=unit, spread=st.sampled_from([0.1, 3.0, 9.0]))
def test_draws_of_weights_that_round(seed, size, u, spread):
    weights = np.exp(np.random.default_rng(seed).normal(0.0, spread, size)).astype(np.float32)
    order = naive.lane_major(weights)
    running = np.cumsum(weights[order].astype(np.float64)) / weights.sum(dtype=np.float64)
    for share in (u, 0.0, np.nextafter(1.0, 0.0)):
        found = draw(weights, share)
        assert 0 <= found < size
        place = int(np.flatnonzero(order == found)[0])
        assert share <= running[place] + 1e-5
        assert share >= running[place] - weights[found] / weights.sum() - 1e-5


@pytest.mark.parametrize("size", [1, 2, 5, 15, 16, 17, 31, 32, 33, 40])
def test_every_position_has_its_share_of_a_grid(size):
    weights = 1 + np.arange(size) % 5
    grid = (np.arange(weights.sum()) + 0.5) / weights.sum()
    found = np.bincount([draw(weights, u) for u in grid], minlength=size)
    np.testing.assert_array_equal(found, weights)


def test_a_share_at_the_end_of_a_weight_is_the_next_one():
    weights = np.ones(2 * LANES)
    found = [draw(weights, j / len(weights)) for j in range(len(weights))]
    assert found == naive.lane_major(weights).tolist()
