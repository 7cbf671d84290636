"""A leader that dies or is interrupted leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
from children import PATH
from processes import PATIENCE_S, assert_all_ended, descendants, linux, nothing_left
from programs import IDS

pytestmark = [pytest.mark.processes, linux]


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
