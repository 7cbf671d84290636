"""What static, random and colouring schedules dispatch, without processes."""

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from rounds import blocks_of, dispatch, flat, make_world, micro_rounds, same, start

from strads.engine import (
    Colouring,
    Graph,
    Policy,
    Priority,
    Random,
    Record,
    Replay,
    Rotation,
    RoundRobin,
    World,
)
from strads.engine.errors import ProgramError
from strads.engine.partition import Partition
from strads.engine.schedules.colouring import graph_colours
from strads.engine.schedules.lease import COUNT, N_MICRO, SWEEPS, allocate_lease, pack
from strads.kernels import CSR

sizes = st.integers(0, 60)
workers = st.integers(1, 5)
leases = st.integers(1, 20)
micros = st.integers(1, 4)
seeds = st.integers(0, 2**31)


def random_graph(size, seed, density=0.15):
    rng = np.random.default_rng(seed)
    X = (
        sp.random_array((size, size), density=density, random_state=rng).toarray()
        if size
        else np.eye(0)
    )
    return ((X + X.T) > 0) & ~np.eye(size, dtype=bool)


def epoch(schedule, world, active=None):
    """Return the leases of one epoch, and the policy."""
    policy, make = start(schedule, world)
    if active is not None:
        policy.activate(active)
    assert policy.static
    return dispatch(policy, make, policy.epoch_rounds()), policy


def visits(leases, size):
    return np.bincount(np.concatenate([flat(blocks_of(lease)) for lease in leases]), minlength=size)


@st.composite
def static_schedules(draw):
    """Draw a static schedule, a world, active ids, and the number of updates of each per epoch."""
    size, n_workers = draw(sizes), draw(workers)
    adjacent = random_graph(size, draw(seeds))
    world = make_world(size, n_workers, arrays={"graph": naive.sparse(adjacent, CSR)})
    options = dict(lease=draw(leases), micro=draw(micros))
    extra = draw(st.integers(0, 3))
    schedule, times = draw(
        st.sampled_from([
            (RoundRobin("x", **options), 1),
            (Rotation("x", slices=n_workers + extra, **options), n_workers),
            (Colouring("x", graph="graph", **options), 1),
        ])
    )  # fmt: skip
    active = None
    if draw(st.booleans()):
        active = np.array(sorted(draw(st.sets(st.integers(0, max(size - 1, 0))))), np.int64)
        active = active[active < size]
    return schedule, world, active, times


@given(static_schedules())
def test_an_epoch_visits_every_active_id_alike(case):
    schedule, world, active, times = case
    found, policy = epoch(schedule, world, active)
    size = world.partition.size
    expected = np.zeros(size, np.int64)
    expected[slice(None) if active is None else active] = times
    np.testing.assert_array_equal(visits(found, size), expected)
    assert policy.n_active == np.count_nonzero(expected)


@given(static_schedules())
def test_leases_are_within_bounds_and_their_cuts_cover_them(case):
    schedule, world, active, _ = case
    for lease in epoch(schedule, world, active)[0]:
        blocks = blocks_of(lease)
        assert lease.info[COUNT] == sum(map(len, blocks))
        assert lease.info[N_MICRO] == schedule.micro <= schedule.micro_max(world)
        assert lease.info[SWEEPS] == 1
        assert max(map(len, blocks)) <= schedule.capacity(world)
        assert np.all(np.diff(lease.cuts, axis=1) >= 0)
        joined = [np.concatenate(cuts) for cuts in zip(*micro_rounds(lease), strict=True)]
        for block, pieces in zip(blocks, joined, strict=True):
            np.testing.assert_array_equal(block, pieces)


@given(static_schedules())
def test_epochs_repeat(case):
    schedule, world, active, _ = case
    policy, make = start(schedule, world)
    policy.activate(active)
    n = policy.epoch_rounds()
    found = dispatch(policy, make, 2 * n)
    same(found[:n], found[n:])


@given(static_schedules(), st.integers(0, 9))
def test_static_policies_resume(case, before):
    schedule, world, active, _ = case
    policy, make = start(schedule, world)
    policy.activate(active)
    dispatch(policy, make, before)
    other, _ = start(schedule, world)
    other.restore(policy.state())
    same(dispatch(policy, make, 7), dispatch(other, make, 7))


@given(sizes, workers, leases, micros)
def test_round_robin_keeps_to_the_workers_own_ids_in_order(size, n_workers, lease, micro):
    world = make_world(size, n_workers)
    found, _ = epoch(RoundRobin("x", lease=lease, micro=micro), world)
    for p in range(n_workers):
        mine = np.concatenate([blocks_of(lease)[p] for lease in found])
        np.testing.assert_array_equal(mine, np.arange(*world.partition.range(p)))


@given(sizes, workers, st.integers(0, 4), st.booleans(), seeds)
def test_rotation_never_has_a_slice_at_two_workers(size, n_workers, extra, costly, seed):
    costs = np.random.default_rng(seed).exponential(size=size) if costly else None
    world = make_world(size, n_workers, costs=costs)
    schedule = Rotation("x", slices=n_workers + extra)
    cut = schedule.cut(world)
    assert cut.workers == n_workers + extra
    met = set()
    found, policy = epoch(schedule, world)
    assert policy.epoch_rounds() == n_workers + extra
    for lease in found:
        blocks = blocks_of(lease)
        assert len(np.unique(flat(blocks))) == len(flat(blocks))
        held = [set(cut.holder(block).tolist()) for block in blocks]
        assert all(len(slices) <= 1 for slices in held)
        for p, slices in enumerate(held):
            assert not met & {(p, s) for s in slices}
            met |= {(p, s) for s in slices}
    filled = np.flatnonzero(np.diff(cut.bounds))
    assert met == {(p, s) for p in range(n_workers) for s in filled.tolist()}


@given(sizes, workers, st.integers(0, 4))
def test_staggered_workers_follow_each_other_through_the_slices(size, n_workers, extra):
    world = make_world(size, n_workers)
    schedule = Rotation("x", slices=n_workers + extra)
    policy = schedule.start(world)
    policy.dispatch()
    policy.stagger(True)
    bounds, rounds = schedule.cut(world).bounds, policy.epoch_rounds()
    assert rounds == 2 * n_workers + extra - 1
    other = schedule.start(world)
    other.restore(policy.state())
    for each in (policy, other):
        for k in range(rounds):
            for p, block in enumerate(each.dispatch()):
                s = min(max(k - p, 0), len(bounds) - 2)
                expected = np.arange(bounds[s], bounds[s + 1]) if s == k - p else []
                np.testing.assert_array_equal(block, expected)
        each.stagger(False)
        assert each.epoch_rounds() == n_workers + extra


def test_rotation_needs_a_slice_a_worker():
    with pytest.raises(ProgramError, match="slices=2 .* 3 workers"):
        start(Rotation("x", slices=2), make_world(10, 3))


@given(st.integers(0, 40), workers, leases, seeds, st.sampled_from([0.02, 0.1, 0.5]))
def test_colouring_never_has_neighbours_in_a_round(size, n_workers, lease, seed, density):
    adjacent = random_graph(size, seed, density)
    world = make_world(size, n_workers, arrays={"graph": naive.sparse(adjacent, CSR)})
    found, policy = epoch(Colouring("x", graph="graph", lease=lease), world)
    for one in found:
        ids = flat(blocks_of(one))
        assert not adjacent[np.ix_(ids, ids)].any()
    assert policy.statistics()["colours"] <= adjacent.sum(axis=1).max(initial=0) + 1


def test_colouring_needs_a_sparse_graph():
    for arrays in ({}, {"graph": np.eye(3)}):
        with pytest.raises(ProgramError, match="Colouring needs graph=NAME"):
            start(Colouring("x", graph="graph"), make_world(3, 1, arrays=arrays))


def test_given_colours_are_used_and_checked():
    adjacent = random_graph(20, 3, 0.2)
    graph = naive.sparse(adjacent, CSR)
    colours = graph_colours(sp.csr_array(adjacent)) * 2  # every other colour is empty
    schedule = Colouring("x", graph="graph", colours="colour")
    world = make_world(20, 2, arrays={"graph": graph, "colour": colours})
    found, policy = epoch(schedule, world)
    np.testing.assert_array_equal(policy.colours, colours)
    for one in found:
        assert len(np.unique(colours[flat(blocks_of(one))])) <= 1
    assert not schedule.kernels(world)
    j, k = np.argwhere(adjacent)[0]
    for wrong, says in (
        (np.where(np.arange(20) == j, colours[k], colours), "are adjacent, and 'colour' gives"),
        (colours - 1, "whole numbers from 0 on"),
    ):
        arrays = {"graph": graph, "colour": wrong}
        with pytest.raises(ProgramError, match=says):
            start(schedule, make_world(20, 2, arrays=arrays))


def on_graph(kind):
    if kind is Colouring:
        return Colouring("x", graph="graph")
    return Priority("x", coupling=Graph("graph"))


@pytest.mark.parametrize("kind", [Colouring, Priority])
@given(st.integers(2, 40), seeds, st.booleans(), st.data())
def test_a_conflict_graph_must_be_symmetric(kind, size, seed, ordered, data):
    adjacent = random_graph(size, seed, 0.2)
    ids = st.integers(0, size - 1)
    for _ in range(data.draw(st.integers(1, 3))):
        j, k = data.draw(st.tuples(ids, ids).filter(lambda pair: pair[0] != pair[1]))
        adjacent[j, k] = not adjacent[j, k]
    order = np.random.default_rng(seed).permutation(size) if ordered else None
    cut = Partition(np.array([0, size]), order)
    laid_out = adjacent if order is None else adjacent[np.ix_(order, order)]
    world = World(partition=cut, workers=1, arrays={"graph": naive.sparse(laid_out, CSR)})
    alone = np.argwhere(adjacent & ~adjacent.T)
    if not len(alone):
        start(on_graph(kind), world)
        return
    j, k = alone[0]
    message = (
        f"'graph' is not symmetric: {k} is a neighbour of {j}, but {j} is not a neighbour of {k}"
    )
    with pytest.raises(ProgramError, match=message):
        start(on_graph(kind), world)


@pytest.mark.parametrize("kind", [Colouring, Priority])
def test_a_conflict_graph_may_have_a_diagonal_and_any_values(kind):
    graph = naive.sparse(np.array([[2.0, -1.0, 0.0], [7.0, 0.0, 0.5], [0.0, 0.25, 1.0]]), CSR)
    start(on_graph(kind), make_world(3, 2, arrays={"graph": graph}))


@pytest.mark.parametrize("kind", [Colouring, Priority])
@pytest.mark.parametrize("shape", [(2, 3), (4, 3), (3, 4)])
def test_a_conflict_graph_is_over_the_axis_twice(kind, shape):
    graph = naive.sparse(np.ones(shape), CSR)
    with pytest.raises(ProgramError, match="'graph' must have 3 rows and columns"):
        start(on_graph(kind), make_world(3, 1, arrays={"graph": graph}))


@given(sizes, workers, leases, micros, seeds)
def test_random_ids_are_distinct_and_the_workers_own(size, n_workers, lease, micro, seed):
    world = make_world(size, n_workers, seed=seed)
    policy, make = start(Random("x", lease=lease, micro=micro), world)
    assert not policy.static
    for one in dispatch(policy, make, 4):
        for p, block in enumerate(blocks_of(one)):
            lo, hi = world.partition.range(p)
            assert len(block) == min(lease, hi - lo)
            assert len(np.unique(block)) == len(block)
            assert np.all((lo <= block) & (block < hi))
    other, _ = start(Random("x", lease=lease, micro=micro), world)
    other.restore(policy.state())
    same(dispatch(policy, make, 4), dispatch(other, make, 4))
    assert policy.statistics() == other.statistics()


def test_random_depends_on_the_seed_and_visits_everything():
    found = []
    for seed in (1, 1, 2):
        policy, make = start(Random("x", lease=4), make_world(40, 2, seed=seed))
        found.append(dispatch(policy, make, 100))
    same(found[0], found[1])
    first, other = (flat(blocks_of(leases[0])) for leases in found[1:])
    assert not np.array_equal(first, other)
    counts = visits(found[0], 40)
    assert counts.min() > 0  # about 20 are expected
    assert counts.max() < 45


@given(static_schedules())
def test_replay_dispatches_what_was_recorded(case):
    schedule, world, active, _ = case
    policy, make = start(schedule, world)
    policy.activate(active)
    assert_replays(policy, make, world)


@given(st.integers(1, 40), workers, leases, micros, seeds)
def test_replay_of_a_priority_schedule(size, n_workers, lease, micro, seed):
    adjacent = random_graph(size, seed)
    world = make_world(size, n_workers, arrays={"graph": naive.sparse(adjacent, CSR)}, seed=seed)
    schedule = Priority("x", coupling=Graph("graph"), lease=lease, micro=micro, sweeps=2)
    assert_replays(*start(schedule, world), world)


def assert_replays(policy, make, world, rounds=5):
    recorded = dispatch(policy, make, rounds)
    log = [Record.of(lease) for lease in recorded]
    replay, make_again = start(Replay("x", log=log), world)
    again = dispatch(replay, make_again, 2)
    other, _ = start(Replay("x", log=log), world)
    other.restore(replay.state())
    again += dispatch(other, make_again, rounds - 2)
    for one, two in zip(recorded, again, strict=True):
        for a, b in zip(micro_rounds(one), micro_rounds(two), strict=True):
            for block, replayed in zip(a, b, strict=True):
                np.testing.assert_array_equal(block, replayed)
        assert one.info[SWEEPS] == two.info[SWEEPS]
        assert one.info[COUNT] == two.info[COUNT]
    with pytest.raises(ProgramError, match=f"ends after {rounds} rounds"):
        other.fill(make_again())


def test_a_record_does_not_change_with_its_lease():
    lease = allocate_lease(1, 4, 2)
    pack(lease, [np.array([3, 1, 2])], micro=2)
    record = Record.of(lease)
    pack(lease, [np.array([0])])
    record.write(lease)
    np.testing.assert_array_equal(blocks_of(lease)[0], [3, 1, 2])


@given(st.lists(st.lists(st.integers(0, 99), max_size=8), min_size=1, max_size=4), micros)
def test_pack_and_blocks_of(blocks, micro):
    lease = allocate_lease(len(blocks), 8, 5)
    lease.change[...] = np.nan
    pack(lease, [np.array(block, np.int64) for block in blocks], micro)
    assert [block.tolist() for block in blocks_of(lease)] == blocks
    lengths = np.diff(lease.cuts[:, : micro + 1], axis=1)
    assert np.all(lengths.max(axis=1) - lengths.min(axis=1) <= 1)
    for p, block in enumerate(blocks):  # pack() need not clear what lies beyond the block
        assert not lease.change[p, : len(block)].any()
        assert np.isnan(lease.change[p, len(block) :]).all()


def test_pack_refuses_what_does_not_fit():
    lease = allocate_lease(2, 3, 1)
    with pytest.raises(ProgramError, match="4 ids exceeds the lease's capacity of 3"):
        pack(lease, [np.arange(4), np.arange(1)])
    with pytest.raises(ProgramError, match="1 blocks for 2 workers"):
        pack(lease, [np.arange(2)])


def test_the_simplest_policy_overrides_dispatch():
    class Backwards(Policy):
        def dispatch(self):
            return [self.mine(p)[::-1] for p in range(self.world.workers)]

    policy = Backwards(make_world(7, 2), micro=2)
    policy.activate([5, 1, 5, 0])
    lease = allocate_lease(2, 7, 2)
    policy.fill(lease)
    assert [block.tolist() for block in blocks_of(lease)] == [[1, 0], [5]]
    assert policy.n_active == 3
    policy.activate(None)
    assert policy.n_active == 7


def test_ids_follow_a_partition_with_empty_ranges():
    world = World(partition=Partition(np.array([0, 0, 5, 5])), workers=3)
    found, _ = epoch(RoundRobin("x", lease=2), world)
    assert [[b.tolist() for b in blocks_of(lease)] for lease in found] == [
        [[], [0, 1], []], [[], [2, 3], []], [[], [4], []],
    ]  # fmt: skip


@pytest.mark.parametrize("make", [RoundRobin, Random, Rotation, Colouring, Priority])
@pytest.mark.parametrize("name", ["lease", "micro"])
def test_sizes_must_be_positive(make, name):
    with pytest.raises(ProgramError, match=f"{name}=0"):
        make("x", **{name: 0})
