"""Checks of the ids that a policy gets and hands out: wrong ids raise a clear error."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import Counting, counting, with_schedule
from rounds import driver, launch, make_world

from strads import Lease, Policy, Priority, Replay, RoundRobin, Schedule, run
from strads.engine.errors import ProgramError
from strads.engine.ids import whole_ids
from strads.engine.schedules.lease import COUNT, N_MICRO, SWEEPS, allocate_lease
from strads.engine.schedules.validation import demand_valid


@dataclass(frozen=True)
class Given(Schedule):
    """Hands out the same blocks in every round."""

    blocks: tuple = ()
    moves: bool = False
    micro_rounds: int = field(default=1, kw_only=True)

    def start(self, world):
        policy = GivenPolicy(world, self.micro_rounds)
        policy.blocks, policy.moves_holders = self.blocks, self.moves
        return policy


class GivenPolicy(Policy):
    def dispatch(self):
        return self.blocks


@dataclass(frozen=True)
class Written(Schedule):
    """Fills leases by a function of the lease."""

    write: object = None

    def start(self, world):
        policy = WrittenPolicy(world)
        policy.write = self.write
        return policy


class WrittenPolicy(Policy):
    def fill(self, lease):
        self.write(lease)


def handed(*blocks, size=20, sequential=False, **options):
    """Launch an epoch of these blocks, one per worker."""
    world = make_world(size, len(blocks), sequential=sequential)
    schedule = Given("x", blocks=tuple(np.array(block) for block in blocks), **options)
    return launch(driver(schedule, world), 1)


def written(write, **world):
    return launch(
        driver(Written("x", write=write, lease=8, micro=2), make_world(20, 2, **world)), 1
    )


def test_changes_that_no_kernel_writes_are_zero_whoever_fills_the_lease():
    seen = []

    def write(lease):
        lease.ids[:, :3] = [[0, 1, 2], [10, 11, 12]]
        lease.cuts[:, :2] = [0, 3]
        lease.info[N_MICRO], lease.info[COUNT] = 1, 6

    rounds = driver(Written("x", write=write, lease=8, micro=2), make_world(20, 2))
    for slot in rounds.ring.slots:
        slot.change[...] = np.nan  # left by another run
    rounds.policy.observe = lambda lease: seen.extend(lease.changes(p).copy() for p in (0, 1))
    rounds.launch(1, lambda finished: None, lambda t: None)
    np.testing.assert_array_equal(seen, np.zeros((len(seen), 3)))
    assert seen


@pytest.mark.parametrize(
    ("blocks", "options", "message"),
    [
        (([0], [20]), {}, "handed worker 1 id 20, which is not on the axis: its ids are 0 to 19"),
        (([-1], [10]), {}, "handed worker 0 id -1, which is not on the axis"),
        (([0, 11], [12]), {}, "handed worker 0 id 11, which worker 1 holds"),
        (([0, 3, 0], [12]), {}, "handed worker 0 id 0 twice in one micro-round"),
        (([0, 3], [12, 3]), {"moves": True}, "handed id 3 to workers 0 and 1 in one round"),
        (([0.5], [12]), {}, "block of worker 0 must be ids, whole numbers; .* type float64"),
        (([True, False], [12]), {}, "block of worker 0 must be ids, whole numbers; .* type bool"),
        (([1], [2], [3]), {"size": 6, "micro_rounds": 2}, "has capacity for 1 micro-rounds"),
        ((range(17), [30]), {"lease": 4, "size": 40}, "17 ids exceeds the lease's capacity of 16"),
    ],
)
def test_blocks_that_kernels_could_not_run_are_refused(blocks, options, message):
    with pytest.raises(ProgramError, match=f"schedule Given of phase 'main'.*{message}"):
        handed(*blocks, **options)


@pytest.mark.parametrize(
    ("blocks", "options"),
    [
        (([9, 0, 5], [19, 10]), {}),
        (([], np.arange(10, 20).astype(np.uint8)), {}),
        (([11, 12], [0, 3]), {"moves": True}),
        (([0, 3, 0], [12]), {"sequential": True}),
        (([0, 3, 0, 3], [12]), {"micro_rounds": 2, "micro": 2}),
    ],
)
def test_blocks_that_they_can_are_not(blocks, options):
    blocks = tuple(np.array(block, dtype=None if len(block) else np.int64) for block in blocks)
    assert all(len(record.ids) == 2 for record in handed(*blocks, **options))


def filled(micro=1, sweeps=1, cuts=(0, 1)):
    def write(lease):
        lease.ids[...] = 0
        lease.ids[1] = 12
        lease.info[N_MICRO], lease.info[SWEEPS] = micro, sweeps
        lease.cuts[:, : len(cuts)] = cuts

    return write


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"micro": 0}, "filled a round of 0 micro-rounds"),
        ({"micro": 3}, "filled a round of 3 micro-rounds .* at most 2"),
        ({"sweeps": 0}, "filled a round of 0 sweeps"),
        ({"cuts": (0, 17)}, r"cut the block of worker 0 at \[0, 17\]; .* from 0 to 16"),
        ({"cuts": (-1, 1)}, "cut the block of worker 0"),
        ({"cuts": (0, 2, 1), "micro": 2}, r"cut the block of worker 0 at \[0, 2, 1\]"),
    ],
)
def test_cuts_and_words_of_a_users_fill_are_refused_where_wrong(wrong, message):
    with pytest.raises(ProgramError, match=f"schedule Written of phase 'main' {message}"):
        written(filled(**wrong))


def test_ids_of_a_users_fill_are_counted():
    def write(lease):
        filled()(lease)
        lease.info[COUNT] = 99

    rounds = driver(Written("x", write=write), make_world(20, 2))
    assert len(launch(rounds, 1)) == 10  # with two ids each
    assert rounds.dispatched == 20


@st.composite
def leases(draw):
    """Draw a lease with any contents, and properties of its policy and world."""
    size, workers, micro = (
        draw(st.integers(1, 12)),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 3)),
    )
    lease = allocate_lease(workers, 8, micro)
    lease.info[N_MICRO] = lease.info[SWEEPS] = 1
    lease.info[N_MICRO] = micro
    ids = st.integers(-1, size) if draw(st.booleans()) else st.integers(0, size - 1)
    for p in range(workers):
        block = draw(st.lists(ids, max_size=4))
        lease.ids[p, : len(block)] = block
        inner = sorted(
            draw(st.lists(st.integers(0, len(block)), min_size=micro - 1, max_size=micro - 1))
        )
        lease.cuts[p] = [0, *inner, len(block)]
    world = make_world(size, workers, sequential=draw(st.booleans()))
    policy = Policy(world)
    policy.moves_holders = draw(st.booleans())
    if draw(st.booleans()):
        policy.activate(draw(st.lists(st.integers(0, size - 1))))
    return lease, policy, world


@given(leases())
def test_a_round_passes_if_and_only_if_kernels_can_run_it(case):
    lease, policy, world = case
    valid, seen = True, {}
    for p in range(world.workers):
        lo, hi = world.partition.range(p)
        for m in range(int(lease.info[N_MICRO])):
            part = lease.ids[p, lease.cuts[p, m] : lease.cuts[p, m + 1]].tolist()
            valid &= world.sequential or len(set(part)) == len(part)
            for j in part:
                valid &= 0 <= j < world.partition.size
                valid &= policy.moves_holders or lo <= j < hi
                valid &= policy.active is None or j in policy.active
                valid &= seen.setdefault(j, p) == p
    if valid:
        demand_valid(lease, policy, world, "it")
        assert lease.info[COUNT] == sum(len(lease.block(p)) for p in range(world.workers))
    else:
        with pytest.raises(ProgramError, match="^it "):
            demand_valid(lease, policy, world, "it")


def test_blocks_and_changes_of_a_lease():
    lease = allocate_lease(2, 5, 2)
    lease.ids[1], lease.change[1] = [7, 8, 9, 0, 0], [0.7, 0.8, 0.9, 1.0, 1.0]
    lease.cuts[1] = [0, 2, 3]
    lease.info[N_MICRO] = 2
    assert isinstance(lease, Lease)
    assert lease.block(1).tolist() == [7, 8, 9] and lease.changes(1).tolist() == [0.7, 0.8, 0.9]
    assert len(lease.block(0)) == len(lease.changes(0)) == 0


@pytest.mark.parametrize(
    "executor", ["serial", pytest.param("processes", marks=pytest.mark.processes)]
)
def test_a_run_is_told_of_the_schedule_and_goes_on_to_the_next(executor):
    class Beyond(Policy):
        def dispatch(self):
            return [self.mine(0), np.array([self.world.partition.size + 5])]

    class Mistaken(Schedule):
        def start(self, world):
            return Beyond(world)

    program = with_schedule(Counting, Mistaken("ids"))
    message = "schedule Mistaken of phase 'main' handed worker 1 id 53, which is not on the axis"
    with pytest.raises(ProgramError, match=message):
        run(counting(program), workers=2, executor=executor, epochs=1)
    result = run(counting(), workers=2, executor=executor, epochs=1)
    np.testing.assert_array_equal(result.state["x"], 1.0)


# -- activate --------------------------------------------------------------------------------------


@given(st.integers(1, 30), st.data())
def test_a_mask_of_the_axis_says_which_ids(size, data):
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    for ids in (mask, mask.tolist(), np.flatnonzero(mask), np.flatnonzero(mask)[::-1].tolist()):
        policy = RoundRobin("x").start(make_world(size, 2))
        policy.activate(ids)
        np.testing.assert_array_equal(policy.active, np.flatnonzero(mask))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([3, 10, 12], "ids 10, 12 are not on the axis, whose ids are 0 to 9"),
        ([-1], "id -1 is not on the axis"),
        (range(100), "ids 10, 11, 12, 13, 14 and 85 more are not"),
        ([True] * 9, "a mask must have one entry for each of the 10 ids of the axis, not 9"),
        ([0.0, 1.0], "ids must be whole numbers"),
        (["a"], "ids must be whole numbers"),
        ({3, 4}, "ids must be whole numbers"),
    ],
)
def test_ids_that_are_none_are_refused(ids, message):
    for schedule in (RoundRobin("x"), Priority("x")):
        rounds = driver(schedule, make_world(10, 2))
        with pytest.raises(ProgramError, match=f"of phase 'main': activate: {message}"):
            rounds.tell("activate", (ids,))


def test_nothing_may_be_active():
    assert whole_ids([], 5, "").dtype == np.int64
    rounds = driver(Priority("x"), make_world(10, 2))
    rounds.tell("activate", ([],))
    assert sum(record.cuts[:, -1].sum() for record in launch(rounds, 3)) == 0
    assert rounds.epoch == 3


def test_weights_belong_to_the_ids_of_a_mask():
    mask = np.arange(30) % 10 == 3
    policy = Priority("x", floor=1e-12).start(make_world(30, 1))
    policy.activate(mask, weights=[0.0, 1.0, 0.0])
    lease = allocate_lease(1, 30, 1)
    policy.fill(lease)
    assert lease.block(0).tolist() == [13]
    with pytest.raises(ProgramError, match=r"activate: 3 ids, but weights of shape \(30,\)"):
        policy.activate(mask, weights=np.ones(30))


def test_a_log_is_not_believed():
    world = make_world(20, 2)
    log = launch(driver(RoundRobin("x", lease=4), world), 1)
    assert len(launch(driver(Replay("x", log=log), world), 1)) == len(log)
    for smaller, message in ((make_world(19, 2), "id 1"), (make_world(8, 2), "id ")):
        with pytest.raises(
            ProgramError, match=f"schedule Replay of phase 'main' handed .* {message}"
        ):
            launch(driver(Replay("x", log=log), smaller), 1)
    with pytest.raises(ProgramError, match="the log is of 2 workers, the run has 3"):
        driver(Replay("x", log=log), make_world(20, 3))


def test_a_priority_schedule_in_too_small_a_lease_is_refused():
    class Around(Schedule):
        def start(self, world):
            return Priority("x", lease=64, micro=4).start(world)

    with pytest.raises(ProgramError, match=r"must have its capacity\(\) and micro_max\(\)"):
        launch(driver(Around("x", lease=4), make_world(200, 2)), 1)
