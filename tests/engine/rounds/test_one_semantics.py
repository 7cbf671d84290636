"""Matrix products, messages to policies and random keys are the same on both executors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from processes import nothing_left
from programs import Counting, assert_same_bits, with_schedule
from threadpoolctl import threadpool_info, threadpool_limits

from strads import Engine, Phase, Priority, Program, RoundRobin, derived, kernel, uniform, variable
from strads.engine.errors import ProgramError
from strads.engine.run import blas

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]
WORKERS = 2
LONG = 50_000  # BLAS multiplies shorter vectors with one thread in any case


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(WORKERS) as made:
        yield made


# -- BLAS --------------------------------------------------------------------------------------


def blas_threads() -> list[int]:
    return [
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    ]


class Product(Counting):
    """Multiplies long vectors in the leader."""

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        return {"product": float(self.long @ self.long), "threads": float(max(blas_threads()))}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_products_on_the_leader_have_the_bits_of_one_thread(engine: Engine, executor: str) -> None:
    program = Product(label=np.zeros(8))
    program.long = np.random.default_rng(0).normal(size=LONG)
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        figures = engine.run(program, epochs=1, executor=executor).figures
        assert blas_threads() == before
    with threadpool_limits(1, "blas"):
        assert figures == {"product": float(program.long @ program.long), "threads": 1.0}


def test_the_last_of_several_holders_gives_the_threads_of_blas_back() -> None:
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        blas.hold_to_one_thread()
        blas.hold_to_one_thread()
        blas.release()
        assert max(blas_threads()) == 1
        blas.release()
        assert blas_threads() == before


# -- messages ----------------------------------------------------------------------------------


class TellsThenGrows(Program):
    """Sends a message, then grows the axis, which starts a new policy."""

    visits = variable("ids")

    @kernel
    def push(block, visits, change):
        for i, j in enumerate(block):
            visits[j] += 1.0
            change[i] = 1.0

    def cycle(self) -> Any:
        self.tell("main", "activate", np.arange(3))
        if self.size["ids"] == 16:
            self.grow("ids", 40)
        yield "main"


@pytest.mark.parametrize("schedule", [RoundRobin("ids", lease=4), Priority("ids", lease=4)])
def test_a_message_is_heard_before_the_axis_grows(engine: Engine, schedule: Any) -> None:
    program = with_schedule(TellsThenGrows, schedule)
    results = [engine.run(program(ids=16), epochs=3, executor=e) for e in ("serial", "processes")]
    assert_same_bits(*results)
    visits = results[0].state["visits"]
    # A new policy, on which all ids are active, begins the first epoch; later, three are active.
    assert visits[3:].max() <= 1.0 or isinstance(schedule, Priority)
    assert visits[:3].min() >= 2.0
    counts = [r.statistics["schedules"]["main"]["dispatched"] for r in results]
    assert counts[0] == counts[1] == visits.sum()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_message_is_heard_before_a_schedule_is_exchanged(engine: Engine, executor: str) -> None:
    program = with_schedule(TellsThenGrows, RoundRobin("ids", lease=8))(ids=24)
    program.cycle = lambda: ["main"]
    with engine.iterate(program, epochs=2, executor=executor) as run:
        next(run)
        program.tell("main", "activate", np.arange(3))
        run.exchange(RoundRobin("ids", lease=4))
        next(run)
        np.testing.assert_array_equal(run.result().state["visits"], np.full(24, 2.0))


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    ("message", "error"),
    [
        (("mian", "activate", None), r"tell\('mian', …\).* no phase of that name; .* main, rest"),
        (("rest", "activate", None), "phase 'rest' of Telling has no schedule"),
        (("main", "actvate", None), "has no message 'actvate'; .* activate, restrain"),
        (("main", "world"), "has no message 'world'"),
    ],
)
def test_a_message_that_nobody_understands(
    engine: Engine, executor: str, message: Any, error: str
) -> None:
    class Telling(Counting):
        phases = {"main": Phase(schedule=RoundRobin("ids")), "rest": Phase(push="nothing")}

        @kernel
        def nothing(ids):
            pass

        def epoch(self, history: Any) -> None:
            self.tell(*message)

    with pytest.raises(ProgramError, match=error):
        engine.run(Telling(label=np.zeros(8)), executor=executor)


# -- keys --------------------------------------------------------------------------------------


class Drawing(Program):
    """Two phases without and one with a schedule, each of which draws a number for every id."""

    first = derived("ids")
    second = derived("ids")
    third = derived("ids")
    drawn = variable("ids")
    phases = {
        "first": Phase(push="draw_first"),
        "second": Phase(push="draw_second"),
        "main": Phase(push="draw", schedule=RoundRobin("ids")),
    }

    @kernel
    def draw_first(ids, key, first, drawn):
        for j in range(ids[0], ids[1]):
            first[j] = uniform(key, j)
            drawn[j] += first[j]

    @kernel
    def draw_second(ids, key, second):
        for j in range(ids[0], ids[1]):
            second[j] = uniform(key, j)

    @kernel
    def draw(block, key, third):
        for j in block:
            third[j] = uniform(key, j)

    def cycle(self) -> Any:
        yield "first", 2
        yield "second"
        yield "main"


def draws(engine: Engine, executor: str, seed: int, epochs: int, **options: Any) -> Any:
    return engine.run(Drawing(ids=9), executor=executor, seed=seed, epochs=epochs, **options)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_phases_without_schedule_draw_by_seed_phase_and_epoch(
    engine: Engine, executor: str, tmp_path: Any
) -> None:
    found = {(s, e): draws(engine, executor, s, e).state for s in (0, 1) for e in (1, 2)}
    numbers = [state[name][0] for state in found.values() for name in ("first", "second", "third")]
    assert len(set(numbers)) == 12
    assert_same_bits(draws(engine, "serial", 1, 2), draws(engine, executor, 1, 2))
    # A resumed run draws the numbers that an uninterrupted run draws.
    path = tmp_path / "drawn.npz"
    with engine.iterate(Drawing(ids=9), seed=1, epochs=1, executor=executor) as run:
        next(run)
        run.save(path)
    resumed = engine.run(Drawing(ids=9), epochs=2, executor=executor, resume_from=path)
    assert resumed.state["drawn"].tobytes() == found[1, 2]["drawn"].tobytes()
