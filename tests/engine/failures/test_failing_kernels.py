"""Kernels that raise or whose numbers are not finite: told at once, and the next run works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from processes import linux
from programs import IDS, Counting, Failing, assert_works, counting

from strads import Engine, Partition, kernel
from strads.engine.errors import KernelError, NotFiniteError

pytestmark = [pytest.mark.processes, linux]
EXECUTORS = ("serial", "processes")


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
