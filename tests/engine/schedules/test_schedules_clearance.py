"""The dependency filter of the priority schedule, compared with brute force."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numba import config
from rounds import blocks_of

from strads.engine import (
    Correlation,
    Coupled,
    Gram,
    Graph,
    Priority,
    Record,
    Replay,
    World,
)
from strads.engine.errors import ProgramError
from strads.engine.partition import Partition
from strads.engine.schedules.lease import COUNT, N_MICRO, Lease, allocate_lease
from strads.kernels.linear.matrices import CSC, CSR
from strads.kernels.scheduling.rowindex import goes_by_rows

RHO = 0.3


def by_correlation(j: int, others: np.ndarray, arrays: Any) -> np.ndarray:
    """Return correlations of columns, as a user's function would."""
    return arrays["C"][j, others]


COUPLINGS = {
    "graph": Graph("J"),
    "gram": Gram("G", "d"),
    "sparse": Correlation("A"),
    "full": Correlation("A"),  # a sparse matrix with entries in most rows
    "dense": Correlation("D"),
    "coupled": Coupled(by_correlation),
}
#: Those that would be compiled for these tests alone are tried interpreted.
OTHERS = ("gram", "coupled", "full")
DENSITY = 0.2


def make_world(
    seed: int, size: int, workers: int, density: float = DENSITY, **options: Any
) -> World:
    """Make random sparse columns, and their couplings in every form."""
    rng = np.random.default_rng(seed)
    A = sp.random_array((12, size), density=density, random_state=rng, format="csc")
    A.sort_indices()
    G = (A.T @ A).toarray()
    norms = np.sqrt(np.diag(G))
    C = np.abs(G) / np.maximum(np.outer(norms, norms), 1e-300)
    conflict = C >= RHO
    np.fill_diagonal(conflict, False)
    J = sp.csr_array(conflict.astype(np.float64))
    parts = (A.data, A.indices.astype(np.int32), A.indptr.astype(np.int32))
    for part in parts:  # as in a run, so that its loop is the same code
        part.flags.writeable = False
    arrays = {
        "A": CSC(*parts), "D": np.asfortranarray(A.toarray()),
        "G": G, "d": np.diag(G).copy(), "C": C, "conflict": conflict,
        "J": CSR(J.data, J.indices, J.indptr),
    }  # fmt: skip
    cut = Partition.contiguous(size, workers)
    return World(partition=cut, workers=workers, arrays=arrays, seed=seed, **options)


def new_lease(schedule: Priority | Replay, world: World) -> Lease:
    return allocate_lease(world.workers, schedule.capacity(world), schedule.micro_max(world))


class Driver:
    """Drives a policy as a run does, with feedback that lags behind."""

    def __init__(self, schedule: Priority | Replay, world: World, seed: int = 0) -> None:
        self.policy = schedule.start(world)
        self.lag = world.depth
        self.slots = [new_lease(schedule, world) for _ in range(self.lag + 1)]
        self.unobserved: list[Lease] = []
        self.rng = np.random.default_rng(seed)

    def fill_round(self) -> list[np.ndarray]:
        """Fill a round; return the ids of every (micro-round, worker)."""
        if len(self.unobserved) > self.lag:
            self.slots.append(self.observe())
        lease = self.slots.pop()
        self.policy.fill(lease)
        self.unobserved.append(lease)
        lease.change[...] = self.rng.random(lease.change.shape)
        return [
            lease.ids[p, lease.cuts[p, m] : lease.cuts[p, m + 1]].copy()
            for m in range(lease.info[N_MICRO])
            for p in range(len(lease.ids))
        ]

    def observe(self) -> Lease:
        self.policy.observe(self.unobserved[0])
        return self.unobserved.pop(0)

    def drain(self) -> None:
        while self.unobserved:
            self.slots.append(self.observe())


def assert_no_conflict(moved: list[np.ndarray], world: World) -> None:
    """Assert that no two ids that move at the same time are in conflict."""
    workers, conflict = world.workers, world.arrays["conflict"]
    for a, first in enumerate(moved):
        horizon = (a // workers + world.depth + 1) * workers
        for b in range(a, min(horizon, len(moved))):
            if world.sequential and a % workers == b % workers:
                continue
            assert not conflict[np.ix_(first, moved[b])].any()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.compiles) if name in OTHERS else name
        for name in COUPLINGS
    ],
)
@given(
    seed=st.integers(0, 10**6), size=st.integers(1, 40), workers=st.integers(1, 4),
    lease=st.integers(1, 12), micro=st.integers(1, 4), depth=st.integers(0, 2),
    sequential=st.booleans(),
)  # fmt: skip
def test_nothing_that_conflicts_ever_moves_together(
    name: str, seed: int, size: int, workers: int, lease: int, micro: int, depth: int,
    sequential: bool,
) -> None:  # fmt: skip
    density = 0.7 if name == "full" else DENSITY
    world = make_world(seed, size, workers, density, depth=depth, sequential=sequential)
    schedule = Priority(
        "a", rho=RHO, coupling=COUPLINGS[name], lease=lease, micro=micro, max_deferrals=2
    )
    driver = Driver(schedule, world, seed)
    moved: list[np.ndarray] = []
    for _ in range(12):
        moved += driver.fill_round()
        blocks = blocks_of(driver.unobserved[-1])
        under_way = [blocks_of(lease) for lease in driver.unobserved]
        ids = np.concatenate([block for found in under_way for block in found])
        assert len(np.unique(ids)) == len(ids)
        assert driver.unobserved[-1].info[COUNT] == sum(map(len, blocks))
        for p, block in enumerate(blocks):
            assert np.all(world.partition.holder(block) == p)
    assert_no_conflict(moved, world)


@pytest.mark.parametrize(("density", "expected"), [(DENSITY, True), (0.7, False), (0.0, False)])
def test_only_sparse_columns_are_indexed_by_row(density: float, expected: bool) -> None:
    assert goes_by_rows(make_world(0, 40, 2, density).arrays["A"]) is expected
    assert not goes_by_rows(np.ones((12, 3)))


@pytest.mark.parametrize(
    "name", ["graph", "sparse", pytest.param("gram", marks=pytest.mark.compiles)]
)
@given(seed=st.integers(0, 10**6), depth=st.integers(0, 2))
def test_all_couplings_dispatch_alike_and_resume_identically(
    name: str, seed: int, depth: int
) -> None:
    world = make_world(seed, 30, 3, depth=depth)
    options: dict[str, Any] = {"rho": RHO, "lease": 7, "micro": 2, "max_deferrals": 3}
    runs = []
    for coupling in (COUPLINGS["dense"], COUPLINGS[name]):
        schedule = Priority("a", coupling=coupling, **options)
        driver, twin = Driver(schedule, world, seed), Driver(schedule, world)
        rounds = [driver.fill_round() for _ in range(5)]
        driver.drain()
        twin.policy.restore(driver.policy.state())
        twin.rng.bit_generator.state = driver.rng.bit_generator.state
        for _ in range(5):
            here, there = driver.fill_round(), twin.fill_round()
            assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))
            rounds.append(here)
        runs.append(np.concatenate([ids for moved in rounds for ids in moved]))
    assert np.array_equal(*runs)


def everyone_conflicts(size: int) -> CSR:
    J = sp.csr_array(1.0 - np.eye(size))
    return CSR(J.data, J.indices, J.indptr)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_nobody_starves_where_everything_conflicts(depth: int) -> None:
    size, rounds = 12, 150
    world = World(
        partition=Partition.contiguous(size, 3), workers=3, depth=depth,
        arrays={"J": everyone_conflicts(size)},
    )  # fmt: skip
    schedule = Priority("a", coupling=Graph("J"), lease=4, max_deferrals=2, by="draws")
    policy, slot = schedule.start(world), new_lease(schedule, world)
    seen = np.zeros(size, int)
    for _ in range(rounds):
        policy.fill(slot)
        ids = np.concatenate(blocks_of(slot))
        assert len(ids) <= 1
        seen[ids] += 1
        # The first id has a huge change; the filter must still let the others through.
        slot.change[...] = np.where(slot.ids == 0, 1e6, 1e-6)
        policy.observe(slot)
    assert seen.min() >= 2
    assert policy.statistics()["alone"] > 0


def test_no_worker_comes_first_more_often_than_another() -> None:
    # No id starves long enough to get its own micro-round: only the changing order of the workers
    # lets ids of later workers through.
    size, rounds = 18, 300
    world = World(
        partition=Partition.contiguous(size, 3), workers=3, look_ahead=0,
        arrays={"J": everyone_conflicts(size)},
    )  # fmt: skip
    schedule = Priority(
        "a", coupling=Graph("J"), lease=2, micro=2, max_deferrals=10_000, by="draws"
    )
    policy, slot = schedule.start(world), new_lease(schedule, world)
    placed = np.zeros(3, int)
    for _ in range(rounds):
        policy.fill(slot)
        placed += slot.cuts[:, slot.info[N_MICRO]]
        policy.observe(slot)
    assert placed.sum() == 2 * rounds
    assert placed.max() <= 1.1 * placed.min()


def test_a_deferred_id_joins_the_next_micro_round() -> None:
    world = World(
        partition=Partition.contiguous(12, 2), workers=2, look_ahead=0,
        arrays={"J": everyone_conflicts(12)},
    )  # fmt: skip
    schedule = Priority(
        "a", coupling=Graph("J"), lease=2, micro=2, max_deferrals=10_000, by="draws"
    )
    policy, slot = schedule.start(world), new_lease(schedule, world)
    policy.fill(slot)
    assert [len(block) for block in blocks_of(slot)] == [1, 1]
    assert np.diff(slot.cuts, axis=1).sum(axis=0).tolist() == [1, 1]


def test_a_queue_of_deferred_ids_outlives_a_lease() -> None:
    size = 200
    world = World(
        partition=Partition.contiguous(size, 2), workers=2,
        arrays={"J": everyone_conflicts(size)},
    )  # fmt: skip
    schedule = Priority("a", coupling=Graph("J"), lease=4, max_deferrals=1000, by="draws")
    policy, slot = schedule.start(world), new_lease(schedule, world)
    for _ in range(50):
        policy.fill(slot)
        lo = slot.ids[0, : slot.cuts[0, 1]]
        assert np.all(world.partition.holder(lo) == 0)
        policy.observe(slot)
    figures = policy.statistics()
    assert figures["drawn"] == figures["dispatched"] + figures["waiting"]


def test_a_lease_that_micro_rounds_do_not_divide_fits() -> None:
    world = World(partition=Partition.contiguous(100, 2), workers=2)
    schedule = Priority("a", lease=10, micro=3)
    policy, slot = schedule.start(world), new_lease(schedule, world)
    policy.fill(slot)
    assert slot.ids.shape == (2, 12)
    assert slot.cuts.tolist() == [[0, 4, 8, 12]] * 2


@pytest.mark.parametrize(("by", "sizes"), [("draws", [5, 8]), ("lists", [1, 8])])
def test_costs_end_a_micro_round_early(by: str, sizes: list[int]) -> None:
    costs = np.where(np.arange(80) < 40, 19.0, 1.0)  # mean 10
    world = World(partition=Partition.contiguous(80, 2), workers=2, costs=costs)
    schedule = Priority("a", lease=8, by=by)
    policy, slot = schedule.start(world), new_lease(schedule, world)
    policy.fill(slot)
    # The budget is 8 mean costs: five expensive ids (the fifth exceeds it), or eight cheap ids. By
    # lists the longer block is then cut to a quarter of the budget, as the other one costs less.
    assert [len(block) for block in blocks_of(slot)] == sizes


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_change_that_is_not_finite_does_not_spoil_the_draws(bad: float) -> None:
    world = World(partition=Partition.contiguous(40, 2), workers=2)
    schedule = Priority("a", lease=4, by="draws")
    policy, slot = schedule.start(world), new_lease(schedule, world)
    for _ in range(30):
        policy.fill(slot)
        slot.change[...] = bad
        policy.observe(slot)
        assert slot.info[COUNT] == 8


def test_weightless_ids_are_still_drawn() -> None:
    world = World(partition=Partition.contiguous(8, 2), workers=2)
    schedule = Priority("a", lease=4, by="draws")
    policy, slot = schedule.start(world), new_lease(schedule, world)
    policy.activate([1, 2, 5], np.array([0.0, 3.0, 0.0]))  # type: ignore[call-arg]
    drawn: list[int] = []
    for _ in range(2):  # without feedback in between
        policy.fill(slot)
        drawn += np.concatenate(blocks_of(slot)).tolist()
    assert sorted(drawn) == [1, 2, 5]
    with pytest.raises(ProgramError, match="weights"):
        policy.activate([1], np.array([-1.0]))  # type: ignore[call-arg]


def test_sweeps_over_micro_rounds_in_flight_are_refused() -> None:
    world = make_world(0, 10, 2, depth=1)
    with pytest.raises(ProgramError, match="sweeps=2 at depth=1"):
        Priority("a", coupling=Graph("J"), sweeps=2).start(world)


@given(seed=st.integers(0, 10**6))
def test_a_log_replays_the_same_dispatches(seed: int) -> None:
    world = make_world(seed, 25, 3)
    schedule = Priority("a", rho=RHO, coupling=Graph("J"), lease=6, micro=2)
    driver, log, rounds = Driver(schedule, world, seed), [], []
    for _ in range(6):
        rounds.append(driver.fill_round())
        log.append(Record.of(driver.unobserved[-1]))
    again = Driver(Replay("a", log=log), world, seed + 1)
    for moved in rounds:
        for a, b in zip(moved, again.fill_round(), strict=True):
            assert np.array_equal(a, b)


def dispatches(name: str) -> str:
    """Return all ids that a small run hands out, as text."""
    costs = np.linspace(0.1, 2.3, 30)
    world = make_world(5, 30, 3, costs=costs, sequential=True)
    schedule = Priority("a", rho=RHO, coupling=COUPLINGS[name], lease=7, micro=2, max_deferrals=2)
    driver = Driver(schedule, world, seed=3)
    return repr([[ids.tolist() for ids in driver.fill_round()] for _ in range(10)])


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="compared where this process compiles")  # type: ignore[attr-defined]
@pytest.mark.parametrize(
    "name", ["sparse", *(pytest.param(name, marks=pytest.mark.slow) for name in ("dense", "graph"))]
)
def test_compiled_and_interpreted_policies_dispatch_alike(name: str) -> None:
    here = Path(__file__)
    script = f"import {here.stem} as tests; print(tests.dispatches({name!r}))"
    paths = [str(here.parent), *sys.path]
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == dispatches(name)


def test_a_users_coupling_is_asked_once_an_id_and_by_the_schedules_rho() -> None:
    asked: list[int] = []

    def coupling(j: int, others: np.ndarray, arrays: Any) -> np.ndarray:
        asked.append(j)
        return np.full(len(others), 0.2)

    world = World(partition=Partition.contiguous(30, 2), workers=2, look_ahead=0)
    for rho, most in ((0.1, 1), (0.3, 10)):
        asked.clear()
        schedule = Priority("a", rho=rho, coupling=Coupled(coupling), lease=5, micro=1, by="draws")
        driver = Driver(schedule, world)
        assert sorted(asked) == list(range(30))
        assert sum(map(len, driver.fill_round())) == most
