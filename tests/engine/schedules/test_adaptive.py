"""Adaptive frequencies and automatic schedules in runs: filtered, deterministic, replayable."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import NNLS, nnls_problem, with_schedule
from rounds import blocks_of, dispatch, flat, make_world, micro_rounds, same, start

from strads import AdaptiveFrequency, Auto, Correlation, Priority, Recorder, Replay, run
from strads.engine import Gram
from strads.engine.errors import ProgramError
from strads.engine.schedules.lease import NO_GAIN, allocate_lease

SCHEDULES = [AdaptiveFrequency, Auto]
both = pytest.mark.parametrize("kind", SCHEDULES)


def filtered(kind, size, workers, rho, seed, *, lag=1, sequential=False, **options):
    """A schedule with a coupling by a Gram matrix, its world, and the couplings."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(10, size)) * (rng.random((10, size)) < 0.2)
    G = X.T @ X
    world = make_world(
        size, workers, seed=seed, look_ahead=lag, sequential=sequential,
        arrays={"G": G, "diagonal": np.diag(G).copy()},
    )  # fmt: skip
    schedule = kind("x", rho=rho, coupling=Gram("G", "diagonal"), **options)
    return schedule, world, naive.correlations(X)


@pytest.mark.compiles
@both
@given(
    size=st.integers(1, 30),
    workers=st.integers(1, 3),
    rho=st.sampled_from([0.05, 0.5]),
    lease=st.integers(1, 12),
    micro=st.integers(1, 3),
    seed=st.integers(0, 2**31),
    sequential=st.booleans(),
)
def test_nothing_coupled_moves_together_and_no_id_starves(
    kind, size, workers, rho, lease, micro, seed, sequential
):
    options = {"lease": lease, "micro": micro, "max_deferrals": 3, "sequential": sequential}
    schedule, world, strength = filtered(kind, size, workers, rho, seed, **options)
    policy, make = start(schedule, world)
    leases = dispatch(policy, make, 6 * size + 60, change=lambda ids: np.cos(ids), look_ahead=1)
    for lease in leases:
        for blocks in micro_rounds(lease):
            owner = np.repeat(np.arange(workers), [len(block) for block in blocks])
            ids = flat(blocks)
            assert sequential or len(np.unique(ids)) == len(ids)
            assert np.array_equal(world.partition.holder(ids), owner)
            pairs = strength[np.ix_(ids, ids)] >= rho + 1e-9
            if sequential:  # a worker sees its own updates, of an id that comes twice as well
                pairs &= owner[:, None] != owner
            assert workers == 1 or not np.any(pairs & ~np.eye(len(ids), dtype=bool))
    assert set(np.concatenate([flat(blocks_of(lease)) for lease in leases])) == set(range(size))


@pytest.mark.compiles
def test_an_id_that_has_waited_is_offered_again_in_the_same_lease():
    """Else a short list runs dry, and rounds end with a few ids."""
    G = np.eye(8)
    G[0, 4] = G[4, 0] = 0.9
    world = make_world(8, 2, look_ahead=0, arrays={"G": G, "diagonal": np.ones(8)})
    coupling = Gram("G", "diagonal")
    schedule = AdaptiveFrequency("x", rho=0.5, coupling=coupling, lease=9, micro=9)
    policy, make = start(schedule, world)
    policy.book.preference[[0, 4]] = 20.0  # nearly all visits are of the two that conflict
    leases = dispatch(policy, make, 6, change=lambda ids: np.ones(ids.shape))
    assert policy.statistics()["deferred"] > 0
    handed_out = sum(len(flat(blocks_of(lease))) for lease in leases)
    assert handed_out >= 6 * 6  # a sweep has four visits of each worker


@both
@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 9), st.integers(0, 20), st.data())
def test_a_restored_policy_goes_on_alike_with_its_active_ids(kind, size, workers, lease, t, data):
    world = make_world(size, workers, seed=4)
    policy, make = start(kind("x", lease=lease), world)
    active = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    policy.activate(active)
    dispatch(policy, make, t, change=np.sin)
    saved = policy.state()
    straight = dispatch(policy, make, 40, change=np.sin)
    other, _ = start(kind("x", lease=lease), world)
    other.restore(saved)
    same(straight, dispatch(other, make, 40, change=np.sin))
    assert policy.statistics() == other.statistics()
    assert set(np.concatenate([flat(blocks_of(lease)) for lease in straight])) <= set(active)


@both
def test_weights_say_what_comes_first(kind):
    policy, make = start(kind("x", lease=10, micro=10), make_world(10, 1, look_ahead=0))
    before = dispatch(policy, make, 3)
    policy.activate(None, weights=np.where(np.arange(10) == 3, 9.0, 0.0))
    assert len(before) == 3 and (kind is AdaptiveFrequency or len(policy.decisions()) == 3)
    (lease,) = dispatch(policy, make, 1)
    assert np.mean(lease.block(0) == 3) >= 0.9


@both
def test_gains_count_where_kernels_write_them_and_else_squares_of_changes(kind):
    policy, _ = start(kind("x", lease=8, micro=8), make_world(8, 1, look_ahead=0))
    lease = allocate_lease(1, 8, 8)._replace(gain=np.zeros((1, 8)))
    counts = np.zeros(8)
    for _ in range(12):
        policy.fill(lease)
        counts += np.bincount(lease.block(0), minlength=8)
        lease.change[...] = lease.ids != 5
        lease.gain[...] = lease.ids == 5
        policy.observe(lease)
    assert int(np.argmax(counts)) == 5
    assert len(lease.gains(0)) == len(lease.block(0)) > 0
    plain = lease._replace(gain=NO_GAIN)
    assert plain.gains(0).shape == (0,)
    plain.clear_gains()
    lease.clear_gains()
    assert not lease.gains(0).any()


@pytest.mark.parametrize("by", ["lists", "draws"])
def test_priority_by_gains(by):
    schedule = Priority("x", lease=6, by=by, feedback="gain", floor=0.01)
    policy, _ = start(schedule, make_world(6, 1, look_ahead=0))
    lease = allocate_lease(1, 6, 1)._replace(gain=np.zeros((1, 6)))
    counts = np.zeros(6)
    for _ in range(30):
        policy.fill(lease)
        counts += np.bincount(lease.block(0), minlength=6)
        lease.change[...] = lease.ids != 2  # they change much and gain nothing
        lease.gain[...] = lease.ids == 2
        policy.observe(lease)
    assert int(np.argmax(counts)) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdaptiveFrequency("x", max_deferrals=0), "max_deferrals"),
        (lambda: Auto("x", cover=0.0), "cover"),
        (lambda: Auto("x", rho=2.0), "rho"),
        (lambda: Auto("x", coupling=3), "coupling"),
        (lambda: Priority("x", feedback="speed"), "feedback"),
    ],
)
def test_nonsense_is_refused(make, message):
    with pytest.raises(ProgramError, match=message):
        make()


@both
def test_a_depth_is_refused(kind):
    with pytest.raises(ProgramError, match="in flight"):
        kind("x").start(make_world(4, 2, depth=1))


@pytest.mark.parametrize(("kind", "executor"), [
    (AdaptiveFrequency, "serial"), (Auto, "serial"),
    pytest.param(Auto, "processes", marks=pytest.mark.processes),
    pytest.param(AdaptiveFrequency, "processes", marks=[pytest.mark.processes, pytest.mark.slow]),
])  # fmt: skip
def test_runs_have_equal_bits_and_replay(kind, executor):
    program = with_schedule(NNLS, kind("cols", rho=0.2, coupling=Correlation("A"), lease=64))
    given = nnls_problem()
    recorder = Recorder()
    result = run(program(**given), workers=2, executor=executor, epochs=30, seed=3,
                 instruments=[recorder])  # fmt: skip
    serial = run(program(**given), workers=2, executor="serial", epochs=30, seed=3)
    np.testing.assert_array_equal(result.state["w"], serial.state["w"])
    counts = result.statistics["schedules"]["main"]
    assert counts["dispatched"] == serial.statistics["schedules"]["main"]["dispatched"]
    if kind is Auto:
        assert counts["decisions"] == serial.statistics["schedules"]["main"]["decisions"]
        assert counts["decisions"][0]["kind"] == "whole"
        assert counts["whole_visits"] + counts["list_visits"] > 0
    if executor == "processes":
        return  # the rest would be compiled anew; the serial case tests it without the JIT
    again = with_schedule(NNLS, Replay("cols", log=recorder.log()))
    replayed = run(again(**given), workers=2, executor="serial", epochs=30, seed=3)
    np.testing.assert_array_equal(result.state["w"], replayed.state["w"])
    run(program(**given), workers=2, check=True, epochs=3, seed=3)  # raises if there is a race
