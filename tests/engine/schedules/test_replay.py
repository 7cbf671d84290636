"""Shuffled orders, and replays: rounds of one run that are handed out again in another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import (
    NNLS,
    SCHEDULES,
    Counting,
    Ising,
    counting,
    ising_problem,
    nnls_problem,
    with_schedule,
)
from rounds import blocks_of, dispatch, driver, flat, ids_of, launch, make_world, same, start

from strads import Lease, Record, Recorder, Replay, Rotation, Shuffled, World, run
from strads.engine.errors import ProgramError
from strads.engine.schedules.lease import KEY

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]
small = {"size": st.integers(0, 60), "workers": st.integers(1, 4), "lease": st.integers(1, 20)}


@given(**small, seed=st.integers(0, 2**31), data=st.data())
def test_every_shuffled_epoch_visits_every_active_id_once(size, workers, lease, seed, data):
    world = make_world(size, workers, seed=seed)
    policy, make = start(Shuffled("x", lease=lease, micro=2), world)
    active = None
    if data.draw(st.booleans()):
        active = sorted(data.draw(st.sets(st.integers(0, max(size - 1, 0)))) & set(range(size)))
        policy.activate(active)
    expected = range(size) if active is None else active
    other, _ = start(Shuffled("x", lease=60), world)
    other.activate(active)
    for _ in range(3):
        rounds = dispatch(policy, make, policy.epoch_rounds())
        assert sorted(np.concatenate([flat(blocks_of(lease)) for lease in rounds])) == list(
            expected
        )
        for p, whole in enumerate(other.dispatch()):  # random numbers do not depend on lease sizes
            mine = np.concatenate([blocks_of(lease)[p] for lease in rounds])
            np.testing.assert_array_equal(mine, whole)
            assert np.all(world.partition.holder(mine) == p)


@given(**small, before=st.integers(0, 12))
def test_a_shuffled_policy_resumes(size, workers, lease, before):
    world = make_world(size, workers, seed=3)
    policy, make = start(Shuffled("x", lease=lease), world)
    dispatch(policy, make, before)
    other, _ = start(Shuffled("x", lease=lease), world)
    other.restore(policy.state())
    same(dispatch(policy, make, 9), dispatch(other, make, 9))


def test_no_two_epochs_workers_or_seeds_have_the_same_order():
    orders = set()
    for seed in (1, 2):
        policy, _ = start(Shuffled("x"), make_world(40, 2, seed=seed))
        for _ in range(3):
            orders |= {tuple(block % 20) for block in policy.dispatch()}
    assert len(orders) == 12
    first, _ = start(Shuffled("x"), make_world(40, 2, seed=1))
    assert tuple(first.dispatch()[0]) in orders


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_shuffled_run(executor):
    result = run(
        counting(with_schedule(Counting, Shuffled("ids", lease=5))), workers=2, executor=executor,
        epochs=3,
    )  # fmt: skip
    np.testing.assert_array_equal(result.state["x"], 3.0)


# -- recorded runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_a_recorded_run_can_be_run_again(name, executor):
    options = {"workers": 2, "executor": executor, "epochs": 3, "seed": 5}
    recorder = Recorder()
    program = with_schedule(NNLS, SCHEDULES[name])
    first = run(program(**nnls_problem()), instruments=recorder, **options)
    log = recorder.log()
    counts = first.statistics["schedules"]["main"]
    assert len(log) == counts["rounds"] and sum(len(ids_of(r)) for r in log) == counts["dispatched"]
    assert all(isinstance(record, Record) for record in log)
    again = run(with_schedule(NNLS, Replay("cols", log=log))(**nnls_problem()), **options)
    assert again.state["w"].tobytes() == first.state["w"].tobytes()
    assert again.history == first.history
    assert again.statistics["schedules"]["main"]["epochs"] == counts["epochs"]


def test_random_numbers_follow_the_epochs_of_a_static_log_and_the_rounds_of_another():
    recorder, options = Recorder(), {"workers": 2, "executor": "serial", "epochs": 3, "seed": 2}
    first = run(Ising(**ising_problem()), instruments=recorder, **options)
    replayed = with_schedule(Ising, Replay("sites", log=recorder.log("main")))
    again = run(replayed(**ising_problem()), **options)
    assert again.state["up"].tobytes() == first.state["up"].tobytes()


def test_a_recorder_names_its_phases():
    recorder = Recorder()
    with pytest.raises(ProgramError, match="name the phase"):
        recorder.log()
    run(counting(), workers=1, epochs=1, instruments=recorder)
    assert recorder.log() is recorder.log("main") is recorder.logs["main"]
    with pytest.raises(ProgramError, match=r"no rounds of a phase 'other': there are \['main'\]"):
        recorder.log("other")
    run(counting(), workers=1, epochs=2, instruments=recorder)
    assert len(recorder.log()) == 2 * 12  # rounds of the last run only


def test_a_rotation_is_replayed_where_its_slices_went():
    world = make_world(12, 2)
    log = launch(driver(Rotation("x"), world), 2)
    again = launch(driver(Replay("x", log=log), world), 2)
    for one, two in zip(log, again, strict=True):
        np.testing.assert_array_equal(ids_of(one), ids_of(two))
        assert two.static and two.moves_holders and one.epoch == two.epoch


# -- rotation in parts -----------------------------------------------------------------------------


@given(st.integers(0, 60), st.integers(1, 4), st.integers(0, 3), st.integers(1, 20), st.booleans())
def test_a_large_slice_stays_for_several_rounds(size, workers, extra, lease, stagger):
    world = make_world(size, workers)
    parts, whole = (
        driver(Rotation("x", slices=workers + extra, lease=most), world) for most in (lease, 100)
    )
    cut = Rotation("x", slices=workers + extra).cut(world)
    for rounds in (parts, whole):
        rounds.policy.stagger(stagger)
    keys = [set(), set()]
    for epoch in range(2):
        visited = []
        for seen, rounds in zip(keys, (parts, whole), strict=True):
            log = launch(rounds, 1)
            seen.add(int(rounds._slot(0).info[KEY]))
            blocks = [[r.ids[p, : r.cuts[p, -1]] for r in log] for p in range(workers)]
            visited.append([np.concatenate(mine) for mine in blocks])
            for record in log:
                held = [set(cut.holder(r).tolist()) for r in map(np.asarray, _blocks(record))]
                assert all(len(slices) <= 1 for slices in held)
                assert len(set().union(*held)) == sum(map(len, held))
        for one, other in zip(*visited, strict=True):
            np.testing.assert_array_equal(one, other)
        assert len(keys[0]) == epoch + 1
    assert keys[0] == keys[1]


def _blocks(record):
    return [ids[:n] for ids, n in zip(record.ids, record.cuts[:, -1], strict=True)]


def test_public_names():
    assert World.__name__ == "World" and Lease._fields == ("ids", "change", "cuts", "info", "gain")
