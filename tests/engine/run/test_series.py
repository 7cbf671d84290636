"""Several runs as one whole: numbers, checkpoints, and what Ctrl-C does to programs."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import nothing_left
from programs import NNLS, assert_same_bits, counting, nnls_problem

from strads import Checkpoint, Engine, Result
from strads.engine import ProgramError, Series, interrupted, outside_series
from strads.engine.run.checkpoints.folder import checkpoints_in

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(2) as made:
        yield made


@pytest.fixture(autouse=True)
def the_handler_is_put_back() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    assert signal.getsignal(signal.SIGINT) is before


def strike_at(epoch: int) -> Any:
    def look(step: Any) -> None:
        if step.epoch == epoch:
            signal.raise_signal(signal.SIGINT)

    return look


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_run_may_return_what_it_has(engine: Engine, executor: str) -> None:
    options: dict[str, Any] = {"executor": executor, "epochs": 9, "on_interrupt": "return"}
    result = engine.run(counting(), instruments=strike_at(3), **options)
    assert result.status == "interrupted" and len(result.history) == 4
    np.testing.assert_array_equal(result.state["x"], 4.0)
    assert engine.run(counting(), **options).status == "epochs"

    def twice(step: Any) -> None:
        strike_at(2)(step)
        strike_at(2)(step)

    for hook, mode in ((twice, "return"), (strike_at(2), "raise")):
        with pytest.raises(KeyboardInterrupt):
            engine.run(counting(), instruments=hook, **{**options, "on_interrupt": mode})
    assert engine.run(counting(), **options).status == "epochs"
    with pytest.raises(ProgramError, match="on_interrupt='later'"):
        engine.run(counting(), on_interrupt="later")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_ctrl_c_from_outside_ends_a_step(engine: Engine, executor: str) -> None:
    """The signal comes from another thread, in the midst of steps that follow at once."""

    def look(step: Any) -> None:
        if step.epoch == 5:
            threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

    result = engine.run(
        counting(), executor=executor, epochs=10**9, instruments=look, on_interrupt="return"
    )
    assert result.status == "interrupted"
    np.testing.assert_array_equal(result.state["x"], float(len(result.history)))


def three(engine: Engine, **options: Any) -> list[Result]:
    """Make three runs, each from the result of the one before."""
    results: list[Result] = []
    for _ in range(3):
        given = {"w": results[-1].state["w"]} if results else {}
        results.append(
            engine.run(NNLS(**nnls_problem(), **given), epochs=4, executor="serial", **options)
        )
        with outside_series():
            engine.run(counting(), epochs=1, executor="serial")
    return results


@pytest.mark.parametrize("at", [1, 5, 12])
def test_a_series_goes_on_where_it_broke_off(engine: Engine, tmp_path: Path, at: int) -> None:
    whole, seen = three(engine), []

    def look(step: Any) -> None:
        seen.append(step.epoch)
        engine.run(counting(), epochs=1, executor="serial")  # within a step: not of the series
        if len(seen) == at:
            raise ValueError("broken")

    asked = (Checkpoint(tmp_path, keep=2), tmp_path)
    with pytest.raises(ValueError, match="broken"), Series(*asked):
        three(engine, instruments=look)
    names = {f"run-{k:05d}": [*checkpoints_in(tmp_path / f"run-{k:05d}")] for k in range(4)}
    assert [len(steps) for steps in names.values()] == {
        1: [0, 0, 0, 0], 5: [1, 0, 0, 0], 12: [1, 1, 2, 0]
    }[at]  # fmt: skip
    with Series(*asked):
        resumed = three(engine, instruments=look)
    assert len(seen) == 12 + 1
    for one, other in zip(whole, resumed, strict=True):
        assert_same_bits(one, other)


def test_runs_after_an_interrupt_are_short_and_not_kept(engine: Engine, tmp_path: Path) -> None:
    whole = three(engine)
    with Series(tmp_path, on_interrupt="return") as series:
        results = three(engine, instruments=strike_at(2))
        assert interrupted()
    assert series.interrupted and not interrupted()
    assert [len(result.history) for result in results] == [3, 1, 1]
    assert [path.name for path in sorted(tmp_path.glob("run*"))] == ["run-00000"]
    with Series(tmp_path, tmp_path):
        for one, other in zip(whole, three(engine), strict=True):
            assert_same_bits(one, other)


def test_a_full_disk_costs_a_series_one_warning(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, left = three(engine), [9]
    write = os.fsync

    def full(number: int) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(28, "No space left on device")
        write(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(RuntimeWarning, match="No space") as caught, Series(tmp_path):
        three(engine)
    assert len(caught) == 1
    assert left[0] < 0 and (tmp_path / "series.ckpt").exists()
    kept = {path.name for path in tmp_path.glob("run*/*.ckpt")}
    assert kept and kept <= {f"step-{step:08d}.ckpt" for step in (2, 3, 4)}
    with Series(tmp_path, tmp_path):
        for one, other in zip(whole, three(engine), strict=True):
            assert_same_bits(one, other)
