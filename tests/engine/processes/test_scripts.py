"""Runs from wherever users start them: scripts, threads, forks, joblib, notebooks."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from children import PATH
from joblib.externals.loky import get_reusable_executor
from processes import PATIENCE_S, assert_all_ended, descendants, linux, nothing_left, wait_until
from programs import IDS, Counting, Ising, counting, ising_problem

import strads
from strads import Engine
from strads.engine.run.run import Result
from strads.engine.run.turn import Turn

pytestmark = [pytest.mark.processes, linux]

UNGUARDED = """
import numpy as np
import strads

print("begun", flush=True)
BOOST = 3.0

class Boosted(strads.Program):
    label = strads.data("ids")
    x = strads.variable("ids")
    schedule = strads.RoundRobin("ids", lease=4)

    @strads.kernel
    def push(block, x):
        for j in block:
            x[j] += BOOST

result = strads.run(Boosted(label=np.zeros(40)), workers=2, executor="processes", epochs=5)
print(result.statistics["executor"], result.state["x"].sum(), flush=True)
input()
"""


@pytest.mark.parametrize("how", ["file", "command", "standard input"])
def test_an_unguarded_script_works_and_leaves_nothing(tmp_path: Path, how: str) -> None:
    """The script runs once although it starts worker processes, and leaves none behind."""
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    text = UNGUARDED.replace("input()", "open('go').readline()")
    arguments = {"file": [str(script)], "command": ["-c", UNGUARDED], "standard input": ["-"]}[how]
    go = tmp_path / "go"
    os.mkfifo(go)
    with nothing_left():
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": PATH},
        )
        with process:
            if how == "standard input":
                process.stdin.write(text)
                process.stdin.close()
                process.stdin = None
            assert process.stdout.readline() == "begun\n"
            assert process.stdout.readline() == "processes 600.0\n"
            children = descendants(process.pid)
            assert len(children) == 4  # the nursery, two workers, the scheduler
            if how == "standard input":
                go.write_text("\n")
            rest, _ = process.communicate(None if how == "standard input" else "\n", PATIENCE_S)
        assert rest == ""
        assert process.returncode == 0
        assert_all_ended(children)


def waits_for_its_turn(thread: threading.Thread) -> bool:
    """Whether a thread waits for the engine's turn."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code is not Turn.take.__code__:
        frame = frame.f_back
    return frame is not None


def test_a_second_thread_waits_for_its_turn() -> None:
    results: dict[str, Result] = {}
    with nothing_left(), Engine(2) as engine:

        def second() -> None:
            results["second"] = engine.run(counting(), epochs=2, executor="processes")

        thread = threading.Thread(target=second)
        with engine.iterate(counting(), epochs=4, executor="processes") as run:
            next(run)
            thread.start()
            wait_until(lambda: waits_for_its_turn(thread), "the second thread waits")
            next(run)
            assert waits_for_its_turn(thread)
            results["first"] = run.finish()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    np.testing.assert_array_equal(results["first"].state["x"], np.full(IDS, 4.0))
    np.testing.assert_array_equal(results["second"].state["x"], np.full(IDS, 2.0))


def test_many_threads_share_an_engine() -> None:
    problem = ising_problem()
    results: dict[int, Result] = {}
    with nothing_left(), Engine(2) as engine:
        expected = engine.run(Ising(**problem), epochs=5, executor="serial")

        def solve(number: int) -> None:
            results[number] = engine.run(Ising(**problem), epochs=5, executor="processes")

        threads = [threading.Thread(target=solve, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert sorted(results) == [0, 1, 2, 3]
    for result in results.values():
        assert result.state["s"].tobytes() == expected.state["s"].tobytes()


def _solve_in_fork(engine: Engine, pipe: Any) -> None:
    result = engine.run(Ising(**ising_problem()), epochs=3)
    pipe.send((result.statistics["executor"], result.state["s"].tobytes()))


def test_a_forked_child_runs_serially_and_harms_nobody() -> None:
    with nothing_left(), Engine(2) as engine:
        before = engine.run(Ising(**ising_problem()), epochs=3)
        assert before.statistics["executor"] == "processes"
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(
            target=_solve_in_fork, args=(engine, theirs)
        )
        child.start()
        assert ours.poll(PATIENCE_S)
        assert ours.recv() == ("serial", before.state["s"].tobytes())
        child.join(PATIENCE_S)
        assert child.exitcode == 0
        after = engine.run(Ising(**ising_problem()), epochs=3)
        assert after.statistics["executor"] == "processes"
        assert after.state["s"].tobytes() == before.state["s"].tobytes()


DAEMON = """
import os
import strads  # by the process that then becomes a daemon
from programs import counting

for _ in range(2):
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
for fd in range(3):
    os.close(fd)
while os.getppid() == strads.engine.run.executors.why_serial._forked_by:
    pass  # wait until the process that forked this one has ended

def chatter(step):
    for fd in range(3):
        try:
            os.write(fd, b"what a library prints")
        except OSError:
            pass

result = strads.run(counting(), workers=2, epochs=2, instruments=chatter)
with open("answer.part", "w") as file:
    file.write(f"{result.statistics['executor']} {result.state['x'].sum()}")
os.rename("answer.part", "answer")
"""


def test_a_daemon_without_standard_descriptors_has_workers(tmp_path: Path) -> None:
    with nothing_left():
        environment = {**os.environ, "PYTHONPATH": PATH}
        subprocess.run([sys.executable, "-c", DAEMON], cwd=tmp_path, env=environment, check=True)
        wait_until((tmp_path / "answer").exists, "the daemon has answered")
        assert (tmp_path / "answer").read_text() == f"processes {2.0 * IDS}"


def _solve_in_worker(seed: int) -> tuple[str, str, bytes]:
    program = Ising(**ising_problem())
    result = strads.run(program, epochs=3, seed=seed, workers=2)
    reason = result.statistics["reasons"]["executor"]
    return result.statistics["executor"], reason, result.state["s"].tobytes()


def test_joblib_workers_run_serially() -> None:
    with nothing_left(), Engine(2) as engine:
        expected = [
            engine.run(Ising(**ising_problem()), epochs=3, seed=seed).state["s"].tobytes()
            for seed in (1, 2)
        ]
        try:
            found = joblib.Parallel(n_jobs=2)(joblib.delayed(_solve_in_worker)(s) for s in (1, 2))
        finally:
            get_reusable_executor().shutdown(wait=True, kill_workers=True)
    assert [bits for _, _, bits in found] == expected
    assert {executor for executor, _, _ in found} == {"serial"}
    assert all("joblib" in reason for _, reason, _ in found)


CELLS = [
    """
import numpy as np
import strads
""",
    "STEP = 2.0",
    """
@strads.kernel
def stepped(x, step):
    return x + step

class Stepping(strads.Program):
    label = strads.data("ids")
    x = strads.variable("ids")
    schedule = strads.Random("ids", lease=32)

    @strads.kernel
    def push(block, x):
        for j in block:
            x[j] = stepped(x[j], STEP)
""",
    """
def total():
    program = Stepping(label=np.zeros(32))
    result = strads.run(program, workers=2, executor="processes", epochs=2)
    return result.statistics["executor"], float(result.state["x"].sum())

print(total())
""",
]
#: The cells that a user runs again after an edit of the constant, then of a helper.
EDITED = [
    CELLS[1].replace("2.0", "5.0"),
    CELLS[2],
    "print(total())",
    CELLS[2].replace("x + step", "x - step"),
    "print(total())",
]
PIDS = "from processes import descendants\nprint(*descendants())"


def _printed(cell: Any) -> str:
    printed = (o for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")
    return "".join(o.get("text", "") for o in printed).strip()


@pytest.mark.slow
def test_an_edited_notebook_gives_the_new_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat  # not on top: joblib's workers import this module, and these take long
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", PATH)
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text.strip()) for text in [*CELLS, *EDITED, PIDS]]
    )
    with nothing_left():
        NotebookClient(book, timeout=240, kernel_name="python3").execute()
        outputs = [_printed(cell) for cell in book.cells]
        assert outputs[3] == "('processes', 128.0)"
        assert outputs[6] == "('processes', 320.0)"
        assert outputs[8] == "('processes', -320.0)"
        pids = {int(pid) for pid in outputs[-1].split()}
        assert len(pids) >= 4
        assert_all_ended(pids)


def test_a_program_made_in_a_function_sees_what_it_closes_over() -> None:
    """Two classes of the same name that differ in a closure's value have different kernels."""

    def made(step: float) -> type[Counting]:
        class Closing(Counting):
            @strads.kernel
            def push(block, x):
                for j in block:
                    x[j] += step

        return Closing

    with nothing_left(), Engine(2) as engine:
        for step in (1.0, 4.0, 1.0):
            result = engine.run(counting(made(step)), epochs=1, executor="processes")
            np.testing.assert_array_equal(result.state["x"], np.full(IDS, step))
