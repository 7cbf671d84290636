"""Folders of checkpoints: what is in them, who may write, what happens to them."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import PATH
from processes import PATIENCE_S, nothing_left
from programs import NNLS, SCHEDULES, assert_same_bits, counting, nnls_problem, with_schedule

from strads import Checkpoint, Engine, Result
from strads.engine import DataError, ProgramError
from strads.engine.run.checkpoints.checkpoint import opened

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(3) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "saved"


def steps_in(folder: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("step-")) for path in folder.glob("step-*.ckpt"))


def file_of(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}.ckpt"


def count(engine: Engine, epochs: int, **options: Any) -> Result:
    return engine.run(counting(), epochs=epochs, executor="serial", **options)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_few_steps_and_the_last_are_saved(
    engine: Engine, folder: Path, executor: str
) -> None:
    seen = []
    instruments = [Checkpoint(folder, every=2, keep=2), lambda step: seen.append(steps_in(folder))]
    engine.run(counting(), epochs=7, executor=executor, instruments=instruments)
    assert seen == [[], [2], [2], [2, 4], [2, 4], [4, 6], [6, 7]]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    result = engine.run(counting(), epochs=8, executor=executor, resume_from=str(folder))
    assert result.state["x"].tolist() == [8.0] * len(result.state["x"])


def test_seconds_may_decide(engine: Engine, folder: Path) -> None:
    count(engine, 4, instruments=Checkpoint(folder, seconds=0.0, keep=9))
    assert steps_in(folder) == [1, 2, 3, 4]
    count(engine, 4, instruments=Checkpoint(folder, seconds=1e6, keep=9))
    assert steps_in(folder) == [4]
    count(engine, 5, instruments=Checkpoint(folder, every=2, seconds=1e6, keep=9))
    assert steps_in(folder) == [2, 4, 5]  # those of other runs are gone


@pytest.mark.parametrize("wrong", [{"every": 0}, {"seconds": -1.0}, {"keep": 0}])
def test_what_is_asked_for_is_checked(folder: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ProgramError, match=next(iter(wrong))):
        Checkpoint(folder, **wrong)


def test_the_same_call_begins_and_goes_on(engine: Engine, folder: Path) -> None:
    asked = {"instruments": Checkpoint(folder), "resume_from": folder}
    assert len(count(engine, 2, **asked).history) == 2
    assert len(count(engine, 2, **asked).history) == 2  # nothing is left to do
    assert steps_in(folder) == [1, 2]
    whole = count(engine, 6)
    assert_same_bits(whole, count(engine, 6, **asked))
    assert steps_in(folder) == [4, 5, 6]
    for other in (folder / "none", folder.parent):
        with pytest.raises(DataError, match=r"No such file|holds no checkpoint"):
            count(engine, 6, resume_from=other)
    with pytest.raises(ProgramError, match="this is a file"):
        count(engine, 6, instruments=Checkpoint(file_of(folder, 6)))


def test_the_newest_sound_checkpoint_is_used(engine: Engine, folder: Path) -> None:
    asked = {"instruments": Checkpoint(folder), "resume_from": folder}
    count(engine, 5, **asked)
    damage(file_of(folder, 5))
    file_of(folder, 4).write_bytes(file_of(folder, 4).read_bytes()[:-1])
    with pytest.warns(RuntimeWarning) as caught:
        assert_same_bits(count(engine, 6), count(engine, 6, **asked))
    assert [re.findall(r"step-0000000(.)", str(w.message)) for w in caught] == [["5"], ["4"]]
    assert steps_in(folder) == [4, 5, 6]
    for step in (4, 5, 6):
        damage(file_of(folder, step))
    with (
        pytest.warns(RuntimeWarning),
        pytest.raises(DataError, match="all 3 checkpoints are damaged"),
    ):
        count(engine, 6, **asked)


def test_a_run_that_had_ended_ends_at_once(engine: Engine, folder: Path) -> None:
    asked: dict[str, Any] = {"executor": "serial", "epochs": 500}
    first = engine.run(
        NNLS(**nnls_problem()), tol=1e-6, instruments=Checkpoint(folder, every=1000), **asked
    )
    assert first.status == "converged"
    with opened(file_of(folder, len(first.history))) as saved:
        assert saved.history == first.history
    again = engine.run(NNLS(**nnls_problem()), tol=1e-6, resume_from=folder, **asked)
    assert_same_bits(first, again)
    further = engine.run(NNLS(**nnls_problem()), tol=1e-9, resume_from=folder, **asked)
    assert further.status == "converged" and len(further.history) > len(first.history)


def test_what_a_callback_decided_stays_decided(engine: Engine, folder: Path) -> None:
    asked = {"resume_from": folder}
    stops = [lambda step: step.epoch == 2, Checkpoint(folder)]
    first = count(engine, 5, instruments=stops, **asked)
    assert first.status == "stopped by a callback"
    assert_same_bits(first, count(engine, 5, **asked))
    with engine.iterate(counting(), epochs=5, executor="serial", **asked) as run:
        assert [step.epoch for step in run.resume(2)] == [3, 4]


# -- whose it is -------------------------------------------------------------------------------


def test_a_folder_serves_one_living_run(engine: Engine, folder: Path) -> None:
    pytest.importorskip("fcntl")
    saves = Checkpoint(folder)
    with engine.iterate(counting(), executor="serial", instruments=saves) as run:
        next(run)
        with pytest.raises(ProgramError, match=f"still going on .process {os.getpid()}"):
            count(engine, 3, instruments=Checkpoint(folder))
        assert next(run).epoch == 2
    assert count(engine, 3, instruments=saves, resume_from=folder).status == "epochs"


def test_a_run_that_fails_gives_the_folder_back(engine: Engine, folder: Path) -> None:
    def fail(step: Any) -> None:
        raise ValueError("of the user's")

    with pytest.raises(ValueError, match="of the user's") as caught:
        count(engine, 3, instruments=[Checkpoint(folder), fail])
    assert len(count(engine, 3, instruments=Checkpoint(folder), resume_from=folder).history) == 3
    del caught


# -- what may happen to it ---------------------------------------------------------------------


def full(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_costs_one_warning(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(engine, 2, instruments=Checkpoint(folder))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(RuntimeWarning, match=r"step 1 could not be written.*No space") as caught:
        assert len(count(engine, 5, instruments=Checkpoint(folder)).history) == 5
    assert len(caught) == 1
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_made_costs_one_warning(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.warns(RuntimeWarning, match="could not be written") as caught:
        count(engine, 3, instruments=Checkpoint(tmp_path / "file" / "saved"))
    assert len(caught) == 1


CHILD = """
import os, signal, sys
from programs import NNLS, SCHEDULES, nnls_problem, with_schedule
from strads import Checkpoint, Engine

folder, executor, number = sys.argv[1:]

class Unlucky(NNLS):
    def epoch(self, history):
        if len(history) == 6:
            os.kill(os.getpid(), int(number))

program = with_schedule(NNLS if int(number) == 0 else Unlucky, SCHEDULES["priority"])
program.__qualname__ = "Resumable"
result = Engine(3).run(
    program(**nnls_problem()), epochs=9, seed=4, executor=executor, resume_from=folder,
    instruments=Checkpoint(folder, every=4),
)
print(len(result.history), result.state["w"].tobytes().hex())
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""


def child(folder: Path, executor: str, number: int) -> Any:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(folder), executor, str(number)],
        env={**os.environ, "PYTHONPATH": PATH}, stdout=subprocess.PIPE, text=True,
        timeout=PATIENCE_S,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("executor", "number", "step"),
    [
        ("serial", signal.SIGKILL, 4),
        pytest.param("processes", signal.SIGTERM, 6, marks=pytest.mark.processes),
    ],
)
def test_a_run_that_a_signal_ended_goes_on(
    engine: Engine, folder: Path, executor: str, number: int, step: int
) -> None:
    program = with_schedule(NNLS, SCHEDULES["priority"])
    whole = engine.run(program(**nnls_problem()), epochs=9, seed=4, executor="serial")
    with nothing_left():
        assert child(folder, executor, number).returncode == -number
        assert steps_in(folder)[-1] == step
        assert child(folder, executor, 0).stdout.split() == ["9", whole.state["w"].tobytes().hex()]


def test_sigterm_in_a_step(engine: Engine, folder: Path) -> None:
    class Ended(Exception):
        """What a handler of the user's raises."""

    def own(*_: object) -> None:
        raise Ended

    def look(step: Any) -> None:
        if step.epoch == 3:
            signal.raise_signal(signal.SIGTERM)
            assert steps_in(folder) == []

    before = signal.signal(signal.SIGTERM, own)
    try:
        with pytest.raises(Ended):
            count(engine, 9, instruments=[look, Checkpoint(folder, every=100)])
        assert steps_in(folder) == [3]
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_sigterm_between_two_steps(engine: Engine, folder: Path) -> None:
    seen: list[Any] = []

    def own(*_: object) -> None:
        seen.append(steps_in(folder))

    before = signal.signal(signal.SIGTERM, own)
    try:
        saves = Checkpoint(folder, every=100)
        with engine.iterate(counting(), executor="serial", instruments=saves) as run:
            next(run)
            signal.raise_signal(signal.SIGTERM)
            next(run)
            signal.raise_signal(signal.SIGTERM)
        assert seen == [[1], [1, 2]]
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_copies_of_the_instrument_are_independent(engine: Engine, folder: Path) -> None:
    import copy
    import pickle

    saves = Checkpoint(folder, 2, keep=5)
    with engine.iterate(counting(), executor="serial", instruments=saves) as run:
        next(run)
        for other in (copy.deepcopy(saves), pickle.loads(pickle.dumps(saves))):
            assert repr(other) == repr(saves)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(count(engine, 3, instruments=saves).state["x"], 3.0)


def test_two_folders_are_saved_before_a_signal_acts_once(tmp_path: Path) -> None:
    calls: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: calls.append(number))

    def strike(step: Any) -> None:
        if step.epoch == 2:
            signal.raise_signal(signal.SIGTERM)
            assert calls == []

    hooks = [strike, Checkpoint(tmp_path / "a", every=100), Checkpoint(tmp_path / "b", every=100)]
    try:
        with Engine(2, executor="serial") as serial:
            serial.run(counting(), epochs=4, instruments=hooks)
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
    assert calls == [signal.SIGTERM]
    assert steps_in(tmp_path / "a") == steps_in(tmp_path / "b") == [2, 4]


def test_a_forked_child_does_not_keep_the_folder(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    children: list[int] = []

    def fork(step: Any) -> None:
        if step.epoch == 1:
            pid = os.fork()
            if pid == 0:
                os.read(ours, 1)  # until the parent has begun its next run
                os._exit(0)
            children.append(pid)

    with Engine(2, executor="serial") as serial:
        serial.run(counting(), epochs=2, instruments=[fork, Checkpoint(tmp_path)])
        serial.run(counting(), epochs=2, instruments=Checkpoint(tmp_path))
    os.write(theirs, b"!")
    os.waitpid(children[0], 0)
    os.close(ours)
    os.close(theirs)
