"""``strads top``: pictures of runs that go on, have ended, were killed, or are not there yet."""

import os
import signal
import subprocess
import sys

import pytest
from commands import done, refused
from told import begin, converging, row, step, write

from strads.engine import DataError
from strads.monitoring.live.watched import Watched

needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")


def mine(events):
    """Return events of a run whose leader is this process, which began before."""
    import time

    pids = {"leader": os.getpid()}
    return [
        {**one, "time": time.time(), **({"pids": pids} if one["event"] == "run" else {})}
        for one in events
    ]


def gone():
    """Return the number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


ENDED = row("fit_end", 9, verdict="converged", seconds=9.0, error=None)


# -- one picture -----------------------------------------------------------------------------------


def test_once_prints_one_picture(tmp_path):
    write(tmp_path / "events.jsonl", mine(converging()))
    told = done("top", tmp_path, "--once").stdout
    assert told.count("Lasso ·") == 1
    assert "1.0e-07" in told
    assert "\x1b" not in told
    assert "gone" not in told
    assert done("top", tmp_path / "events.jsonl", "--once").stdout.count("Lasso ·") == 1


def test_without_a_terminal_it_is_the_same(tmp_path):
    write(tmp_path / "events.jsonl", mine(converging()))
    assert done("top", tmp_path).stdout.count("Lasso ·") == 1


def test_a_run_that_has_ended_says_how(tmp_path):
    write(tmp_path / "events.jsonl", [*converging(), ENDED])
    told = done("top", tmp_path, "--once").stdout
    assert told.splitlines()[-1] == "converged"
    assert "9.0 s" in told  # not until now


def test_a_run_that_was_killed_is_told(tmp_path):
    write(tmp_path / "events.jsonl", [*begin(pids={"leader": gone()}), step(1, 0.1)])
    told = done("top", tmp_path, "--once").stdout
    assert "its leader is gone" in told
    assert "left" not in told


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_number_that_another_process_has_now_is_no_leader(tmp_path):
    write(tmp_path / "events.jsonl", begin(pids={"leader": os.getpid()}))  # years before us
    assert "its leader is gone" in done("top", tmp_path, "--once").stdout


def test_what_is_no_run_is_refused(tmp_path):
    refused("top", tmp_path, "--once", says=("holds no events.jsonl", str(tmp_path)))
    refused("top", tmp_path / "not there", "--once", says="not there")
    (tmp_path / "events.jsonl").write_text("no event\n")
    refused("top", tmp_path, "--once", says="not an event")


# -- what is followed ------------------------------------------------------------------------------


def test_a_file_that_grows_is_read_on(tmp_path):
    file, watched = tmp_path / "run" / "events.jsonl", Watched(tmp_path / "run")
    assert not watched.read()
    file.parent.mkdir()
    events = converging()
    write(file, events[:4])
    assert watched.read()
    assert not watched.read()
    with file.open("a") as half:
        half.write('{"event":"warning","time":1,')
    assert not watched.read()
    with file.open("a") as half:
        half.write('"message":"both halves"}\n')
    write(file, events[4:], "a")
    assert watched.read()
    assert watched.state.warnings == ["both halves"]
    assert watched.state.run.step == 7
    assert not watched.has_ended()
    write(file, [ENDED], "a")
    assert watched.read()
    assert watched.has_ended()


def test_a_command_with_two_fits_has_ended_after_the_second(tmp_path):
    record, watched = tmp_path / "run.json", Watched(tmp_path)
    record.write_text('{"state": "running"}')
    write(tmp_path / "events.jsonl", [*mine(converging()), ENDED])
    watched.read()
    assert watched.state.ended
    assert not watched.has_ended()
    assert not watched.is_gone()
    record.write_text('{"state": "ended"}')
    assert watched.has_ended()
    record.write_text("damaged")
    assert watched.has_ended()


@pytest.mark.parametrize("how", ["shorter", "replaced", "removed"])
def test_a_file_that_is_another_is_read_from_its_begin(tmp_path, how):
    file, watched = tmp_path / "events.jsonl", Watched(tmp_path)
    write(file, converging())
    watched.read()
    other = begin()
    if how == "replaced":
        write(tmp_path / "other", [*other, *converging()[2:9], step(9, 0.5)])
        os.replace(tmp_path / "other", file)
    else:
        if how == "removed":
            file.unlink()
            assert not watched.read()
        write(file, [*other, step(9, 0.5)])
    assert watched.read()
    assert (watched.state.runs, watched.state.run.step) == (1, 9)


def test_the_latest_of_several_runs_is_followed(tmp_path):
    watched = Watched(tmp_path)
    for number, name in enumerate(["b", "a", "c"]):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "events.jsonl", [row("fit", number, estimator=name)])
        os.utime(tmp_path / name / "events.jsonl", (1000 + number, 1000 + number))
        assert watched.read()
        assert watched.state.estimator == name
        assert watched.of_several
    os.utime(tmp_path / "a" / "events.jsonl", (2000, 2000))
    watched.read()
    assert watched.state.estimator == "a"


def test_a_damaged_line_is_told(tmp_path):
    write(tmp_path / "events.jsonl", begin())
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\n")
    watched = Watched(tmp_path)
    with pytest.raises(DataError, match="not an event"):
        watched.read()
    assert watched.state.runs == 1  # what was before is known


# -- in a terminal ---------------------------------------------------------------------------------


@pytest.fixture
def terminal():
    from terminals import Terminal

    known = Terminal()
    yield known
    known.close()


@needs_pty
@pytest.mark.processes
def test_a_run_is_followed_from_before_it_begins_to_its_end(terminal, tmp_path):
    from terminals import Screen

    run, before = tmp_path / "run", terminal.settings()
    top = terminal.run("-m", "strads", "top", run)
    terminal.wait_for("waiting for a run")
    run.mkdir()
    events = mine(converging(6))
    write(run / "events.jsonl", events[:2])
    terminal.wait_for("the first step has begun")
    write(run / "events.jsonl", events[2:], "a")
    terminal.wait_for("1.0e-05")
    write(run / "events.jsonl", [ENDED], "a")
    assert terminal.wait_until_ended(top) == 0
    screen = Screen(terminal.text)
    assert screen.text.splitlines()[-1] == "converged"
    assert screen.text.count("Lasso ·") == 1
    assert screen.cursor_visible
    assert terminal.settings() == before


@needs_pty
@pytest.mark.processes
@pytest.mark.parametrize("key", ["q", "\x03", "SIGTERM"])
def test_keys_and_signals_end_it(terminal, tmp_path, key):
    from terminals import Screen

    write(tmp_path / "events.jsonl", mine(converging(6)))
    before = terminal.settings()
    top = terminal.run("-m", "strads", "top", tmp_path)
    terminal.wait_for("q: end")
    if key == "SIGTERM":
        top.send_signal(signal.SIGTERM)
    else:
        terminal.type(key)
    expected = 128 + signal.SIGTERM if key == "SIGTERM" else 0
    assert terminal.wait_until_ended(top) == expected
    screen = Screen(terminal.text)
    assert "1.0e-05" in screen.text
    assert screen.cursor_visible
    assert "Traceback" not in terminal.text
    assert terminal.settings() == before


@needs_pty
@pytest.mark.processes
def test_a_run_that_is_killed_ends_it(terminal, tmp_path):
    leader = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    events = [
        {**one, "pids": {"leader": leader.pid}} if one["event"] == "run" else one
        for one in mine(converging(6))
    ]
    write(tmp_path / "events.jsonl", events)
    top = terminal.run("-m", "strads", "top", tmp_path)
    terminal.wait_for("q: end")
    leader.kill()
    leader.communicate()
    assert terminal.wait_until_ended(top) == 0
    assert "its leader is gone" in terminal.text


DISPLAY = r"""
import os, select, sys
sys.path.insert(0, {tests!r})
from told import converging
from strads.monitoring import LiveDisplay
with LiveDisplay() as display:
    for event in converging(6):
        display(event)
    print("said above", flush=True)
    os.write(2, b"\x1b[m")  # tells that it has been written
    # A Ctrl-C that comes just before the process waits does not end the wait: it must be short.
    while not select.select([0], [], [], 0.1)[0]:
        pass
"""


@needs_pty
@pytest.mark.processes
def test_ctrl_c_leaves_the_terminal_of_a_display_sound(terminal):
    from terminals import Screen

    before = terminal.settings()
    program = DISPLAY.format(tests=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    fit = terminal.run("-c", program)
    terminal.wait_for("\x1b[m")
    terminal.type("\x03")
    assert terminal.wait_until_ended(fit) != 0
    screen = Screen(terminal.text)
    assert screen.text.count("Lasso ·") == 1
    assert screen.text.index("said above") < screen.text.index("Lasso ·")
    assert screen.text.endswith("KeyboardInterrupt")  # below the picture
    assert screen.cursor_visible
    assert terminal.settings() == before
