"""When epochs and launches end, and how many ids a priority schedule leaves to choose from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import Counting, counting, with_schedule
from rounds import blocks_of, driver, flat, ids_of, launch, make_world, micro_rounds, start

from strads import Policy, Priority, Random, Schedule, run
from strads.engine.errors import ProgramError
from strads.engine.schedules.lease import COUNT
from strads.kernels.driving.loop import IDLE_ROUNDS as IDLE


@dataclass(frozen=True)
class Scripted(Schedule):
    """Hands out `counts` ids in successive rounds, over and over or ``once``."""

    counts: tuple = (1,)
    once: bool = False

    def start(self, world):
        return _Scripted(world, self)


class _Scripted(Policy):
    def __init__(self, world, schedule):
        super().__init__(world)
        self.schedule, self.at = schedule, 0

    def dispatch(self):
        counts, at = self.schedule.counts, self.at
        self.at += 1
        over = self.schedule.once and at >= len(counts)
        n = 0 if over else counts[at % len(counts)]
        return [self.mine(0)[:n], *(self.mine(p)[:0] for p in range(1, self.world.workers))]


class Patient(Schedule):
    """Hands out an id again only when its feedback has been observed."""

    def start(self, world):
        return _Patient(world)


class _Patient(Policy):
    def __init__(self, world):
        super().__init__(world)
        self.free = np.ones(world.partition.size, bool)

    def dispatch(self):
        blocks = [ids[self.free[ids]] for ids in map(self.mine, range(self.world.workers))]
        self.free[:] = False
        return blocks

    def observe(self, lease):
        for p in range(self.world.workers):
            self.free[lease.block(p)] = True


@given(st.integers(1, 20), st.integers(1, 3), st.integers(0, 3), st.integers(1, 5))
def test_an_epoch_hands_out_as_many_ids_as_there_are(size, workers, look_ahead, epochs):
    rounds = driver(Patient("x"), make_world(size, workers, look_ahead=look_ahead))
    found = [len(ids_of(record)) for record in launch(rounds, epochs)]
    assert sum(found) == rounds.dispatched == epochs * size
    assert rounds.epoch == epochs
    assert rounds.empty == found.count(0) == look_ahead * (epochs - 1)
    assert rounds.exhausted == 0


def test_epochs_of_a_run_are_full_ones():
    # All forty-eight ids fit in one lease. Every second round used to be empty, and to count as an
    # epoch.
    program = type("Ten", (Counting,), {"cycle": lambda self: iter([("main", 10)])})
    program = with_schedule(program, Patient("ids", lease=64))
    result = run(counting(program), workers=2, executor="serial", epochs=1)
    np.testing.assert_array_equal(result.state["x"], 10.0)
    counts = result.statistics["schedules"]["main"]
    assert counts["epochs"] == 10 and counts["empty_rounds"] == 9


@given(st.lists(st.integers(0, 2), min_size=1, max_size=8).filter(any), st.integers(0, 2))
def test_a_policy_may_skip_rounds(counts, look_ahead):
    rounds = driver(Scripted("x", counts=tuple(counts)), make_world(6, 2, look_ahead=look_ahead))
    handed = [len(ids_of(record)) for record in launch(rounds, 2)]
    assert rounds.epoch == 2 and rounds.exhausted == 0 and sum(handed) >= 12
    assert handed == [counts[t % len(counts)] for t in range(len(handed))]
    assert rounds.single == len(handed) - handed.count(0)  # all ids are worker 0's
    assert rounds.empty == handed.count(0)


@pytest.mark.parametrize("look_ahead", [0, 1, 3])
def test_a_policy_that_has_nothing_left_ends_its_launch_and_no_epoch(look_ahead):
    world = make_world(6, 2, look_ahead=look_ahead)
    rounds = driver(Scripted("x", counts=(3, 3, 2), once=True), world)
    log = launch(rounds, 10)
    assert rounds.epoch == 1 and rounds.exhausted == 1 and rounds.dispatched == 8
    assert len(log) <= 3 + look_ahead + IDLE
    assert len(launch(rounds, 10)) == IDLE
    assert rounds.epoch == 1 and rounds.exhausted == 2
    assert rounds.statistics()["exhausted"] == 2


@pytest.mark.parametrize(
    "executor", ["serial", pytest.param("processes", marks=pytest.mark.processes)]
)
def test_a_policy_that_never_hands_out_anything_is_an_error(executor):
    program = with_schedule(Counting, Scripted("ids", counts=(0,)))
    message = "schedule Scripted of phase 'main' handed out no id in 64 rounds, although 48 are"
    with pytest.raises(ProgramError, match=message):
        run(counting(program), workers=2, executor=executor, epochs=3)


# -- priority --------------------------------------------------------------------------------------

looks = st.integers(0, 3)


@given(st.integers(1, 200), st.integers(1, 4), looks, st.integers(1, 300), st.integers(1, 5))
def test_there_are_ids_to_choose_from_while_leases_are_on_their_way(
    size, workers, look_ahead, lease, micro
):
    world = make_world(size, workers, look_ahead=look_ahead)
    schedule = Priority("x", lease=lease, micro=micro, by="draws")
    policy, make = start(schedule, world)
    ways = workers * (look_ahead + 2)
    handed = []
    for _ in range(look_ahead + 1):  # no feedback has been observed yet
        handed.append(make())
        policy.fill(handed[-1])
        assert all(
            len(block) <= schedule.per for part in micro_rounds(handed[-1]) for block in part
        )
    most = policy.statistics()["lease"]
    if size >= ways:
        # Whole micro-rounds may hand out a few ids more.
        assert most <= size // ways + schedule.per and (most <= size / ways or micro > 1)
        assert most >= min(lease, size // ways)
    if size >= 2 * ways and micro == 1:
        assert sum(lease.info[COUNT] for lease in handed) < size
        assert all(len(block) for lease in handed for block in blocks_of(lease))


def test_a_lease_that_leaves_enough_is_not_touched():
    policy, make = start(Priority("x", lease=8, micro=3), make_world(200, 2))
    lease = make()
    policy.fill(lease)
    assert lease.cuts.tolist() == [[0, 3, 6, 9]] * 2  # the lease is not bounded by the active ids
    policy.activate(np.arange(100))
    assert policy.statistics()["lease"] == 9
    policy.activate(np.arange(0, 200, 20))
    assert policy.statistics()["lease"] == 1
    other, _ = start(Priority("x", lease=8, micro=3), make_world(200, 2))
    other.restore(policy.state())
    assert other.statistics()["lease"] == 1


@pytest.mark.parametrize("epochs", [1, 7])
def test_what_changes_most_is_visited_most_whatever_the_lease(epochs):
    """This also holds if a launch has one epoch and all ids fit in the default lease."""
    rounds = driver(Priority("x"), make_world(60, 2))
    hot = [5, 40]
    visits = np.zeros(60, int)
    for _ in range(42 // epochs):
        for record in launch(rounds, epochs, lambda ids: np.where(np.isin(ids, hot), 1.0, 0.01)):
            visits += np.bincount(ids_of(record), minlength=60)
    assert rounds.dispatched >= 42 * 60
    assert visits[hot].min() > 1.4 * np.delete(visits, hot).mean()
    assert rounds.empty == rounds.single == 0


def test_random_may_still_have_all_ids_in_a_lease():
    rounds = driver(Random("x"), make_world(30, 2))
    assert [sorted(ids_of(record)) for record in launch(rounds, 3)] == [list(range(30))] * 3


def test_every_id_is_active_once_more_when_told_so():
    policy, make = start(Priority("x", lease=50), make_world(40, 2))
    policy.activate([1, 30])
    policy.activate(None)
    seen = set()
    for _ in range(8):
        lease = make()
        policy.fill(lease)
        seen |= set(flat(blocks_of(lease)).tolist())
    assert seen == set(range(40))
