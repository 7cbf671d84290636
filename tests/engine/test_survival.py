"""A run goes on when its processes die: they are replaced, and the step begins again."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import PATIENCE_S, descendants, linux, nothing_left, wait_until
from programs import (
    IDS,
    MF,
    NNLS,
    Counting,
    Endless,
    Ising,
    ReplicatedNNLS,
    counting,
    ising_problem,
    nnls_problem,
    ratings,
    under_way,
)

from strads import (
    Chaos,
    Checkpoint,
    Engine,
    Priority,
    Program,
    control,
    derived,
    dot,
    kernel,
    uniform,
    variable,
)
from strads.engine.errors import DataError, KernelError, NotFiniteError, ProgramError, WorkerDied
from strads.engine.processes.executor import Processes
from strads.engine.processes.nursery.nursery import CannotStart, Nursery
from strads.engine.rounds.stages import STRIDE

pytestmark = [
    pytest.mark.processes,
    linux,
]
VICTIMS = ("worker 0", "worker 2", "scheduler", "nursery")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(3, executor="processes") as made:
        yield made


def in_thread(function: Callable[[], Any]) -> Future[Any]:
    """Run a function in another thread, so that the test fails if the function hangs."""
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def pids(engine: Engine) -> dict[str, int]:
    """Return the numbers of all processes of an engine by name."""
    team = engine._team
    return {"nursery": team.nursery.process.pid, **{m.name: m.pid for m in team.members}}


def kill(engine: Engine, name: str) -> int:
    pid = pids(engine)[name]
    os.kill(pid, signal.SIGKILL)
    return pid


class EndlessAtFirst(Counting):
    """Its first launch never ends, all later ones have an epoch."""

    launches = 0

    def cycle(self) -> Any:
        self.launches += 1
        yield "main", (1 << 40) if self.launches == 1 else 1


# -- whoever dies, whenever ----------------------------------------------------------------------


@pytest.mark.parametrize("name", VICTIMS)
def test_a_process_is_killed_amid_a_launch(engine: Engine, name: str, caplog: Any) -> None:
    program = counting(EndlessAtFirst)
    with caplog.at_level(logging.WARNING, "strads"):
        running = in_thread(lambda: engine.run(program, epochs=2))
        wait_until(lambda: under_way(program), "the launch is under way")
        before, begun = pids(engine), program.state["x"].sum() // (3 * 4)  # rounds
        pid = kill(engine, name)
        result = running.result(PATIENCE_S)
    # What the lost launch had counted was undone.
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))
    (row,) = result.statistics["deaths"]
    assert (row["process"], row["pid"], row["signal"]) == (name, pid, signal.SIGKILL)
    assert row["phase"] == "main"
    assert row["last_round"] >= begun - 3  # a worker finishes a round before the one after the next
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"{name} (process {pid}) died by signal SIGKILL" in line
    assert f"after round {row['last_round']} of phase 'main'" in line
    assert "replaced within" in line
    assert "the step begins again" in line
    new = {who for who, number in pids(engine).items() if before[who] != number}
    assert new == (set(before) if name == "nursery" else {name})


@pytest.mark.parametrize("name", VICTIMS)
def test_a_process_is_killed_between_two_steps(engine: Engine, name: str) -> None:
    def strike(step: Any) -> None:
        if step.epoch == 2:
            pid = kill(engine, name)
            wait_until(lambda: pid not in descendants(), "it is dead")

    result = engine.run(counting(), epochs=4, instruments=strike)
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 4.0))
    assert [row["process"] for row in result.statistics["deaths"]] == [name]


def test_a_process_is_killed_before_a_measure(engine: Engine) -> None:
    class Measured(Counting):
        def cycle(self) -> Any:
            yield "main"
            kill(engine, "worker 1")  # the next request is that of the measure

    result = engine.run(counting(Measured), epochs=2)
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))
    assert result.figures["total"] == 2.0 * IDS
    assert len(result.statistics["deaths"]) == 2


def test_a_scheduler_that_dies_is_told_again(engine: Engine) -> None:
    class Told(Counting):
        launches = 0

        def cycle(self) -> Any:
            self.launches += 1
            self.tell("main", "activate", np.arange(5))
            if self.launches == 2:
                kill(engine, "scheduler")
            yield "main"

    result = engine.run(counting(Told), epochs=3)
    np.testing.assert_array_equal(result.state["x"], np.where(np.arange(IDS) < 5, 3.0, 0.0))


def test_axes_that_have_grown_return_to_their_size(engine: Engine) -> None:
    class Growing(Counting):
        tally = derived("more")
        launches = 0

        def cycle(self) -> Any:
            yield "main"
            self.launches += 1
            self.tally[:] = 0
            self.grow("more", self.size["more"] + 5)
            if self.launches == 2:
                kill(engine, "worker 0")
            yield "main"

    result = engine.run(Growing(label=np.zeros(IDS), more=1), epochs=3)
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 6.0))
    assert result.state["tally"].shape == (16,)


def test_a_rebuild_begins_with_zeros(engine: Engine) -> None:
    class Halves(Counting):
        half = derived("ids")
        launches = 0

        def cycle(self) -> Any:
            self.launches += 1
            if self.launches == 2:
                kill(engine, "worker 0")
            yield "main"

        @kernel
        def push(block, x, half):
            for j in block:
                x[j] += 1.0
                half[j] += 0.5

        @kernel
        def rebuild(ids, x, half):
            for j in range(ids[0], ids[1]):
                half[j] += 0.5 * x[j]

    state = engine.run(counting(Halves), epochs=3).state
    np.testing.assert_array_equal(state["half"], 0.5 * state["x"])


def test_sums_of_a_worker_that_dies_do_not_count(engine: Engine, monkeypatch: Any) -> None:
    class Summed(Counting):
        total = derived("one", replicated=True, reduce="sum")

        @kernel
        def rebuild(ids, x, total):
            for j in range(ids[0], ids[1]):
                total[0] += x[j]

    begin, begun = Processes._begin_sums, []

    def begin_and_kill(self: Processes, name: str) -> None:
        begin(self, name)
        begun.append(name)
        if len(begun) == 2:  # the first one is for `once`, the second for the first request
            self.store.arrays["total"][...] = 7.0  # what a worker has added before it dies
            kill(engine, "worker 1")

    monkeypatch.setattr(Processes, "_begin_sums", begin_and_kill)
    program = Summed(label=np.ones(IDS), x=np.ones(IDS), one=1)
    with engine.iterate(program):
        np.testing.assert_array_equal(program.total.ravel(), np.full(3, float(IDS)))
    assert len(begun) == 3


def test_an_axis_that_grows_forgets_what_its_policy_was_told(engine: Engine) -> None:
    class Growing(Program):
        v = variable("chosen")
        schedule = Priority("chosen")
        launches = 0

        def cycle(self) -> Any:
            self.launches += 1
            self.tell("main", "activate", None, np.ones(self.size["chosen"]))
            yield "main"
            if self.launches == 2:
                pid = kill(engine, "worker 0")
                wait_until(lambda: pid not in descendants(), "it is dead")
            if self.launches < 4:
                self.grow("chosen", self.size["chosen"] * 3)

        def recover(self) -> Any:
            return ()

        @kernel
        def push(block, v):
            for j in block:
                v[j] += 1.0

    assert len(engine.run(Growing(chosen=4), epochs=6).history) == 6


def test_a_step_that_has_ended_is_not_undone(engine: Engine, tmp_path: Path) -> None:
    def strike(step: Any) -> None:
        if step.epoch == 3:
            raise KernelError("an instrument calls a kernel, which raises")

    hooks = [strike, Checkpoint(tmp_path)]
    with pytest.raises(KernelError, match="an instrument"):
        engine.run(counting(), epochs=9, instruments=hooks)
    resumed = engine.run(counting(), epochs=3, resume_from=tmp_path)
    assert len(resumed.history) == 3
    np.testing.assert_array_equal(resumed.state["x"], np.full(IDS, 3.0))


def test_the_leader_takes_over_between_two_phases(engine: Engine, monkeypatch: Any) -> None:
    class Measured(Counting):
        launches = 0

        def cycle(self) -> Any:
            self.launches += 1
            yield "main"
            if self.launches == 2:
                kill(engine, "worker 1")
                monkeypatch.setattr(engine._team.nursery, "spawn", refuse)

    def refuse(*_: Any, **__: Any) -> Any:
        raise CannotStart("worker 1 could not be started: too many processes")

    result = engine.run(counting(Measured), epochs=4)
    assert result.statistics["executor"] == "serial"
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 4.0))


# -- who stalls, and who cannot be replaced --------------------------------------------------------


def test_a_stopped_worker_is_reported(engine: Engine, caplog: Any) -> None:
    program = counting(EndlessAtFirst)
    engine.stall_after = 0.2
    with caplog.at_level(logging.WARNING, "strads"):
        running = in_thread(lambda: engine.run(program, epochs=2))
        wait_until(lambda: under_way(program), "the launch is under way")
        pid = pids(engine)["worker 1"]
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: caplog.records, "it is reported")
        os.kill(pid, signal.SIGCONT)
        (line,) = [record.getMessage() for record in caplog.records]
        kill(engine, "worker 0")  # ends the endless launch
        running.result(PATIENCE_S)
    engine.stall_after = 10.0
    assert f"worker 1 (process {pid}) has been stopped for 0 s in phase 'main'" in line


def test_a_stopped_worker_is_replaced_on_request(engine: Engine) -> None:
    program = counting(EndlessAtFirst)
    engine.stall_after, engine.on_stall = 0.2, "replace"
    running = in_thread(lambda: engine.run(program, epochs=2))
    wait_until(lambda: under_way(program), "the launch is under way")
    os.kill(pids(engine)["worker 1"], signal.SIGSTOP)
    result = running.result(PATIENCE_S)
    engine.stall_after, engine.on_stall = 10.0, "report"
    assert [row["process"] for row in result.statistics["deaths"]] == ["worker 1"]
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))


def test_the_leader_goes_on_alone(engine: Engine, monkeypatch: Any, caplog: Any) -> None:
    def strike(step: Any) -> None:
        if step.epoch == 1:
            kill(engine, "worker 1")
            monkeypatch.setattr(engine._team.nursery, "spawn", refuse)

    def refuse(*_: Any, **__: Any) -> Any:
        raise CannotStart("worker 1 could not be started: too many processes")

    problem = nnls_problem()
    with caplog.at_level(logging.WARNING, "strads"):
        result = engine.run(NNLS(**problem), tol=1e-8, epochs=2000, instruments=strike)
    assert result.status == "converged"
    assert result.statistics["executor"] == "serial"
    assert "too many processes): the leader runs all workers" in caplog.text
    np.testing.assert_array_equal(engine.run(counting(), epochs=2).state["x"], np.full(IDS, 2.0))


# -- when there is no point in going on ------------------------------------------------------------


class Stuck(Counting):
    """A push that never ends where it meets id 20."""

    @kernel
    def push(block, x, key):
        for j in block:
            x[j] += 1.0
            if j == 20:
                for k in range(1 << 60):
                    x[j] += 1e-9 * uniform(key, k)


def test_a_lease_that_kills_its_worker_three_times_is_named(engine: Engine) -> None:
    program = counting(Stuck)
    running = in_thread(lambda: engine.run(program))

    def stuck() -> bool:  # in its second round; its first one was that of ids 16 to 19
        x = program.state.get("x")
        done = engine._turn.holder.executor.store.arrays[".done"] if x is not None else None
        return x is not None and x[16] == 1.0 and done[1 * STRIDE] == 1

    for _ in range(3):
        wait_until(stuck, "it is stuck")
        kill(engine, "worker 1")
        program.state["x"][16] = 0.0
    with pytest.raises(WorkerDied, match="3 times in a row in that round, with the ids 20") as got:
        running.result(PATIENCE_S)
    assert (got.value.worker, got.value.phase) == ("worker 1", "main")
    assert "so the run ends" in str(got.value)
    np.testing.assert_array_equal(engine.run(counting(), epochs=2).state["x"], np.full(IDS, 2.0))


def test_a_run_ends_whose_step_never_does(engine: Engine) -> None:
    program = counting(Endless)
    with pytest.raises(WorkerDied, match="20 processes died within one step"):
        engine.run(program, instruments=Chaos(rate=300.0, seed=1))
    np.testing.assert_array_equal(engine.run(counting(), epochs=2).state["x"], np.full(IDS, 2.0))


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_the_state_of_a_run_that_fails_is_saved(
    engine: Engine, executor: str, tmp_path: Path
) -> None:
    class Raising(NNLS):
        trap = control(0)
        steps = 0

        def cycle(self) -> Any:
            self.steps += 1
            self.trap = int(self.steps == 5)
            yield "main"

        @kernel
        def push(block, A, sq, w, r, delta, change, trap):
            for i, j in enumerate(block):
                delta[i] = 0.0
                if trap:  # whichever id comes first
                    raise ValueError("trapped")
                if sq[j] > 0.0:
                    delta[i] = max(dot(A, j, r) / sq[j], -w[j])
                    w[j] += delta[i]
                    change[i] = abs(delta[i]) * np.sqrt(sq[j])

    problem = nnls_problem()
    saves = Checkpoint(tmp_path, every=3)
    with pytest.raises(KernelError, match="trapped"):
        engine.run(Raising(**problem), epochs=9, executor=executor, instruments=saves)
    assert [path.name for path in tmp_path.glob("step*")] == [
        "step-00000004.ckpt",
        "step-00000003.ckpt",
    ]
    Raising.steps = 9
    result = engine.run(
        Raising(**problem), tol=1e-8, epochs=2000, executor=executor, resume_from=tmp_path
    )
    assert result.status == "converged"
    r = problem["b"] - problem["A"] @ result.state["w"]
    np.testing.assert_allclose(result.state["r"], r, atol=1e-9)


# -- chaos -----------------------------------------------------------------------------------------


@settings(max_examples=max(6, settings.default.max_examples // 8))
@given(st.sampled_from([NNLS, ReplicatedNNLS]), st.integers(0, 2**31))
def test_a_certificate_survives_chaos(engine: Engine, cls: type[Program], seed: int) -> None:
    problem = nnls_problem()
    chaos = Chaos(rate=100.0, modes=["kill", "kill-scheduler", "crash"], seed=seed, most=4)
    result = engine.run(cls(**problem), tol=1e-8, epochs=2000, instruments=chaos)
    assert result.status == "converged"
    # The residual is that of the weights: no pair of both was torn.
    w, A, b = result.state["w"], problem["A"], problem["b"]
    r = b - A @ w
    gradient = A.T @ r
    assert np.all(w >= 0.0)
    assert gradient.max() <= 1e-6
    assert np.abs(gradient[w > 0.0]).max(initial=0.0) <= 1e-6


def test_samples_that_are_counted_are_counted_once(engine: Engine) -> None:
    chaos = Chaos(rate=50.0, modes=("kill", "kill-scheduler", "delay"), most=8)
    result = engine.run(Ising(**ising_problem()), epochs=400, instruments=chaos)
    up = result.state["up"]
    assert 0 <= up.min()
    assert up.max() <= 400
    undisturbed = engine.run(Ising(**ising_problem()), epochs=400).state["up"]
    assert abs(up.mean() - undisturbed.mean()) < 40.0


def test_a_factorisation_without_rebuild_survives_chaos(engine: Engine) -> None:
    # Not so often that a round is hit three times in a row, which ends a run, on a busy machine.
    chaos = Chaos(rate=10.0, modes=("kill", "crash"), most=4)
    R = ratings()
    result = engine.run(MF(R=R, rank=3), epochs=400, instruments=chaos)
    assert sum(chaos.counts.values()) > 0
    product = result.state["W"] @ result.state["H"].T
    assert np.abs(product[R.nonzero()] - R.data).mean() < 0.3 * np.abs(R.data).mean()


def test_chaos_writes_a_nan_that_is_named(engine: Engine) -> None:
    with pytest.raises(NotFiniteError, match=r"x\[0\]"):
        engine.run(counting(), epochs=10**6, instruments=Chaos(rate=1000.0, modes="nan"))


def test_chaos_fills_the_disk_and_damages_files(engine: Engine, tmp_path: Path) -> None:
    chaos = Chaos(rate=200.0, modes=["full-disk", "corrupt"], seed=3)
    hooks = [chaos, Checkpoint(tmp_path, keep=2)]
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        engine.run(counting(), epochs=300, executor="serial", instruments=hooks)
    assert chaos.counts["full-disk"] > 1
    assert chaos.counts["corrupt"] > 1
    damaged = sorted(tmp_path.glob("step*"))[-1]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(DataError, match=damaged.name):
        engine.run(counting(), epochs=301, executor="serial", resume_from=damaged)


def test_workers_without_a_scheduler_are_not_used(engine: Engine, monkeypatch: Any) -> None:
    spawn = Nursery.spawn

    def refuse(self: Nursery, target: str, name: str, **config: Any) -> Any:
        if name == "scheduler":
            raise CannotStart("scheduler could not be started: too many processes")
        return spawn(self, target, name, **config)

    monkeypatch.setattr(Nursery, "spawn", refuse)
    with Engine(2) as fresh, pytest.warns(RuntimeWarning, match="running serially: scheduler"):
        result = fresh.run(counting(), epochs=2)
    np.testing.assert_array_equal(result.state["x"], np.full(IDS, 2.0))
    assert "too many processes" in result.statistics["reasons"]["executor"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modes": "burn"}, "modes='burn' must be some of kill, "),
        ({"modes": ()}, "must be some of"),
        ({"rate": 0.0}, "rate=0.0 must be positive"),
    ],
)
def test_wrong_arguments_of_chaos(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        Chaos(**options)
