"""Programs and arguments that are wrong are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from processes import linux
from programs import IDS, Counting, Ising, assert_works, counting, ising_problem, with_schedule

from strads import Engine, Partition, Program, RoundRobin, kernel, variable
from strads.engine.errors import InsufficientMemory, ProgramError

pytestmark = [pytest.mark.processes, linux]
EXECUTORS = ("serial", "processes")


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
