"""The turn: given back once, whatever ends the run; no thread waits for it in vain."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import resource
import signal
import subprocess
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl
from processes import PATIENCE_S, descendants, linux, nothing_left, own_segments, wait_until
from programs import (
    IDS,
    Counting,
    Endless,
    Failing,
    assert_works,
    counting,
    under_way,
    with_schedule,
)

from strads import Chaos, Engine, RoundRobin
from strads.engine import interrupts
from strads.engine.compiling import lock
from strads.engine.errors import (
    InsufficientMemory,
    KernelError,
    ProgramError,
    StradsError,
    WorkerDied,
)
from strads.engine.memory import layout
from strads.engine.memory.pool import Pool
from strads.engine.memory.segments import create_segment
from strads.engine.processes import handing_over
from strads.engine.processes.executor import Processes
from strads.engine.processes.nursery.nursery import CannotStart
from strads.engine.run import blas, turn
from strads.engine.run import run as run_module

pytestmark = [pytest.mark.processes, linux]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(2) as made:
        yield made


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """End the tests if one of them hangs."""
    import faulthandler

    faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def mapped_segments(pid: int | str = "self") -> set[str]:
    """Segments that a process has mapped, by inode."""
    lines = Path(f"/proc/{pid}/maps").read_text().split("\n")
    return {line.split()[4] for line in lines if "memfd:strads" in line}


# -- open runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["break", "error", "cycle", "exhausted"])
def test_a_run_that_nobody_can_reach_gives_the_turn_back(engine: Engine, how: str) -> None:
    def leave() -> None:
        steps = engine.iterate(counting(), epochs=3, executor="processes")
        if how == "cycle":
            steps.itself = steps  # type: ignore[attr-defined]
        for _ in steps:
            if how in ("break", "cycle"):
                break
            if how == "error":
                raise ZeroDivisionError

    try:
        leave()
    except ZeroDivisionError:
        pass
    assert_works(engine)


def test_a_run_that_is_kept_open_makes_the_next_one_serial(engine: Engine) -> None:
    kept = engine.iterate(counting(), executor="processes")
    next(kept)
    with pytest.warns(RuntimeWarning, match=r"running serially: .*finish\(\)"):
        result = engine.run(counting(), epochs=2)
    assert result.statistics["executor"] == "serial"
    assert "is open" in result.statistics["reasons"]["executor"]
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))
    with pytest.raises(ProgramError, match="one run at a time"):
        engine.run(counting(), executor="processes")
    assert next(kept).epoch == 2
    kept.result()
    assert_works(engine)


def test_who_waits_for_an_idle_run_says_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "PATIENCE_S", 0.0)
    run = engine.iterate(counting(), executor="processes")
    said, told = [], threading.Event()

    def tell(message: str, *_: Any, **__: Any) -> None:
        said.append(message)
        told.set()

    monkeypatch.setattr(turn.warnings, "warn", tell)
    thread = threading.Thread(target=engine.run, args=(counting(),), kwargs={"epochs": 1})
    thread.start()
    assert told.wait(PATIENCE_S)
    run.result()
    thread.join()
    assert said[0].startswith("still waiting: another run") and "finish()" in said[0]


@pytest.mark.parametrize("where", ["callback", "epoch", "setup"])
def test_a_run_within_a_step_of_another_is_serial(engine: Engine, where: str) -> None:
    found: list[Any] = []

    def inner(*_: Any) -> None:
        if not found:
            found.append(None)
            found[0] = engine.run(counting(), epochs=2)
            with pytest.raises(ProgramError, match="inside a step of another run"):
                engine.run(counting(), executor="processes")

    methods = {} if where == "callback" else {where: lambda self, _: inner()}
    program = type("Outer", (Counting,), methods)
    options = {"instruments": inner} if where == "callback" else {}
    outer = engine.run(counting(program), epochs=2, **options)
    assert outer.statistics["executor"] == "processes"
    for result, kind in ((outer, "processes"), (found[0], "serial")):
        assert result.statistics["executor"] == kind
        np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))
    assert "inside a step" in found[0].statistics["reasons"]["executor"]


def test_a_run_that_another_thread_goes_on_with(engine: Engine) -> None:
    """Only the thread inside a step would wait for itself, not the one that made the run."""
    found: list[str] = []

    def inner(step: Any) -> None:
        found.append(engine.run(counting(), epochs=1).statistics["executor"])

    run = engine.iterate(counting(), executor="processes", instruments=inner)
    thread = threading.Thread(target=next, args=(run,))
    thread.start()
    thread.join(PATIENCE_S)
    assert found == ["serial"]
    with pytest.warns(RuntimeWarning, match="running serially"):
        inner(None)
    run.result()
    assert_works(engine)


def test_a_serial_run_waits_for_nobody(engine: Engine) -> None:
    done: list[Any] = []
    with engine.iterate(counting(), executor="processes") as run:
        next(run)
        thread = threading.Thread(
            target=lambda: done.append(engine.run(counting(), epochs=1, executor="serial"))
        )
        thread.start()
        thread.join(PATIENCE_S)
        assert done


def test_a_run_that_has_ended_says_so(engine: Engine) -> None:
    with engine.iterate(counting(), executor="processes") as run:
        next(run)
    assert list(run) == []
    with pytest.raises(ProgramError, match="without a result; its status is stopped"):
        run.result()
    finished = engine.iterate(counting(), epochs=1, executor="processes")
    result = finished.finish()
    assert finished.statistics() == result.statistics


# -- ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_a_result_that_cannot_be_copied(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def fail(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "user_order", fail)
        with pytest.raises(error):
            engine.run(counting(), epochs=1, executor="processes")
    assert_works(engine)


def test_an_end_that_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError("while the team was handed back")

    with monkeypatch.context() as patch:
        patch.setattr(Processes, "_hand_back", fail)
        with pytest.raises(MemoryError):
            engine.run(counting(), epochs=1, executor="processes")
    assert_works(engine)


def test_a_result_is_not_lost_with_a_process_that_dies_after_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill_and_copy(*args: Any) -> np.ndarray:
        os.kill(engine._team.workers[0].pid, signal.SIGKILL)
        return copy(*args)

    copy = run_module.user_order
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "user_order", kill_and_copy)
        result = engine.run(counting(), epochs=1, executor="processes")
    assert result.figures == {"total": float(IDS)}
    assert_works(engine)


def blas_threads_now() -> set[int]:
    found = threadpoolctl.threadpool_info()
    return {row["num_threads"] for row in found if row["user_api"] == "blas"}


def test_blas_is_held_by_a_run_in_any_thread(engine: Engine) -> None:
    """Once one thread has set the number, threadpoolctl does nothing for another one."""
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if blas_threads_now() != {2}:
            pytest.skip("BLAS has one thread here")
        seen: list[set[int]] = []

        def look(step: Any) -> None:
            seen.append(blas_threads_now())

        options: dict[str, Any] = {"epochs": 1, "executor": "serial", "instruments": look}
        engine.run(counting(), **options)
        thread = threading.Thread(target=engine.run, args=(counting(),), kwargs=options)
        thread.start()
        thread.join()
        assert seen == [{1}, {1}]
        assert blas_threads_now() == {2}


def test_blas_has_its_threads_back_whatever_ends_first(engine: Engine) -> None:
    threads = blas_threads_now
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = threads()
        if before != {2}:
            pytest.skip("BLAS has one thread here")
        first = engine.iterate(counting(), executor="processes")
        blas.hold_to_one_thread()  # as a run on another engine would
        assert threads() == {1}
        del first
        assert threads() == {1}
        blas.release()
        assert threads() == before
        with pytest.raises(KernelError):
            engine.run(counting(Failing, trap=20), executor="processes")
        assert threads() == before


def test_an_engine_that_is_closed_under_a_run(engine: Engine) -> None:
    run = engine.iterate(counting(), executor="processes")
    next(run)
    engine.close()
    with pytest.raises(StradsError, match="closed while this run was open"):
        next(run)
    assert_works(engine)


def test_an_engine_that_nobody_uses_is_not_kept() -> None:
    with nothing_left():
        made = Engine(2)
        assert_works(made)
        gone = weakref.ref(made)
        del made
        gc.collect()
        assert gone() is None


# -- Ctrl-C, again and again -------------------------------------------------------------------


def test_a_second_interrupt_while_workers_come_back(engine: Engine) -> None:
    assert_works(engine)
    stopped = engine._team.workers[1].pid
    program = counting(Endless)

    def twice() -> None:
        wait_until(lambda: under_way(program), "the launch is under way")
        os.kill(stopped, signal.SIGSTOP)  # so that the leader waits for it in vain
        os.kill(os.getpid(), signal.SIGINT)
        wait_until(lambda: interrupts._state.passed, "the first interrupt is dealt with")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=twice)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        engine.run(program, executor="processes")
    thread.join()
    assert stopped not in descendants()
    assert_works(engine)


# -- deaths ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nursery", "worker", "scheduler"])
def test_who_died_while_idle_is_replaced_without_a_word(engine: Engine, name: str) -> None:
    assert_works(engine)
    team = engine._team
    victim = {"nursery": team.nursery.process, "worker": team.workers[1]}.get(name, team.scheduler)
    os.kill(victim.pid, signal.SIGKILL)
    wait_until(lambda: victim.pid not in descendants(), "it is dead")
    assert_works(engine)
    assert engine._team is team


def test_a_crash_leaves_nothing_although_its_traceback_is_kept() -> None:
    with nothing_left(), Engine(2) as engine:
        segments, processes, mapped = own_segments(), descendants(), mapped_segments()

        with pytest.raises(WorkerDied) as caught:
            engine.run(counting(Endless), executor="processes", instruments=Chaos(rate=300.0))
        assert caught.value.__traceback__ is not None
        wait_until(lambda: descendants() <= processes, "all processes have ended")
        assert own_segments() <= segments
        assert mapped_segments() <= mapped


# -- memory and open files ---------------------------------------------------------------------


def test_idle_workers_have_nothing_mapped_that_the_leader_dropped(engine: Engine) -> None:
    engine.run(counting(), epochs=1, executor="processes")
    pool = engine._team.pool
    engine._team.pool.keep, kept = 0.0, pool.keep
    try:
        engine.run(counting(), epochs=1, executor="processes")
        assert not pool.segments
        for member in engine._team.members:
            assert mapped_segments(member.pid) == set()
    finally:
        pool.keep = kept
    assert_works(engine)


def test_refits_on_growing_data_keep_few_files_open(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.team(2).pool, "most", 5)
    program = with_schedule(Counting, RoundRobin("ids", lease=1000))  # few rounds
    files = set()
    for size in range(1_000, 7_000, 500):
        engine.run(program(label=np.zeros(size)), epochs=1, executor="processes")
        team = engine._team
        assert len(own_segments()) >= len(team.pool.idle)
        assert len(team.pool.idle) <= 5
        files.add(len(os.listdir(f"/proc/{team.workers[0].pid}/fd")))
    assert len(files) == 1  # workers keep no descriptors of the segments that they have mapped


def test_what_a_worker_was_never_told_is_not_believed_mapped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(handing_over, "_scheduler_request", fail)
        with pytest.raises(OSError, match="Too many"):
            engine.run(counting(), executor="processes")
    assert_works(engine)


def test_descriptors_beyond_those_that_select_can_wait_for(engine: Engine) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2500:
        pytest.skip("this system allows few open files")
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2500), hard))
        for _ in range(1100):
            stack.enter_context(open("/dev/null"))
        engine.close()
        assert_works(engine)
        engine.close()


def test_memory_that_lies_idle_is_given_up_before_a_run_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_works(engine)
    pool = engine._team.pool
    assert pool.idle
    left = layout.check_memory

    def check(needs: Any) -> None:
        if pool.idle:
            raise InsufficientMemory(needed=1, available=0, largest=[])
        left(needs)

    with monkeypatch.context() as patch:
        patch.setattr(layout, "check_memory", check)
        assert_works(engine)


def test_segments_of_growing_data_are_used_again() -> None:
    with contextlib.closing(Pool(most=3)) as pool:
        numbers = set()
        for nbytes in range(100_000, 110_000, 500):
            number, segment = pool.take(nbytes)
            assert segment.nbytes >= nbytes
            numbers.add(number)
            pool.give([number])
        assert len(numbers) <= 2
        given = [pool.take(10**6)[0] for _ in range(9)]
        pool.give(given)
        assert pool.idle == given[-3:]
        assert pool.dropped[-6:] == given[:6]
        for _ in range(pool.runs):
            assert pool.idle == given[-3:]
            pool.give([])
        pool.give([])
        assert pool.idle == []


def test_idle_segments_make_room_when_files_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(Pool()) as pool:
        pool.give([pool.take(10_000)[0]])
        asked = []

        def create(nbytes: int, *, reserved: bool = False) -> Any:
            asked.append(nbytes)
            if pool.idle:
                raise OSError(errno.EMFILE, "Too many open files")
            return create_segment(nbytes, reserved=reserved)

        monkeypatch.setattr("strads.engine.memory.pool.create_segment", create)
        number, _ = pool.take(10**6)
        assert len(asked) == 2
        assert (pool.idle, pool.dropped, list(pool.segments)) == ([], [0], [number])


def test_a_system_without_room_for_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    with nothing_left(), Engine(2) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", refuse)
            with pytest.warns(RuntimeWarning, match="running serially: cannot start"):
                result = engine.run(counting(), epochs=2)
            assert result.statistics["executor"] == "serial"
            assert "temporarily unavailable" in result.statistics["reasons"]["executor"]
            with pytest.raises(CannotStart, match="temporarily unavailable"):
                engine.run(counting(), executor="processes")
        assert_works(engine)


# -- forks -------------------------------------------------------------------------------------


def test_a_fork_amid_everything_can_run(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the parent one thread compiles and one has the turn; the child has neither thread."""
    monkeypatch.setattr(lock, "FORK_PATIENCE_S", 0.0)
    held, ended = threading.Event(), threading.Event()

    def compile_for_ever() -> None:
        with lock.one_at_a_time(), lock.compiler_lock.global_compiler_lock:
            held.set()
            ended.wait()

    run = engine.iterate(counting(), executor="processes")
    next(run)
    thread = threading.Thread(target=compile_for_ever)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(int(PATIENCE_S))  # a hang ends the child
            result = engine.run(counting(), epochs=2)
            reason = result.statistics["reasons"]["executor"]
            code = 0 if "forked" in reason and result.state["x"].sum() == 2 * IDS else 2
        finally:
            os._exit(code)
    ended.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert next(run).epoch == 2
    run.result()
    assert_works(engine)
