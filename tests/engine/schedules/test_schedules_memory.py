"""Memory of schedules: it is counted before it is taken, and no more is taken than needed."""

from __future__ import annotations

import tracemalloc

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import cloudpickle
from programs import NNLS, Counting, nnls_problem, with_schedule
from rounds import make_world, start

from strads import (
    Correlation,
    Graph,
    Policy,
    Priority,
    Program,
    Random,
    Replay,
    Rotation,
    RoundRobin,
    Schedule,
    Shuffled,
    default_engine,
    kernel,
    run,
    variable,
)
from strads.engine.errors import InsufficientMemory
from strads.engine.memory import needs
from strads.engine.processes.handing_over import sendable
from strads.engine.rounds import growth, ring
from strads.engine.rounds.ring import Ring
from strads.kernels import CSR


def held(value):
    """Return the bytes of all arrays in nested tuples."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    return sum(map(held, value)) if isinstance(value, tuple) else 0


@pytest.mark.parametrize(
    "kind", [None, "sparse", pytest.param("dense", marks=pytest.mark.compiles)]
)
@given(st.integers(1, 3000), st.integers(1, 4), st.integers(1, 300), st.integers(0, 2))
def test_a_priority_schedule_says_what_its_books_take(kind, size, workers, lease, depth):
    X = np.ones((2, size))
    arrays = {"sparse": naive.sparse(X), "dense": np.asfortranarray(X)}
    coupling = None if kind is None else Correlation(kind)
    world = make_world(size, workers, arrays=arrays, depth=depth)
    schedule = Priority("x", lease=lease, micro=3, coupling=coupling)
    policy, _ = start(schedule, world)
    A = getattr(getattr(policy.coupling, "columns", policy.coupling), "A", ())
    taken = held(policy.book) + held(policy.coupling) - held(A)
    # activate() also needs an array of weights for a moment.
    assert taken <= schedule.nbytes(world) + 2000 <= taken + 24 * size + 20_000


def test_schedules_say_that_orders_and_draws_take_memory():
    world = make_world(1000, 2)
    assert Random("x").nbytes(world) >= 8 * 500 and Shuffled("x").nbytes(world) >= 8 * 1000
    for schedule in (RoundRobin("x"), Rotation("x"), Replay("x")):
        assert schedule.nbytes(world) == 0


def test_rings_outboxes_and_books_are_asked_for_before_they_are_taken(monkeypatch):
    asked = {}
    monkeypatch.setattr(ring, "check_memory", asked.update)
    with default_engine().iterate(
        NNLS(**nnls_problem()), workers=2, executor="serial", epochs=1
    ) as steps:
        arrays = steps.executor.store.arrays
        words = {name for name in arrays if name.endswith("@main")}
        assert words == {
            ".ids@main", ".cuts@main", ".change@main", ".info@main", "delta@main",
        }  # fmt: skip
        for word in words:
            assert asked[word] == arrays[word].nbytes
        books = asked.pop("schedule Priority of phase 'main'")
        assert books > held(steps.executor.rounds["main"].policy.book)


def test_a_run_whose_schedule_takes_too_much_is_refused(monkeypatch):
    size, most = 25_000, 1 << 20
    program = with_schedule(Counting, Priority("ids", lease=size))
    monkeypatch.setattr(needs, "UNCHECKED", 0)
    monkeypatch.setattr(needs, "available_memory", lambda: most)
    run(Counting(label=np.zeros(size)), workers=1, epochs=1)  # three arrays of 0.2 MB
    with pytest.raises(InsufficientMemory, match="change_@main|ids@main|schedule Priority"):
        run(program(label=np.zeros(size)), workers=1, epochs=1)


def test_books_that_grow_with_an_axis_are_asked_for(monkeypatch):
    asked = {}
    monkeypatch.setattr(growth, "check_memory", lambda more, **_: asked.update(more))
    monkeypatch.setattr(needs, "UNCHECKED", 0)
    program = with_schedule(Squares, Priority("ids", lease=64))(ids=1000)
    program.reserve["ids"] = 50_000
    with default_engine().iterate(program, workers=1, epochs=2) as steps:
        next(iter(steps))
        steps.executor.grow("ids", 40_000)
        assert asked["schedule Priority of phase 'main'"] >= 24 * 39_000
        asked.clear()
        steps.executor.grow("ids", 60_000)  # beyond the capacity
        assert asked["schedule Priority of phase 'main'"] >= 24 * 19_000


class Squares(Program):
    """Has one variable, on an axis that may grow."""

    x = variable("ids")
    schedule = RoundRobin("ids")

    @kernel
    def push(block, x, change):
        for i, j in enumerate(block):
            x[j] += 1.0
            change[i] = 1.0


def test_leases_of_a_rotation_of_a_hundred_million_ids_are_small():
    world = make_world(10**8, 2)
    for slices in (None, 2, 3, 50):
        room = Rotation("x", slices=slices).capacity(world)
        shapes = Ring.shapes(3, 2, room, 1)
        assert sum(8 * int(np.prod(shape)) for shape, _ in shapes.values()) < 110 << 20
    tracemalloc.start()
    policy = Rotation("x").start(world)
    assert policy.epoch_rounds() == 96
    assert [len(block) for block in policy.dispatch()] == [1 << 20] * 2
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("coupling", [None, Correlation("A")])
def test_types_are_learnt_without_books(coupling):
    size = 10**6
    arrays = {"A": naive.sparse(np.ones((1, 1)))}
    arrays["A"] = type(arrays["A"])(
        np.ones(size), np.zeros(size, np.int32), np.arange(size + 1, dtype=np.int32)
    )
    world = make_world(size, 2, arrays=arrays)
    schedule = Priority("x", coupling=coupling, lease=10**5)
    schedule.kernels(world)
    tracemalloc.start()
    schedule.kernels(world)
    assert tracemalloc.get_traced_memory()[1] < 8 * size
    tracemalloc.stop()


class Dear(Schedule):
    """Reports the costs that its policy gets."""

    def start(self, world):
        return _Dear(world)


class _Dear(Policy):
    def dispatch(self):
        return [self.mine(p) for p in range(self.world.workers)]

    def statistics(self):
        costs = self.world.costs
        return {"cost": float(costs[0]), "known": len(costs)}


class Costly(Counting):
    """Has costs that are given."""

    costs = {"ids": "cost_of_ids"}

    def cost_of_ids(self):
        return np.arange(1.0, self.size["ids"] + 1)


@pytest.mark.parametrize(
    "executor", ["serial", pytest.param("processes", marks=pytest.mark.processes)]
)
def test_costs_are_shared_with_the_scheduler_not_sent(executor):
    size = 5000
    program = with_schedule(Costly, Dear("ids", lease=size))
    order = {"ids": (np.arange(size) < 100).astype(int)}  # the first 100 ids are laid out last
    with default_engine().iterate(
        program(label=np.zeros(size)), workers=2, executor=executor, epochs=1, partition=order
    ) as steps:
        next(steps)
        counts = steps.statistics()["schedules"]["main"]
        assert counts["cost"] == 101.0 and counts["known"] == size
        if executor == "processes":
            sent = len(cloudpickle.dumps(sendable(steps.executor, steps.executor.team, "main")))
            assert sent < 8 * size + 4000  # the order of the ids, but not their costs


def test_a_conflict_graph_of_a_program_is_not_copied():
    graph = naive.sparse(np.ones((4, 4)), CSR)
    policy, _ = start(Priority("x", coupling=Graph("J")), make_world(4, 2, arrays={"J": graph}))
    assert np.shares_memory(policy.coupling.indices, graph.indices)
