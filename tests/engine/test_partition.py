"""Partitions: disjoint, complete, balanced."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strads.engine.errors import ProgramError
from strads.engine.partition import Partition

workers = st.integers(1, 9)
aligns = st.sampled_from([1, 2, 8, 16])
cost_lists = st.lists(st.one_of(st.just(0.0), st.floats(0.0, 1e6)), max_size=120).map(np.array)


def assert_covers(partition, size, n_workers):
    assert partition.workers == n_workers
    assert partition.size == size
    ranges = [np.arange(*partition.range(p)) for p in range(n_workers)]
    np.testing.assert_array_equal(np.concatenate(ranges), np.arange(size))
    for p, ids in enumerate(ranges):
        assert np.all(partition.holder(ids) == p)


@given(st.integers(0, 300), workers, aligns)
def test_contiguous(size, n_workers, align):
    partition = Partition.contiguous(size, n_workers, align=align)
    assert_covers(partition, size, n_workers)
    lengths = np.diff(partition.bounds)
    assert lengths.max() <= size / n_workers + align
    inner = partition.bounds[1:-1]
    assert np.all((inner % align == 0) | (inner == size))


@given(cost_lists, workers, aligns)
def test_balanced(costs, n_workers, align):
    partition = Partition.balanced(costs, n_workers, align=align)
    assert_covers(partition, len(costs), n_workers)
    if costs.sum() == 0.0:
        return
    # Rounding moves each of the two cuts of a range by at most half of `align`.
    slack = costs.max() * (1 + (align if align > 1 else 0))
    bound = costs.sum() / n_workers + slack
    assert naive.largest_load(costs, partition.bounds) <= bound * (1 + 1e-9)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60).map(np.array), workers)
def test_balanced_puts_each_cut_nearest_to_its_goal(costs, n_workers):
    total = np.concatenate([[0], np.cumsum(costs)])
    bounds = Partition.balanced(costs, n_workers).bounds
    if total[-1] == 0:
        np.testing.assert_array_equal(bounds, Partition.contiguous(len(costs), n_workers).bounds)
        return
    goals = np.arange(1, n_workers) * total[-1] / n_workers
    best = np.abs(total[:, None] - goals).min(axis=0) if n_workers > 1 else np.empty(0)
    np.testing.assert_allclose(np.abs(total[bounds[1:-1]] - goals), best, atol=1e-9)


@given(st.integers(1, 6).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1), max_size=60))
))  # fmt: skip
def test_from_owners(case):
    n_workers, owners = case
    partition = Partition.from_owners(np.array(owners, dtype=np.int64), n_workers)
    assert_covers(partition, len(owners), n_workers)
    assert sorted(partition.order) == list(range(len(owners)))
    for p in range(n_workers):
        lo, hi = partition.range(p)
        mine = partition.order[lo:hi]
        np.testing.assert_array_equal(mine, np.flatnonzero(np.array(owners) == p))


@pytest.mark.parametrize(
    ("owners", "message"),
    [
        ([0, 1, 5], r"owners\[2\] is 5.* 0 to 1"),
        ([-1, 0], r"owners\[0\] is -1"),
        ([0.5, 1.0], "owners must be"),
        ([[0, 1]], "owners must be"),
    ],
)
def test_from_owners_names_what_is_wrong(owners, message):
    with pytest.raises(ProgramError, match=message):
        Partition.from_owners(np.array(owners), 2)


@pytest.mark.parametrize("costs", [[1.0, -1.0], [np.nan], [np.inf, 1.0], [[1.0]]])
def test_costs_must_be_finite_and_not_negative(costs):
    with pytest.raises(ProgramError, match="costs"):
        Partition.balanced(costs, 2)


@pytest.mark.parametrize("n_workers", [0, -3])
def test_some_worker_is_needed(n_workers):
    for make in (
        lambda: Partition.contiguous(4, n_workers),
        lambda: Partition.balanced([1.0], n_workers),
        lambda: Partition.from_owners([], n_workers),
    ):
        with pytest.raises(ProgramError, match=f"workers={n_workers}"):
            make()
