"""Priority by lists: sweeps over all ids, and over those that changed much, in turns."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounds import blocks_of, dispatch, flat, make_world, same, start

from strads.engine import Graph, Priority
from strads.engine.errors import ProgramError
from strads.engine.schedules.priority.swept import SHARE
from strads.kernels import CSR
from strads.kernels.scheduling.lists import LEAVES, PASSES, SETTLED, SHORTEST


class Twin:
    """The ids of one worker, in the order in which lists hand them out."""

    def __init__(self, ids, change, floor):
        self.ids, self.change, self.floor = ids, change, floor  # change: id → last change
        self.queue, self.full, self.passes, self.top, self.listed = [], False, 0, 0.0, []

    def lease(self, length):
        """Return at most so many ids, none beyond the end of the sweep."""
        if not self.queue:
            self._next_sweep()
        handed, self.queue = self.queue[:length], self.queue[length:]
        return handed

    def take_back(self, handed, count):
        """Keep only so many of the ids handed out last; return them."""
        self.queue = handed[count:] + self.queue
        return handed[:count]

    def _next_sweep(self):
        change = self.change
        if self.full:
            self.top = max((c for c in change.values() if c < np.inf), default=0.0)
            self.listed = [j for j in self.ids if change[j] > self.floor * self.top]
            self.passes = 0
        else:
            self.passes += 1
            left = [j for j in self.listed if change[j] > LEAVES * self.floor * self.top]
            settled = max((change[j] for j in left), default=0.0) < SETTLED * self.top
            self.listed = [] if settled or self.passes == PASSES else left
        self.full = not self.listed
        self.queue = list(self.ids if self.full else self.listed)


@given(
    size=st.integers(1, 40),
    workers=st.integers(1, 3),
    lease=st.integers(1, 12),
    lag=st.integers(0, 2),
    floor=st.sampled_from([0.01, 0.2, 0.9]),
    seed=st.integers(0, 2**31),
)
def test_equals_a_twin_that_keeps_python_lists(size, workers, lease, lag, floor, seed):
    rng = np.random.default_rng(seed)
    schedule = Priority("x", lease=lease, floor=floor)
    policy, make = start(schedule, make_world(size, workers, look_ahead=lag))
    change = dict.fromkeys(range(size), np.inf)
    held = [list(range(*policy.world.partition.range(p))) for p in range(workers)]
    twins = [Twin(ids, change, floor) for ids in held]
    length = policy.per * policy.micro
    pending = []
    for _ in range(60):
        got = make()
        policy.fill(got)
        handed = [twin.lease(length) for twin in twins]
        even = min([len(ids) for ids in handed if ids], default=0)
        even = int(np.ceil(max(even, SHORTEST * length) - 0.5))
        for p, block in enumerate(blocks_of(got)):
            assert block.tolist() == twins[p].take_back(handed[p], even)
        got.change[...] = np.exp(-12 * rng.random(got.change.shape)) * (
            rng.random(got.change.shape) < 0.7
        )
        pending.append(got)
        if len(pending) > lag:
            one = pending.pop(0)
            policy.observe(one)
            for p in range(workers):
                change.update(zip(one.block(p).tolist(), one.changes(p).tolist(), strict=True))


def test_what_changed_much_is_swept_ten_times_as_often():
    policy, make = start(Priority("x", lease=50), make_world(40, 1, look_ahead=0))
    leases = dispatch(policy, make, 40, change=lambda ids: np.where(ids % 10 == 3, -1.0, 1e-6))
    ids = np.concatenate([flat(blocks_of(lease)) for lease in leases])
    counts = np.bincount(ids, minlength=40)
    assert set(counts[3::10]) == {40}
    assert set(np.delete(counts, [3, 13, 23, 33])) == {4}
    assert policy.statistics()["full_sweeps"] == 4


def test_a_list_ends_when_nothing_in_it_changes_much():
    policy, make = start(Priority("x", lease=50), make_world(40, 1, look_ahead=0))
    found = []
    for t in range(4):
        (lease,) = dispatch(policy, make, 1, change=lambda ids, t=t: (ids < 4) * 0.05**t)
        found.append(lease.info[4])
    assert found == [40, 4, 40, 4]


def test_no_worker_waits_for_a_longer_block_of_another():
    costs = np.repeat([1.0, 4.0], 40)
    policy, make = start(Priority("x", lease=20), make_world(80, 2, look_ahead=0, costs=costs))
    leases = dispatch(policy, make, 60, change=lambda ids: np.where(ids % 7 < 3, 1.0, 1e-6))
    spent = np.array([[costs[block].sum() for block in blocks_of(lease)] for lease in leases])
    assert (spent.max(axis=1) - spent.min(axis=1) <= costs.max()).mean() > 0.9
    assert np.bincount(np.concatenate([flat(blocks_of(lease)) for lease in leases])).min() > 0


def test_no_list_is_made_where_nothing_changes():
    policy, make = start(Priority("x", lease=50), make_world(40, 2, look_ahead=0))
    leases = dispatch(policy, make, 5, change=lambda ids: np.zeros(ids.shape))
    assert all(len(flat(blocks_of(lease))) == 40 for lease in leases)


def test_a_lease_is_a_small_share_of_the_ids_where_feedback_lags_behind():
    policy, _ = start(Priority("x", lease=50), make_world(160, 2, look_ahead=1))
    assert policy.statistics()["lease"] == 160 // (SHARE * 2)
    policy, _ = start(Priority("x", lease=50), make_world(160, 2, look_ahead=0))
    assert policy.statistics()["lease"] == 50


def test_weights_make_the_first_list():
    policy, make = start(Priority("x", lease=50, floor=0.1), make_world(10, 1, look_ahead=0))
    policy.activate([1, 4, 7, 8], weights=[0.0, 5.0, 2.0, 0.4])
    leases = dispatch(policy, make, 3, change=lambda ids: np.zeros(ids.shape))
    assert [flat(blocks_of(lease)).tolist() for lease in leases] == [
        [4, 7],
        [1, 4, 7, 8],
        [1, 4, 7, 8],
    ]
    with pytest.raises(ProgramError, match="weights must be finite and not negative"):
        policy.activate([0, 1], weights=[1.0, -1.0])


@given(st.integers(1, 40), st.integers(1, 3), st.data())
def test_only_active_ids_are_handed_out(size, workers, data):
    policy, make = start(Priority("x", lease=4), make_world(size, workers))
    dispatch(policy, make, 3)
    active = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    policy.activate(active)
    leases = dispatch(policy, make, 3 * size)
    ids = np.concatenate([flat(blocks_of(lease)) for lease in leases])
    assert sorted(set(ids)) == active
    policy.activate(None)
    leases = dispatch(policy, make, 3 * size)
    assert set(np.concatenate([flat(blocks_of(lease)) for lease in leases])) == set(range(size))


def test_no_ids_no_lease():
    policy, make = start(Priority("x", lease=4), make_world(6, 2))
    policy.activate([])
    (lease,) = dispatch(policy, make, 1)
    assert len(flat(blocks_of(lease))) == 0


def test_a_restored_policy_knows_which_ids_are_active():
    def change(ids):
        return np.cos(ids)

    policy, make = start(Priority("x", lease=4), make_world(20, 2))
    policy.activate([2, 3, 5, 7, 11, 13, 17, 19])
    dispatch(policy, make, 3, change=change)
    saved = policy.state()
    straight = dispatch(policy, make, 9, change=change)
    other, _ = start(Priority("x", lease=4), make_world(20, 2))
    other.restore(saved)
    for one, two in zip(straight, dispatch(other, make, 9, change=change), strict=True):
        np.testing.assert_array_equal(flat(blocks_of(one)), flat(blocks_of(two)))


def test_groups_serve_all_later_sweeps_over_the_same_ids():
    arrays = {"graph": naive.sparse(np.eye(40, k=1) + np.eye(40, k=-1), CSR)}
    schedule = Priority("x", lease=8, coupling=Graph("graph"))
    policy, make = start(schedule, make_world(40, 2, look_ahead=0, arrays=arrays))

    def checks_of(leases, change):
        before = policy.statistics()["checks"]
        found = dispatch(policy, make, leases, change=change)
        return found, policy.statistics()["checks"] - before

    def some(ids):
        return np.where(ids % 10 < 2, 1.0, 1e-6)

    first, checks = checks_of(3, some)  # 20 ids a worker, at most 8 of them a lease
    assert sum(len(flat(blocks_of(lease))) for lease in first) == 40 and checks == 78
    (listed,), checks = checks_of(1, some)
    assert sorted(flat(blocks_of(listed))) == [0, 1, 10, 11, 20, 21, 30, 31] and checks > 0
    later, checks = checks_of(PASSES - 1, some)
    same([listed] * (PASSES - 1), later)
    assert checks == 0
    again, checks = checks_of(3, some)
    same(first, again)
    assert checks == 0
    policy.restrain(0.5)  # another ρ, other groups
    checks_of(PASSES, some)
    assert checks_of(3, some)[1] == 78
