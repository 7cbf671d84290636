"""The sum-tree draws like a running sum, and its sums do not depend on earlier weights."""

import naive
import numba
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from strads.kernels.random import uniform
from strads.kernels.scheduling.sumtree import (
    FAN,
    sumtree_build,
    sumtree_draw,
    sumtree_empty,
    sumtree_layout,
    sumtree_set,
)

ALMOST_ONE = np.nextafter(1.0, 0.0)
# Sums of these are exact in any order.
whole = st.integers(0, 1000).map(float)
reals = st.one_of(st.just(0.0), st.floats(1e-300, 1e30))
fractions = st.one_of(st.floats(0.0, 1.0, exclude_max=True), st.sampled_from([0.0, ALMOST_ONE]))


@st.composite
def weight_lists(draw, element):
    """Draw weights, also in numbers around the powers of the fan-out, where levels begin."""
    around = [1, 2, FAN - 1, FAN, FAN + 1, FAN**2 - 1, FAN**2, FAN**2 + 1, FAN**3 + 1]
    n = draw(st.one_of(st.integers(1, 40), st.sampled_from(around)))
    pattern = draw(st.lists(element, min_size=1, max_size=24))
    return np.resize(np.array(pattern), n)


def built(weights):
    tree, offsets = sumtree_empty(len(weights))
    sumtree_build(tree, offsets, weights)
    return tree, offsets


@given(weight_lists(whole), fractions)
@example(np.array([0.0, 3.0, 0.0]), ALMOST_ONE)
@example(np.array([1.0, 0.0, 1.0]), 0.5)
def test_draw_follows_the_running_sum(weights, u):
    tree, offsets = built(weights)
    assert sumtree_draw(tree, offsets, u) == naive.draw(weights, u)


@given(weight_lists(reals), fractions)
def test_draw_follows_the_running_sum_but_for_rounding(weights, u):
    tree, offsets = built(weights)
    assume(weights.sum() > 0.0)
    j = sumtree_draw(tree, offsets, u)
    total = np.cumsum(weights)
    slack = 1e-12 * total[-1]
    assert total[j] - weights[j] - slack <= u * total[-1] <= total[j] + slack


@given(weight_lists(reals), fractions)
def test_zero_weights_are_never_drawn(weights, u):
    tree, offsets = built(weights)
    j = sumtree_draw(tree, offsets, u)
    if np.all(weights == 0.0):
        assert j == -1
    else:
        assert 0 <= j < len(weights)
        assert weights[j] > 0.0


@given(weight_lists(reals), st.integers(0, 2**32 - 1))
def test_setting_and_building_give_equal_bits(weights, seed):
    tree, offsets = built(weights)
    rng = np.random.default_rng(seed)
    other, _ = sumtree_empty(len(weights))
    sumtree_build(other, offsets, rng.exponential(size=len(weights)) * 1e12)
    for j in rng.permutation(len(weights)):
        sumtree_set(other, offsets, j, rng.exponential())
        sumtree_set(other, offsets, j, weights[j])
    np.testing.assert_array_equal(other, tree)


@given(weight_lists(reals))
def test_the_last_level_has_the_weights_and_the_root_their_sum(weights):
    tree, offsets = built(weights)
    assert tree[offsets[-1] :][: len(weights)].tolist() == weights.tolist()
    np.testing.assert_allclose(tree[0], weights.sum(), rtol=1e-12)


@given(weight_lists(reals))
def test_each_node_is_the_sum_of_its_children(weights):
    tree, offsets = built(weights)
    ends = [*offsets[1:], len(tree)]
    for level in range(1, len(offsets)):
        children = tree[offsets[level] : ends[level]].reshape(-1, FAN)
        parents = tree[offsets[level - 1] :][: len(children)]
        np.testing.assert_allclose(parents, children.sum(axis=1), rtol=1e-14)


@given(st.integers(0, 10**6))
def test_layout_has_room_for_all_levels(n):
    length, offsets = sumtree_layout(n)
    sizes = np.diff([*offsets, length])
    assert offsets[0] == 0
    assert np.all(offsets % FAN == 0)
    assert sizes[-1] >= n
    assert np.all(sizes[:-1] * FAN >= sizes[1:])


def test_an_empty_tree_draws_nothing():
    for n in (0, 1, 9):
        tree, offsets = sumtree_empty(n)
        assert sumtree_draw(tree, offsets, 0.3) == -1
        assert tree[0] == 0.0
        assert tree.ctypes.data % 64 == 0


def test_drawing_until_empty_gives_every_id_once():
    n = 77
    tree, offsets = built(np.arange(1.0, n + 1.0))
    found = []
    while (j := sumtree_draw(tree, offsets, uniform(3, 0, len(found)))) >= 0:
        found.append(j)
        sumtree_set(tree, offsets, j, 0.0)
    assert sorted(found) == list(range(n))


def test_frequencies_are_in_proportion_to_weights():
    weights = np.array([0.0, 1.0, 2.0, 0.0, 4.0, 1.0] + [0.0] * 60 + [8.0])
    tree, offsets = built(weights)
    n = 8000
    drawn = [sumtree_draw(tree, offsets, uniform(99, 1, i)) for i in range(n)]
    counts = np.bincount(drawn, minlength=len(weights))
    share = weights / weights.sum()
    assert np.all(counts[weights == 0.0] == 0)
    assert np.all(np.abs(counts - n * share) < 4.5 * np.sqrt(n * share * (1 - share)) + 1e-9)


@pytest.mark.parametrize("tiny", [5e-324, 1e-300])
def test_a_tiny_weight_beside_a_huge_one_can_be_drawn_only_where_it_is(tiny):
    weights = np.array([1e30] + [0.0] * 200 + [tiny])
    tree, offsets = built(weights)
    assert {sumtree_draw(tree, offsets, u) for u in (0.0, 0.5, ALMOST_ONE)} <= {0, 201}


def test_works_inside_compiled_code():
    @numba.njit
    def sample(tree, offsets, weights, u):
        sumtree_build(tree, offsets, weights)
        return sumtree_draw(tree, offsets, u)

    weights = np.arange(100.0)
    tree, offsets = sumtree_empty(100)
    assert sample(tree, offsets, weights, 0.37) == naive.draw(weights, 0.37)
