"""A user's schedules run as they are written now, whichever process ran them before."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import nothing_left
from programs import IDS, Counting, counting, with_schedule

from strads import Checkpoint, Correlation, Coupled, Engine, Policy, Priority, RoundRobin, Schedule
from strads.engine.errors import ProgramError
from strads.engine.schedules.trust import only_our_code

pytestmark = pytest.mark.processes

MODULE = """
import numpy as np
from strads import Policy, Schedule

class Own(Schedule):
    def start(self, world):
        return OwnPolicy(world)

class OwnPolicy(Policy):
    def dispatch(self):
        return [self.mine(p)[:{count}] for p in range(self.world.workers)]
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(2) as made:
        yield made


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Write, or edit and reload, a module with a schedule that hands out so many ids."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(count: int) -> Any:
        (tmp_path / "own_schedule.py").write_text(MODULE.format(count=count))
        importlib.invalidate_caches()
        if "own_schedule" in sys.modules:
            return importlib.reload(sys.modules["own_schedule"])
        return importlib.import_module("own_schedule")

    yield write
    sys.modules.pop("own_schedule", None)


def visited(result: Any) -> int:
    return int(np.count_nonzero(result.state["x"]))


def test_an_edited_schedule_runs_as_edited(engine: Engine, written: Any) -> None:
    for count in (1, 2, 3):
        program = with_schedule(Counting, written(count).Own("ids"))
        result = engine.run(counting(program), epochs=1, executor="processes")
        assert visited(result) == 2 * count


def test_an_edited_schedule_that_a_run_exchanges(engine: Engine, written: Any) -> None:
    for count in (1, 2):
        with engine.iterate(counting(), executor="processes") as run:
            run.exchange(written(count).Own("ids", lease=4))
            next(run)
            assert visited(run.result()) == 2 * count


def test_an_edited_schedule_that_the_same_run_exchanges_again(engine: Engine, written: Any) -> None:
    with engine.iterate(counting(), epochs=3, executor="processes") as run:
        for count in (1, 2):
            run.program.state["x"][:] = 0.0
            run.exchange(written(count).Own("ids", lease=4))
            next(run)
            assert np.count_nonzero(run.program.state["x"]) == 2 * count


class Mine(RoundRobin):
    pass


def coupled(j: int, others: np.ndarray, arrays: Any) -> np.ndarray:
    return np.zeros(len(others))


class Matrix(Correlation):
    pass


@pytest.mark.parametrize(
    ("schedule", "ours"),
    [
        (RoundRobin("ids"), True),
        (Priority("ids", coupling=Correlation("A")), True),
        (Mine("ids"), False),
        (Priority("ids", coupling=Coupled(coupled)), False),
        (Priority("ids", coupling=Matrix("A")), False),
    ],
)
def test_whose_code_a_schedule_holds(schedule: Schedule, ours: bool) -> None:
    assert only_our_code([RoundRobin("other"), schedule]) is ours


class Unsendable(Schedule):
    def start(self, world: Any) -> Policy:
        return UnsendablePolicy(world)


class UnsendablePolicy(Policy):
    def dispatch(self) -> list[np.ndarray]:
        return [self.mine(p) for p in range(self.world.workers)]

    def state(self) -> dict[str, Any]:
        return {"count": 1, "stream": (number for number in range(3))}

    def statistics(self) -> dict[str, Any]:
        return {"waiting": (number for number in range(3))} if self.world.seed else {}


def test_a_state_that_cannot_be_sent_is_named(engine: Engine, tmp_path: Path) -> None:
    program = with_schedule(Counting, Unsendable("ids"))
    with pytest.raises(ProgramError, match=r"Unsendable of phase 'main'.* state\(\) .*'stream'"):
        engine.run(
            counting(program), executor="processes", instruments=Checkpoint(tmp_path / "saved")
        )
    with pytest.raises(ProgramError, match=r"statistics\(\) .*'waiting'"):
        engine.run(counting(program), executor="processes", seed=1, epochs=1)
    result = engine.run(counting(program), executor="processes", epochs=2)
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))


class Looking(Schedule):
    def start(self, world: Any) -> Policy:
        return LookingPolicy(world)


class LookingPolicy(Policy):
    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self.warm = int("sklearn.base" in sys.modules)

    def dispatch(self) -> list[np.ndarray]:
        return [self.mine(p) for p in range(self.world.workers)]

    def statistics(self) -> dict[str, Any]:
        return {"warm": self.warm}


def test_a_users_schedule_need_not_import_the_estimators(engine: Engine) -> None:
    """``from strads import *`` imports them, which takes most of a second."""
    importlib.import_module("strads.algorithms.linear.regression.lasso")
    program = with_schedule(Counting, Looking("ids"))
    result = engine.run(counting(program), executor="processes", epochs=1)
    assert result.statistics["schedules"]["main"]["warm"] == 1
