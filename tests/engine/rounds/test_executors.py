"""Both executors against known answers and against each other, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from processes import nothing_left
from programs import (
    DRAWS,
    MF,
    NNLS,
    SCHEDULES,
    Counting,
    GramNNLS,
    Ising,
    ReplicatedNNLS,
    TwoPhases,
    assert_same_bits,
    ising_problem,
    nnls_problem,
    ratings,
    with_schedule,
)

from strads import (
    Engine,
    Partition,
    Phase,
    Priority,
    Program,
    Random,
    RoundRobin,
    control,
    data,
    derived,
    kernel,
    outbox,
    uniform,
    variable,
)
from strads.engine.errors import ProgramError
from strads.engine.run.run import Result

pytestmark = pytest.mark.processes

EXECUTORS = ("serial", "processes")
WORKERS = 3


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[int, Engine]]:
    """One engine for each number of workers, so that tests do not start new processes."""
    made: dict[int, Engine] = {}
    with nothing_left():
        yield made
        for engine in made.values():
            engine.close()


@pytest.fixture
def go(engines: dict[int, Engine]) -> Any:
    """Run a program with an engine of the wanted size."""

    def run(program: Program, *, workers: int = WORKERS, **options: Any) -> Result:
        engine = engines.setdefault(workers, Engine(workers))
        result = engine.run(program, **options)
        if "executor" in options:
            assert result.statistics["executor"] == options["executor"]
        return result

    return run


def owners_of(size: int, workers: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, workers, size)


def partition_of(kind: str, size: int, workers: int) -> Any:
    if kind == "owners":
        return owners_of(size, workers)
    if kind == "a Partition":
        return Partition.from_owners(owners_of(size, workers), workers)
    return kind


@pytest.mark.parametrize("partition", ["contiguous", "balanced", "owners"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_nnls_is_solved_alike_by_both_executors(go: Any, schedule: str, partition: str) -> None:
    problem = nnls_problem()
    cols = problem["A"].shape[1]
    program = with_schedule(NNLS, SCHEDULES[schedule])
    cut = {"cols": partition_of(partition, cols, WORKERS)}
    results = [
        go(program(**problem), tol=1e-9, epochs=500, executor=e, partition=cut) for e in EXECUTORS
    ]
    assert_same_bits(*results)
    assert results[0].status == "converged"
    solution, _ = scipy.optimize.nnls(problem["A"].toarray(), problem["b"])
    np.testing.assert_allclose(results[0].state["w"], solution, atol=1e-8)
    residual = problem["b"] - problem["A"] @ results[0].state["w"]
    np.testing.assert_allclose(results[0].state["r"], residual, atol=1e-9)


@pytest.mark.parametrize("partition", ["contiguous", "balanced", "owners", "a Partition"])
@pytest.mark.parametrize("axis", ["rows", "cols"])
def test_every_axis_can_be_cut_every_way(go: Any, axis: str, partition: str) -> None:
    problem = nnls_problem()
    size = problem["A"].shape[0 if axis == "rows" else 1]
    cut = {axis: partition_of(partition, size, WORKERS)}
    program = with_schedule(NNLS, SCHEDULES["roundrobin"])
    results = [
        go(program(**problem), tol=1e-9, epochs=500, executor=e, partition=cut) for e in EXECUTORS
    ]
    assert_same_bits(*results)
    assert results[0].status == "converged"


def test_ising_has_the_same_bits_for_any_number_of_workers(go: Any) -> None:
    problem = ising_problem()
    results = {
        (workers, executor): go(
            Ising(**problem, beta=0.4), workers=workers, executor=executor, epochs=30
        )
        for workers in (1, 3, 5)
        for executor in EXECUTORS
    }
    first = results[1, "serial"]
    assert 0 < first.state["up"].sum() < 30 * first.state["up"].size
    for result in results.values():
        for name in ("s", "up"):
            assert result.state[name].tobytes() == first.state[name].tobytes()


def test_ising_at_no_coupling_is_a_fair_coin(go: Any) -> None:
    problem = ising_problem()
    result = go(Ising(**problem, beta=0.0), executor="processes", epochs=400)
    share = result.state["up"].mean() / 400
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(400 * result.state["up"].size)


def test_ising_energy_depends_on_the_temperature(go: Any) -> None:
    problem = ising_problem()
    cold, warm = (
        np.mean([f["energy"] for f in go(Ising(**problem, beta=b), epochs=200).history[50:]])
        for b in (0.6, 0.2)
    )
    assert cold < -1.7  # Onsager: −1.91 for the infinite lattice, and above it for ours
    assert -0.55 < warm < -0.3  # Onsager: −0.43


def test_planted_factors_are_found_by_rotation(go: Any) -> None:
    program = {"R": ratings(), "rank": 3}
    results = [go(MF(**program), epochs=80, executor=e) for e in EXECUTORS]
    assert_same_bits(*results)
    rmse = [f["rmse"] for f in results[0].history]
    assert rmse[-1] < 0.05 * rmse[0]
    assert results[0].state["W"].shape == (60, 3)


@pytest.mark.parametrize("name", ["priority", "random", "rotation"])
def test_twenty_repeats_have_the_same_bits(go: Any, name: str) -> None:
    problem = nnls_problem(120, 32)
    program = with_schedule(NNLS, SCHEDULES[name])
    first = go(program(**problem), executor="serial", epochs=12, seed=7)
    for _ in range(20):
        assert_same_bits(first, go(program(**problem), executor="processes", epochs=12, seed=7))


def test_the_seed_decides_the_random_schedule(go: Any) -> None:
    problem = nnls_problem(120, 32)
    program = with_schedule(NNLS, SCHEDULES["random"])
    one, other = (go(program(**problem), epochs=2, seed=s) for s in (1, 2))
    assert one.state["w"].tobytes() != other.state["w"].tobytes()


@pytest.mark.parametrize("name", ["priority", "roundrobin"])
def test_more_workers_than_cores(go: Any, name: str) -> None:
    problem = nnls_problem()
    program = with_schedule(NNLS, SCHEDULES[name])
    results = [
        go(program(**problem), workers=6, tol=1e-9, epochs=300, executor=e) for e in EXECUTORS
    ]
    assert_same_bits(*results)
    assert results[0].status == "converged"


def test_more_workers_than_ids(go: Any) -> None:
    results = [go(Counting(label=np.zeros(2)), workers=5, epochs=3, executor=e) for e in EXECUTORS]
    assert_same_bits(*results)
    np.testing.assert_array_equal(results[0].state["x"], [3.0, 3.0])


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("name", ["priority", "roundrobin"])
def test_pipelined_pushes_have_the_same_bits(go: Any, name: str, depth: int) -> None:
    problem = nnls_problem()
    schedule = DRAWS if name == "priority" else ReplicatedNNLS.schedule
    program = with_schedule(GramNNLS, schedule, depth=depth)
    results = [go(program(**problem), tol=1e-9, epochs=800, executor=e) for e in EXECUTORS]
    assert_same_bits(*results)
    assert results[0].status == "converged"
    solution, _ = scipy.optimize.nnls(problem["A"].toarray(), problem["b"])
    np.testing.assert_allclose(results[0].state["w"], solution, atol=1e-8)


def test_depth_changes_what_a_push_sees(go: Any) -> None:
    problem = nnls_problem()
    bits = {
        go(with_schedule(ReplicatedNNLS, ReplicatedNNLS.schedule, depth=s)(**problem), epochs=2)
        .state["w"]
        .tobytes()
        for s in (0, 1, 2)
    }
    assert len(bits) == 3


@pytest.mark.parametrize("look_ahead", [0, 1, 3])
def test_look_ahead_of_the_scheduler_has_the_same_bits(go: Any, look_ahead: int) -> None:
    problem = nnls_problem()
    program = with_schedule(NNLS, SCHEDULES["priority"], look_ahead=look_ahead)
    results = [go(program(**problem), tol=1e-9, epochs=500, executor=e) for e in EXECUTORS]
    assert_same_bits(*results)
    assert results[0].status == "converged"


@pytest.mark.parametrize("executor", EXECUTORS)
def test_phases_run_in_the_order_of_the_cycle_and_controls_reach_them(
    go: Any, executor: str
) -> None:
    result = go(TwoPhases(label=np.zeros(37)), epochs=4, executor=executor)
    total = 3.0 * (1 + 2 + 4 + 8)  # three visits in each epoch, each of that epoch's amount
    np.testing.assert_array_equal(result.state["visits"], np.full(37, total))
    np.testing.assert_array_equal(result.state["doubled"], np.full(37, 2 * total))
    assert result.state["amount"] == 16.0
    phases = result.statistics["phases"]
    assert phases["count"]["launches"] == phases["double"]["launches"] == 4
    assert phases["count"]["updates"] == 3 * 4 * 37


@pytest.mark.parametrize("executor", EXECUTORS)
def test_controls_take_the_value_given(go: Any, executor: str) -> None:
    result = go(TwoPhases(label=np.zeros(5), amount=0.5), epochs=1, executor=executor)
    np.testing.assert_array_equal(result.state["visits"], np.full(5, 1.5))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_initial_variables_are_taken_in_the_users_order(go: Any, executor: str) -> None:
    start = np.arange(37.0)
    cut = {"ids": owners_of(37, WORKERS)}
    result = go(Counting(label=np.zeros(37), x=start), epochs=2, executor=executor, partition=cut)
    np.testing.assert_array_equal(result.state["x"], start + 2.0)
    np.testing.assert_array_equal(start, np.arange(37.0))


@pytest.mark.parametrize("name", ["priority", "random", "roundrobin"])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one(
    engines: dict[int, Engine], go: Any, executor: str, name: str
) -> None:
    problem = nnls_problem()
    program = with_schedule(NNLS, SCHEDULES[name])
    whole = go(program(**problem), epochs=6, executor=executor)
    with engines[WORKERS].iterate(program(**problem), epochs=2, executor=executor) as run:
        assert [step.epoch for step in run] == [1, 2]
        assert run.status == "epochs"
        assert list(run) == []
        assert [step.epoch for step in run.resume(4)] == [3, 4, 5, 6]
        resumed = run.result()
    assert_same_bits(whole, resumed)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_converged_run_can_go_on(engines: dict[int, Engine], go: Any, executor: str) -> None:
    go(Counting(label=np.zeros(3)), epochs=1)  # makes sure that an engine exists
    problem = nnls_problem()
    with engines[WORKERS].iterate(NNLS(**problem), tol=1e-3, epochs=99, executor=executor) as run:
        done = len(list(run))
        assert run.status == "converged"
        assert len(list(run.resume(2))) >= 1
        assert len(run.history) > done


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_schedule_can_be_exchanged_between_steps(
    engines: dict[int, Engine], go: Any, executor: str
) -> None:
    go(Counting(label=np.zeros(3)), epochs=1)
    problem = nnls_problem()
    solution, _ = scipy.optimize.nnls(problem["A"].toarray(), problem["b"])
    program = with_schedule(NNLS, SCHEDULES["priority"])
    with engines[WORKERS].iterate(
        program(**problem), tol=1e-9, epochs=500, executor=executor
    ) as run:
        next(run)
        run.exchange(RoundRobin("cols", lease=4))
        next(run)
        statistics = run.statistics()["schedules"]["main"]
        assert "deferred" not in statistics
        result = run.finish()
    assert result.status == "converged"
    np.testing.assert_allclose(result.state["w"], solution, atol=1e-8)


class Growing(Program):
    """An axis without data fields becomes a hundred times as long after the first epoch."""

    label = data("ids")
    y = variable("more")

    @kernel
    def push(block, y, change):
        for i, j in enumerate(block):
            y[j] += 1.0
            change[i] = 1.0

    def epoch(self, history: Any) -> None:
        if len(history) == 1:
            self.grow("more", 100 * self.size["more"])


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("schedule", [Priority, Random, RoundRobin])
def test_leases_of_an_axis_that_has_grown_are_full(go: Any, executor: str, schedule: Any) -> None:
    program = with_schedule(Growing, schedule("more", lease=50, micro=3))
    result = go(program(label=np.zeros(1), more=4), epochs=2, executor=executor)
    assert len(result.state["y"]) == 400
    if schedule is RoundRobin:
        np.testing.assert_array_equal(result.state["y"], np.repeat([2.0, 1.0], [4, 396]))
    if schedule is Priority:  # its last round may hand out a few ids more than the epoch needs
        assert result.state["y"].min() == 1.0 and result.state["y"].max() <= 3.0
    assert result.state["y"].sum() == result.statistics["schedules"]["main"]["dispatched"] >= 404


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    "schedule", [Priority("cols", lease=36, micro=2), RoundRobin("cols", lease=8, micro=3)]
)
def test_a_schedule_whose_leases_do_not_fit_is_refused(
    engines: dict[int, Engine], go: Any, executor: str, schedule: Any
) -> None:
    go(Counting(label=np.zeros(3)), epochs=1)
    program = with_schedule(NNLS, RoundRobin("cols", lease=8, micro=2))
    with engines[WORKERS].iterate(program(**nnls_problem()), executor=executor) as run:
        next(run)
        with pytest.raises(ProgramError, match="at most 16 ids and 2 micro-rounds. Begin with the"):
            run.exchange(schedule)
        next(run)  # one step with the old schedule


@pytest.mark.parametrize("executor", EXECUTORS)
def test_callbacks_see_every_step_and_may_stop(go: Any, executor: str) -> None:
    seen: list[int] = []

    def third(step: Any) -> bool:
        seen.append(step.epoch)
        return step.epoch == 3

    result = go(Counting(label=np.zeros(9)), epochs=10, executor=executor, instruments=third)
    assert seen == [1, 2, 3]
    assert result.status == "stopped by a callback"
    assert result.figures == {"total": 27.0}


def test_history_holds_the_figures_of_every_step(go: Any) -> None:
    result = go(Counting(label=np.zeros(8)), epochs=3, executor="processes")
    assert result.history == [{"total": 8.0}, {"total": 16.0}, {"total": 24.0}]
    assert result.status == "epochs"


class Shadows(Program):
    """Fields with the names of variables of the generated loop and of the engine's own arrays."""

    t = variable("items")
    slot = variable("items")
    lo = control(2.0)
    updates = derived("items")
    buffer = outbox("block")
    ids = variable("items")
    cuts = derived("items")
    info = control(3.0)
    cursor = outbox("block", dtype=np.int64)
    bounds_items = variable("items")
    clocks = variable("items")
    times = derived("items")
    schedule = RoundRobin("items", lease=4)

    @kernel
    def push(block, t, lo, buffer, cursor, ids, info, times):
        for i, j in enumerate(block):
            t[j] += lo
            buffer[i] = j
            cursor[i] = 10 * j
            ids[j] += info
            times[j] += 1.0

    @kernel
    def pull(block, buffer, cursor, items, slot, updates, cuts, bounds_items, clocks):
        for i, j in enumerate(block):
            if items[0] <= j < items[1]:
                slot[j] += buffer[i]
                updates[j] += 1.0
                cuts[j] = cursor[i]
                bounds_items[j] += buffer[i]
                clocks[j] += cursor[i]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_fields_may_have_the_names_of_the_engines_variables_and_arrays(
    engines: dict[int, Engine], executor: str
) -> None:
    result = engines[WORKERS].run(Shadows(items=9), workers=WORKERS, executor=executor, epochs=3)
    every = np.arange(9.0)
    for name, expected in {
        "t": np.full(9, 6.0), "slot": 3 * every, "updates": np.full(9, 3.0),
        "ids": np.full(9, 9.0), "cuts": 10 * every, "bounds_items": 3 * every,
        "clocks": 30 * every, "times": np.full(9, 3.0), "lo": [2.0], "info": [3.0],
    }.items():  # fmt: skip
        np.testing.assert_array_equal(result.state[name], expected, err_msg=name)


@pytest.mark.parametrize(
    ("name", "field", "message"),
    [
        ("change", variable("items"), "declares change, which a kernel gets from the engine"),
        ("other", variable("worker"), "declares worker, which a kernel gets from the engine"),
        ("size", variable("items"), "declares size, which Program needs for itself"),
        ("tell", variable("items"), "declares tell, which Program needs for itself"),
        ("items", variable("items"), "declares items, which is an axis, too"),
    ],
)
def test_a_name_that_means_something_else_is_refused(name: str, field: Any, message: str) -> None:
    program = type("Taken", (Shadows,), {name: field})
    with pytest.raises(ProgramError, match=message):
        program(items=9)


class Walk(Program):
    """Random steps on a ring of sites, each of which sees its neighbours' last places."""

    place = variable("sites")
    seen = derived("sites")

    @staticmethod
    @kernel
    def push(sites, place, seen):
        for i in range(sites[0], sites[1]):
            seen[i] = place[i - 1] if i > 0 else place[len(place) - 1]

    @staticmethod
    @kernel
    def pull(source, worker, key, sites, seen, place):
        if source == worker:
            for i in range(sites[0], sites[1]):
                place[i] = 0.5 * (place[i] + seen[i]) + uniform(key, i)

    def __init__(self, size: int, together: int) -> None:
        super().__init__(sites=size)
        self.together = together

    def cycle(self):
        yield "step", self.together

    phases = {"step": Phase(push="push", pull="pull")}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_epochs_without_schedule_may_share_a_launch(engines, executor):
    """Epochs with a pull have the same random keys and wait for each other in either case."""
    engine = engines.setdefault(WORKERS, Engine(workers=WORKERS))
    found = []
    for together in (1, 4):
        result = engine.run(Walk(50, together), epochs=12 // together, executor=executor)
        found.append(result.state["place"])
    np.testing.assert_array_equal(*found)
    serial = engine.run(Walk(50, 1), epochs=12, executor="serial")
    np.testing.assert_array_equal(found[0], serial.state["place"])
    assert len(np.unique(found[0])) == 50
