"""Statistics of a run add up: times of processes, counts of schedules, staleness, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import nothing_left
from programs import (
    IDS,
    NNLS,
    SCHEDULES,
    Counting,
    ReplicatedNNLS,
    TwoPhases,
    counting,
    nnls_problem,
    with_schedule,
)

from strads import Engine, RoundRobin, control, kernel, outbox, scratch
from strads.engine import ProgramError
from strads.engine.rounds.counts.staleness import Staleness

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]
WORKERS = 3


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(WORKERS) as made:
        yield made


@pytest.mark.processes
def test_the_times_of_every_process_add_up(engine: Engine) -> None:
    found = engine.run(NNLS(**nnls_problem()), epochs=20, executor="processes").statistics
    processes = found["processes"]
    assert list(processes) == ["worker 0", "worker 1", "worker 2", "scheduler"]
    for name, row in processes.items():
        parts = ["busy_seconds", "waiting_seconds"]
        parts += ["starved_seconds"] if name != "scheduler" else []
        assert all(row[part] >= 0.0 for part in parts)
        assert sum(row[part] for part in parts) == pytest.approx(row["seconds"])
        # No process is within a launch for longer than the leader waits for it.
        assert row["seconds"] <= found["phases"]["main"]["seconds"] <= found["seconds"]
    assert 0.0 < found["measure_seconds"] <= found["seconds"]
    workers = [processes[f"worker {p}"]["updates"] for p in range(WORKERS)]
    assert min(workers) > 0
    assert sum(workers) == found["phases"]["main"]["updates"]


def test_serially_one_process_does_everything(engine: Engine) -> None:
    found = engine.run(NNLS(**nnls_problem()), epochs=3, executor="serial").statistics
    assert list(found["processes"]) == ["leader"]
    row = found["processes"]["leader"]
    assert row["busy_seconds"] + row["scheduling_seconds"] == pytest.approx(row["seconds"])
    assert row["waiting_seconds"] == row["starved_seconds"] == 0.0
    assert row["updates"] == found["phases"]["main"]["updates"]


class Unscheduled(TwoPhases):
    def cycle(self) -> Any:
        yield "double", 3


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_phase_without_schedule_has_times_and_no_scheduler(engine: Engine, executor: str) -> None:
    found = engine.run(counting(Unscheduled), epochs=2, executor=executor).statistics
    assert found["phases"]["double"]["launches"] == 2
    assert found["processes"] and "scheduler" not in found["processes"]
    for row in found["processes"].values():
        assert row["updates"] == 0
        assert row["seconds"] > 0.0


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_what_is_dispatched_is_updated(engine: Engine, name: str, executor: str) -> None:
    program = with_schedule(NNLS, SCHEDULES[name])
    found = engine.run(program(**nnls_problem()), epochs=4, executor=executor).statistics
    counts = found["schedules"]["main"]
    assert counts["dispatched"] == found["phases"]["main"]["updates"] > 0
    assert counts["rounds"] <= counts["blocks"] <= WORKERS * counts["rounds"]
    assert counts["rounds_on_one_worker"] <= counts["rounds"]
    assert counts["epochs"] == 4


def test_the_race_check_counts_no_round_twice(engine: Engine) -> None:
    found = engine.run(counting(), epochs=2, check=True).statistics
    assert found["phases"]["main"]["updates"] == 2 * IDS
    assert found["processes"]["leader"]["updates"] == 2 * IDS


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("look_ahead", [0, 3])
def test_staleness_of_pushes_and_schedules(
    engine: Engine, executor: str, depth: int, look_ahead: int
) -> None:
    schedule = RoundRobin("cols", lease=5, micro=2)
    program = with_schedule(ReplicatedNNLS, schedule, depth=depth, look_ahead=look_ahead)
    found = engine.run(program(**nnls_problem()), epochs=3, executor=executor).statistics
    rounds = found["schedules"]["main"]["rounds"] // 3
    ahead = max(depth, look_ahead)
    assert rounds > 2
    assert found["schedules"]["main"]["micro_rounds"] == 3 * rounds * 2
    assert found["staleness"]["main"] == {
        "depth": depth,
        "push_misses": np.mean([min(u, depth) for u in range(2 * rounds)]),
        "look_ahead": ahead,
        "schedule_misses": np.mean([min(t, ahead) for t in range(rounds)]),
    }
    assert "staleness" not in found["schedules"]["main"]


@given(
    st.integers(0, 5),
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6), min_size=1, max_size=4),
)
def test_staleness_is_what_a_naive_count_says(depth: int, launches: list[list[int]]) -> None:
    counted, restored = Staleness(depth, 1), Staleness(depth, 1)
    for launch in launches:
        counted.begin()
        for micro in launch:
            counted.add(micro, 0)
    restored.restore(counted.state())
    for one in (counted, restored):
        assert one.statistics()["push_misses"] == naive.mean_staleness(depth, launches)


class Wide(Counting):
    pair = outbox("block", dtype=np.float32, width=2)
    weight = control(1.0)

    @kernel
    def push(block, x, pair, weight):
        for i, j in enumerate(block):
            x[j] += weight
            pair[i, 0] = pair[i, 1] = weight

    @kernel
    def pull(block, pair):
        pass


@pytest.mark.parametrize("executor", EXECUTORS)
def test_bytes_moved_are_those_of_outboxes_and_ids(engine: Engine, executor: str) -> None:
    found = engine.run(counting(Wide), epochs=2, executor=executor).statistics
    assert found["bytes_moved"] == 2 * IDS * (WORKERS - 1) * (8 + 2 * 4)
    silent = engine.run(counting(), epochs=2, executor=executor).statistics
    assert silent["bytes_moved"] == 0


class AsWideAsAnAxis(Wide):
    pair = outbox("block", dtype=np.float32, width="words")
    work = scratch("words")

    def __init__(self, **given: object) -> None:
        super().__init__(words=3, **given)


class Unknown(Wide):
    pair = outbox("block", width="words")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_outbox_is_as_wide_as_an_axis(engine: Engine, executor: str) -> None:
    found = engine.run(counting(AsWideAsAnAxis), epochs=2, executor=executor).statistics
    assert found["bytes_moved"] == 2 * IDS * (WORKERS - 1) * (8 + 3 * 4)
    with pytest.raises(ProgramError, match="width='words', which is none of the axes"):
        engine.run(counting(Unknown), epochs=1, executor=executor)


class Promising(Counting):
    """Every update promises to decrease the objective by 1 and decreases it by 0.5."""

    @kernel
    def push(block, x, promise):
        for j in block:
            x[j] += 1.0
            promise[0] += 1.0

    def setup(self, rng: np.random.Generator) -> None:
        self.objective_at_start = 0.0

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"objective": -0.5 * parts.sum()}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_parallelisation_error_is_what_was_promised_and_not_made(
    engine: Engine, executor: str
) -> None:
    found = engine.run(counting(Promising), epochs=3, executor=executor).statistics
    assert found["parallelisation_error"] == 3 * IDS - 1.5 * IDS


class Judged(Counting):
    """Every update promises its actual decrease; the objective at the start is not known."""

    @kernel
    def push(block, x, promise):
        for j in block:
            x[j] += 1.0
            promise[0] += 1.0

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"objective": 1000.0 - parts.sum()}


class Late(Judged):
    """Every update decreases the objective by half of what it promised."""

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"objective": -0.5 * parts.sum()}


@pytest.mark.parametrize("epochs", [1, 4])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_without_a_start_the_parallelisation_error_counts_from_the_first_figures(
    engine: Engine, executor: str, epochs: int, tmp_path: Any
) -> None:
    path = tmp_path / "judged.npz"
    for program, share in ((Judged, 0.0), (Late, 0.5)):
        found = engine.run(counting(program), epochs=epochs, executor=executor)
        assert found.statistics["parallelisation_error"] == share * (epochs - 1) * IDS
        with engine.iterate(counting(program), epochs=1, executor=executor) as run:
            next(run)
            run.save(path)
        resumed = engine.run(counting(program), epochs=4, executor=executor, resume_from=path)
        assert resumed.statistics["parallelisation_error"] == share * 3 * IDS
