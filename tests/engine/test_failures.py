"""Failures are reported clearly and at once, and harm neither the next run nor the system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from children import PATH
from processes import PATIENCE_S, assert_all_ended, descendants, nothing_left
from programs import (
    IDS,
    MF,
    NNLS,
    SCHEDULES,
    Counting,
    Failing,
    Ising,
    Racing,
    ReplicatedNNLS,
    TwoPhases,
    counting,
    ising_problem,
    nnls_problem,
    ratings,
    with_schedule,
)

from strads import Engine, Partition, Policy, Program, RoundRobin, Schedule, kernel, variable
from strads.engine.errors import (
    InsufficientMemory,
    KernelError,
    NotFiniteError,
    ProgramError,
    RaceError,
)

needs_jit = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at processes through /proc"
)
pytestmark = [pytest.mark.processes, needs_jit]
EXECUTORS = ("serial", "processes")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(3) as made:
        yield made


def assert_works(engine: Engine) -> None:
    result = engine.run(counting(), epochs=2, executor="processes")
    assert result.statistics["executor"] == "processes"
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))


# -- kernels and schedules that fail -----------------------------------------------------------


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_kernel_that_raises(engine: Engine, executor: str) -> None:
    with pytest.raises(KernelError, match="the trap has sprung"):
        engine.run(counting(Failing, trap=20), epochs=3, executor=executor)
    assert_works(engine)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_kernel_that_raises_in_every_worker(engine: Engine, executor: str) -> None:
    with pytest.raises(KernelError, match="nobody likes it"):
        engine.run(counting(AllRaise), epochs=3, executor=executor)
    assert_works(engine)


class AllRaise(Counting):
    @kernel
    def push(block, x):
        if x[block[0]] >= 0.0:
            raise ValueError("nobody likes it")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_measure_that_raises(engine: Engine, executor: str) -> None:
    with pytest.raises(KernelError, match="cannot be measured"):
        engine.run(counting(Immeasurable), executor=executor)
    assert_works(engine)


class Immeasurable(Counting):
    @kernel
    def measure(ids, x):
        if x[ids[0]] > 0.0:
            raise ValueError("cannot be measured")
        return 0.0


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_is_not_finite_is_named(engine: Engine, executor: str, poison: float) -> None:
    with pytest.raises(NotFiniteError, match=r"x\[20\]") as caught:
        engine.run(counting(Failing, trap=20, poison=poison), executor=executor)
    assert (caught.value.array, caught.value.id) == ("x", 20)
    assert_works(engine)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_is_not_finite_is_named_by_the_users_id(engine: Engine, executor: str) -> None:
    owners = np.arange(IDS)[::-1] % 3
    program = counting(Failing, trap=20, poison=np.nan)
    with pytest.raises(NotFiniteError) as caught:
        engine.run(program, executor=executor, partition={"ids": owners})
    assert caught.value.id == Partition.from_owners(owners, 3).order[20]


class OddError(Exception):
    """An exception that can be pickled, but not unpickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


LOST = LookupError("no idea what comes next")


@dataclass(frozen=True)
class Broken(Schedule):
    """A user's schedule with one method that fails; its policy's methods fail in the third call."""

    where: str = ""
    error: Exception = LOST

    def at(self, where: str) -> None:
        if where == self.where:
            raise self.error

    def capacity(self, world: Any) -> int:
        self.at("capacity")
        return super().capacity(world)

    def kernels(self, world: Any) -> dict[str, Any]:
        self.at("kernels")
        return {}

    def start(self, world: Any) -> Policy:
        self.at("start")
        return _Broken(world, self)


class _Broken(Policy):
    def __init__(self, world: Any, schedule: Broken) -> None:
        super().__init__(world)
        self.schedule = schedule
        self.calls = 0

    def at(self, where: str) -> None:
        self.calls += where == self.schedule.where
        if self.calls == 3:
            self.schedule.at(where)

    def dispatch(self) -> list[np.ndarray]:
        self.at("dispatch")
        return [self.mine(p)[:1] for p in range(self.world.workers)]

    def observe(self, lease: Any) -> None:
        self.at("observe")

    def activate(self, ids: Any, weights: Any = None) -> None:
        self.at("activate")

    def statistics(self) -> dict[str, Any]:
        self.calls = 2
        self.at("statistics")
        return {}


class Telling(Counting):
    def epoch(self, history: Any) -> None:
        self.tell("main", "activate", None)


PLACES = ["capacity", "kernels", "start", "dispatch", "observe", "activate", "statistics"]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("where", PLACES)
def test_a_schedule_that_raises(engine: Engine, executor: str, where: str) -> None:
    program = with_schedule(Telling, Broken("ids", where=where))
    with pytest.raises(KernelError) as caught:
        engine.run(counting(program), epochs=9, executor=executor)
    assert str(caught.value) == (
        "schedule Broken of phase 'main' raised LookupError: no idea what comes next"
    )
    assert isinstance(caught.value.__cause__, LookupError)
    shown = "".join(traceback.format_exception(caught.value))
    assert "in at" in shown and "raise self.error" in shown
    assert_works(engine)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("where", ["start", "dispatch"])
def test_an_error_of_ours_in_a_schedule_comes_as_itself(
    engine: Engine, executor: str, where: str
) -> None:
    program = with_schedule(Counting, Broken("ids", where=where, error=ProgramError("rho = 7")))
    with pytest.raises(ProgramError, match=r"(^|: )rho = 7$"):
        engine.run(counting(program), epochs=9, executor=executor)
    assert_works(engine)


@dataclass(frozen=True)
class Odd(Schedule):
    def start(self, world: Any) -> Policy:
        raise OddError("neither", "nor")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_exception_that_cannot_travel_is_told_as_text(engine: Engine, executor: str) -> None:
    with pytest.raises(KernelError, match="Odd of phase 'main' raised OddError: neither nor") as c:
        engine.run(counting(with_schedule(Counting, Odd("ids"))), executor=executor)
    assert 'raise OddError("neither", "nor")' in "".join(traceback.format_exception(c.value))
    assert_works(engine)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_exchanged_schedule_that_raises(engine: Engine, executor: str) -> None:
    with engine.iterate(counting(), executor=executor) as run:
        next(run)
        with pytest.raises(KernelError, match="schedule Broken of phase 'main' raised LookupError"):
            run.exchange(Broken("ids", where="start", lease=4))
    assert_works(engine)


class TooFew(Policy):
    def dispatch(self) -> list[np.ndarray]:
        return [self.mine(0)]


@dataclass(frozen=True)
class OneBlock(Schedule):
    def start(self, world: Any) -> Policy:
        return TooFew(world)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_schedule_with_blocks_for_other_workers(engine: Engine, executor: str) -> None:
    with pytest.raises(ProgramError, match="1 blocks for 3 workers"):
        engine.run(counting(with_schedule(Counting, OneBlock("ids"))), executor=executor)
    assert_works(engine)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_callback_that_raises(engine: Engine, executor: str) -> None:
    def fail(step: Any) -> None:
        raise ZeroDivisionError("in a callback")

    with pytest.raises(ZeroDivisionError, match="in a callback"):
        engine.run(counting(), executor=executor, instruments=fail)
    assert_works(engine)


def test_a_run_that_is_dropped_gives_the_workers_back(engine: Engine) -> None:
    with engine.iterate(counting(), executor="processes") as run:
        next(run)
    assert_works(engine)


# -- the leader dies -----------------------------------------------------------------------------


LEADER = """
import os
import threading
import numpy as np
from processes import wait_until
from programs import Endless, counting, under_way
from strads import Engine

engine = Engine(3)
program = counting(Endless)

def tell():
    try:
        wait_until(lambda: under_way(program), "the launch is under way")
        print("running", flush=True)
    except AssertionError:
        os._exit(1)

threading.Thread(target=tell).start()
try:
    engine.run(program, executor="processes")
except KeyboardInterrupt:
    print("interrupted", flush=True)
result = engine.run(counting(), epochs=2, executor="processes")
print(result.statistics["executor"], result.state["x"].sum(), flush=True)
"""


#: Another thread receives the signal, as happens now and then in programs with several threads.
ELSEWHERE = LEADER.replace(
    """        print("running", flush=True)
""",
    """        print("running", flush=True)
        threading.Event().wait()
""",
).replace(
    "threading.Thread(target=tell).start()",
    """threading.Thread(target=tell, daemon=True).start()
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})""",
)


@pytest.fixture(params=[LEADER])
def leader(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Start a script, and return when it is in the middle of a launch."""
    with nothing_left():
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(request.param)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": PATH},
        )
        with process:
            try:
                assert process.stdout.readline() == "running\n"
                yield process
            finally:
                process.kill()


def test_a_killed_leader_leaves_nothing(leader: subprocess.Popen[str]) -> None:
    children = descendants(leader.pid)
    assert len(children) == 5  # the nursery, three workers, the scheduler
    leader.kill()
    leader.wait()
    assert_all_ended(children)


def test_a_terminated_leader_leaves_nothing(leader: subprocess.Popen[str]) -> None:
    children = descendants(leader.pid)
    leader.terminate()
    leader.wait()
    assert_all_ended(children)


@pytest.mark.parametrize("leader", [LEADER, ELSEWHERE], ids=["main", "elsewhere"], indirect=True)
def test_ctrl_c_ends_a_launch_and_the_next_run_works(leader: subprocess.Popen[str]) -> None:
    children = descendants(leader.pid)
    leader.send_signal(signal.SIGINT)
    rest, _ = leader.communicate(timeout=PATIENCE_S)
    assert rest.split("\n") == ["interrupted", f"processes {2.0 * IDS}", ""]
    assert leader.returncode == 0
    assert_all_ended(children)


# -- wrong declarations ------------------------------------------------------------------------


class Undeclared(Counting):
    @kernel
    def push(block, x, momentum):
        x[block[0]] += momentum[block[0]]


class NoPush(Program):
    x = variable("ids")
    schedule = RoundRobin("ids")


class UnknownSize(Counting):
    y = variable("elsewhere")


class BlockWithoutSchedule(Counting):
    schedule = None


class WrongCycle(Counting):
    def cycle(self) -> Any:
        yield "absent"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (Undeclared, "'momentum'"),
        (with_schedule(Counting, RoundRobin("rows")), "'rows'"),
        (UnknownSize, "'elsewhere' .* is unknown"),
        (BlockWithoutSchedule, "'block'"),
        (WrongCycle, "'absent'"),
        (with_schedule(Counting, RoundRobin("ids"), depth=-1), "depth"),
    ],
)
@pytest.mark.parametrize("executor", EXECUTORS)
def test_wrong_declarations(
    engine: Engine, executor: str, program: type[Program], message: str
) -> None:
    with pytest.raises(ProgramError, match=message):
        engine.run(counting(program), executor=executor)
    assert_works(engine)


def test_a_program_without_push(engine: Engine) -> None:
    with pytest.raises(ProgramError, match="'push'"):
        engine.run(NoPush(ids=3))


def test_names_that_nobody_declares() -> None:
    with pytest.raises(ProgramError, match="learning_rate"):
        Counting(label=np.zeros(3), learning_rate=1.0)


def test_arrays_that_disagree(engine: Engine) -> None:
    with pytest.raises(ProgramError, match="'ids'"):
        engine.run(Counting(label=np.zeros(3), x=np.zeros(4)))
    assert_works(engine)


def test_declared_arrays_cannot_be_replaced(engine: Engine) -> None:
    class Replacing(Counting):
        def setup(self, rng: np.random.Generator) -> None:
            self.x = np.ones(3)

    with pytest.raises(ProgramError, match="x is a declared variable"):
        engine.run(counting(Replacing))
    assert_works(engine)


@pytest.mark.parametrize(
    "owners", [np.full(IDS, 3), np.full(IDS, -1), np.zeros(IDS), np.zeros(5, int)]
)
def test_wrong_owners(engine: Engine, owners: np.ndarray) -> None:
    with pytest.raises(ProgramError):
        engine.run(counting(), partition={"ids": owners})


@pytest.mark.parametrize("partition", [{"rows": "balanced"}, {"ids": "alphabetical"}])
def test_unknown_partitions(engine: Engine, partition: dict[str, str]) -> None:
    with pytest.raises(ProgramError, match="rows|alphabetical"):
        engine.run(counting(), partition=partition)


def test_a_partition_for_other_workers(engine: Engine) -> None:
    with pytest.raises(ProgramError, match="2 workers"):
        engine.run(counting(), partition={"ids": Partition.contiguous(IDS, 2)})


@pytest.mark.parametrize("workers", [0, -1, 2.5, True, 1_000_000, float("nan"), "two"])
def test_absurd_numbers_of_workers(engine: Engine, workers: Any) -> None:
    with pytest.raises(ProgramError, match="workers="):
        engine.run(counting(), workers=workers)
    with pytest.raises(ProgramError, match="workers="):
        Engine(workers)


@pytest.mark.parametrize("epochs", [-1, 1.5, float("nan")])
def test_absurd_numbers_of_epochs(engine: Engine, epochs: Any) -> None:
    with pytest.raises(ProgramError, match="epochs="):
        engine.run(counting(), epochs=epochs)


def test_unknown_executors(engine: Engine) -> None:
    with pytest.raises(ProgramError, match="'threads'"):
        engine.run(counting(), executor="threads")
    with pytest.raises(ProgramError, match="'threads'"):
        Engine(executor="threads")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_conflict_graph_that_is_not_symmetric(engine: Engine, executor: str) -> None:
    problem = ising_problem(4)
    problem["J"] = sp.csr_array(sp.triu(problem["J"]))
    with pytest.raises(ProgramError, match="'J' is not symmetric: 1 is a neighbour of 0"):
        engine.run(Ising(**problem), executor=executor)
    assert_works(engine)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_more_memory_than_there_is(engine: Engine, executor: str) -> None:
    with pytest.raises(InsufficientMemory, match="x ") as caught:
        engine.run(Counting(ids=10**13), executor=executor)
    assert caught.value.needed > caught.value.available
    assert_works(engine)


# -- the race check ----------------------------------------------------------------------------


def test_a_planted_race_is_found_and_named(engine: Engine) -> None:
    program = with_schedule(Racing, RoundRobin("ids", lease=16))
    with pytest.raises(RaceError, match=r"x\[15\]") as caught:
        engine.run(counting(program), check=True)
    assert (caught.value.array, caught.value.id, caught.value.round) == ("x", 15, 0)
    owners = np.arange(IDS) % 3
    with pytest.raises(RaceError) as caught:
        engine.run(counting(program), check=True, partition={"ids": owners})
    assert caught.value.id == Partition.from_owners(owners, 3).order[15]


def test_a_race_that_the_schedule_excludes_is_none(engine: Engine) -> None:
    program = with_schedule(Racing, RoundRobin("ids", lease=4))  # 15 and 16 in different rounds
    assert engine.run(counting(program), epochs=2, check=True).status == "epochs"


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_race_check_passes_sound_schedules(engine: Engine, schedule: str) -> None:
    problem = nnls_problem(120, 32)
    program = with_schedule(NNLS, SCHEDULES[schedule])
    checked = engine.run(program(**problem), epochs=3, check=True)
    plain = engine.run(program(**problem), epochs=3, executor="serial", align=False)
    assert checked.state["w"].tobytes() == plain.state["w"].tobytes()


SOUND = {
    "ising": lambda: Ising(**ising_problem()),
    "factors": lambda: MF(R=ratings(), rank=3),
    "two phases": lambda: TwoPhases(label=np.zeros(IDS)),
    "pipelined": lambda: with_schedule(ReplicatedNNLS, ReplicatedNNLS.schedule, depth=1)(
        **nnls_problem(120, 32)
    ),
}
#: With the check of indices, programs are compiled once more: these two take long.
DEAR = ("factors", "pipelined")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in DEAR else name for name in SOUND],
)
def test_the_race_check_passes_sound_programs(engine: Engine, name: str) -> None:
    assert engine.run(SOUND[name](), epochs=2, check=True).status == "epochs"
