"""Schedules that raise or hand out nonsense: told at once, and the next run works."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from processes import linux
from programs import Counting, assert_works, counting, with_schedule

from strads import Engine, Policy, Schedule
from strads.engine.errors import KernelError, ProgramError

pytestmark = [pytest.mark.processes, linux]
EXECUTORS = ("serial", "processes")


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
