"""Children of the nursery: forked with imports done, deaths reported, none left at the end."""

import contextlib
import errno
import faulthandler
import gc
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest
from children import (
    ECHO,
    ask,
    assert_nothing_left,
    readable,
    run_script,
    wait_until_ended,
    watch_for_leftovers,
)
from processes import living, wait_until

from strads.engine.errors import StradsError, WorkerDied
from strads.engine.processes.messages import readable as waiting_at
from strads.engine.processes.messages import receive, send
from strads.engine.processes.nursery import nursery as leader_side
from strads.engine.processes.nursery.forking import _Forker
from strads.engine.processes.nursery.nursery import CannotStart, Death, Nursery

nothing_left = pytest.fixture(autouse=True)(watch_for_leftovers)
HERE = __name__
VARIANTS = pytest.mark.parametrize("portable", ["0", "1"], ids=["linux", "portable"])


@pytest.fixture
def nursery(monkeypatch):
    """A nursery that compiles nothing, which saves most of these tests some time."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    with contextlib.closing(Nursery()) as nursery:
        nursery.start()
        yield nursery


@pytest.fixture
def portable_or_not(portable, monkeypatch):
    monkeypatch.setenv("STRADS_PORTABLE", portable)


def describe(sock):
    """Send what a child finds when it begins."""
    tasks = Path("/proc/self/task")
    about = {
        "parent": os.getppid(),
        "session": os.getsid(0),
        "threads": len(list(tasks.iterdir())) if tasks.is_dir() else 1,
        "numpy": "numpy" in sys.modules,
        "numba": "numba" in sys.modules,
        "blas": os.environ["OPENBLAS_NUM_THREADS"],
        "interrupt": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "terminate": signal.getsignal(signal.SIGTERM) is signal.SIG_IGN,
        "child": signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL,
        "faulthandler": faulthandler.is_enabled(),
    }
    from strads.engine.compiling.clock import clock

    about["compiled"] = clock.cache_info().currsize == 1
    send(sock, about)


def loaded(sock, names):
    """Send which modules are imported when a child begins."""
    send(sock, [name for name in names if name in sys.modules])


def end(sock, how):
    """End the child in one of several ways."""
    if how == "exit":
        os._exit(7)
    if how == "raise":
        raise RuntimeError("a child's own words")


# -- forking --------------------------------------------------------------------------------------


@VARIANTS
def test_children_answer(portable_or_not, nursery):
    children = [nursery.spawn(ECHO, f"worker {p}", index=p) for p in range(3)]
    assert len({child.pid for child in children} | {os.getpid()}) == 4
    for p, child in enumerate(children):
        assert child.name == f"worker {p}"
        assert ask(child, "hello") == ("hello", {"index": p})
    assert nursery.deaths() == []


def test_a_child_is_born_warm_and_alone(monkeypatch):
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    with contextlib.closing(Nursery()) as nursery:
        nursery.start()
        child = nursery.spawn(f"{HERE}:describe", "worker")
        about, _ = receive(child.socket)
        pid = nursery.process.pid
    assert about == {
        "parent": pid, "session": pid, "threads": 1, "numpy": True, "numba": True, "blas": "1",
        "interrupt": True, "terminate": True, "child": True, "faulthandler": True,
        "compiled": True,
    }  # fmt: skip


def test_a_child_sees_the_folder_and_path_of_now(nursery, tmp_path, monkeypatch):
    (tmp_path / "written_later.py").write_text(
        "import os\nfrom strads.engine.processes.messages import send\nclass Config: pass\n"
        "def main(sock, config): send(sock, (os.getcwd(), type(config).__module__))\n"
    )
    assert nursery.spawn(ECHO, "before").pid
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import written_later

    child = nursery.spawn("written_later:main", "after", config=written_later.Config())
    assert receive(child.socket)[0] == (str(tmp_path), "written_later")


def test_descriptors_reach_a_running_child(nursery):
    child = nursery.spawn(ECHO, "worker")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(child.socket, "look", [ours.fileno()])
        _, (copy,) = receive(child.socket)
        assert os.fstat(copy).st_ino == os.fstat(ours.fileno()).st_ino
        os.close(copy)


def test_a_config_that_cannot_be_sent_harms_nobody(nursery):
    with pytest.raises((TypeError, AttributeError)):
        nursery.spawn(ECHO, "worker", lock=threading.Lock())
    assert ask(nursery.spawn(ECHO, "worker"), 1) == (1, {})


def test_a_fork_that_fails_is_told(monkeypatch):
    forker = object.__new__(_Forker)
    monkeypatch.setattr(os, "fork", lambda: (_ for _ in ()).throw(OSError("too many processes")))
    fd = os.dup(0)
    assert forker.fork(fd, "worker", (None, []), b"") == ("too many processes", None)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)


def test_a_child_that_cannot_be_forked_is_an_error(nursery, monkeypatch):
    monkeypatch.setattr(leader_side.Channel, "take", lambda channel: ("too many", errno.EAGAIN))
    with pytest.raises(CannotStart, match=r"worker 1 could not be started: too many.*ulimit -u"):
        nursery.spawn(ECHO, "worker 1")


def test_a_path_longer_than_a_command_line(nursery, monkeypatch):
    long = [f"/nowhere/{n:0100}" for n in range(3000)]
    monkeypatch.setattr(sys, "path", [*sys.path, *long])
    with contextlib.closing(Nursery()) as another:
        another.start()
        assert ask(another.spawn(ECHO, "worker"), 1) == (1, {})


@pytest.mark.parametrize("executable", ["", None, "/nowhere/python"])
def test_without_an_interpreter_nothing_is_started(monkeypatch, executable):
    before = len(os.listdir("/dev/fd"))
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(CannotStart, match="sys.executable|cannot start /nowhere/python"):
        Nursery().start()
    assert len(os.listdir("/dev/fd")) == before


def test_children_find_imported_what_they_were_warmed_with(nursery):
    nursery.warm(["colorsys", "no.such.module"])
    child = nursery.spawn(f"{HERE}:loaded", "worker", names=["colorsys", "antigravity"])
    assert receive(child.socket)[0] == ["colorsys"]


# -- deaths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "code"), [("return", 0), ("exit", 7), ("raise", 1)], ids=["return", "exit", "raise"]
)
def test_ends_by_itself(nursery, how, code):
    child = nursery.spawn(f"{HERE}:end", "worker", how=how)
    assert readable(nursery)
    assert nursery.deaths() == [Death("worker", child.pid, None, code)]
    assert not waiting_at(nursery)


@VARIANTS
def test_a_killed_child_is_reported(portable_or_not, nursery):
    children = [nursery.spawn(ECHO, f"worker {p}") for p in range(3)]
    os.kill(children[1].pid, signal.SIGKILL)
    assert readable(nursery)
    assert nursery.deaths() == [Death("worker 1", children[1].pid, signal.SIGKILL, None)]
    os.kill(children[0].pid, signal.SIGKILL)
    assert readable(nursery)
    assert nursery.deaths() == [Death("worker 0", children[0].pid, signal.SIGKILL, None)]
    assert ask(children[2], "still here") == ("still here", {})
    assert nursery.deaths() == []


def test_deaths_between_two_births_are_not_forgotten(nursery):
    victims = [nursery.spawn(ECHO, f"worker {p}") for p in range(20)]
    for child in victims:
        os.kill(child.pid, signal.SIGKILL)
    for child in victims:
        assert wait_until_ended(child.pid)
    another = nursery.spawn(ECHO, "another")
    found = []
    while len(found) < len(victims):
        assert readable(nursery)
        found += nursery.deaths()
    assert {death.name for death in found} == {child.name for child in victims}
    assert ask(another) == (None, {})


@VARIANTS
def test_the_nursery_is_killed(portable_or_not, nursery):
    children = [nursery.spawn(ECHO, f"worker {p}") for p in range(2)]
    nursery.process.kill()
    assert readable(nursery)
    deaths = nursery.deaths()
    assert {death.name for death in deaths} == {"nursery", "worker 0", "worker 1"}
    assert {death.signal for death in deaths} == {signal.SIGKILL}
    assert nursery.deaths() == []
    assert_nothing_left(child.pid for child in children)
    with pytest.raises(WorkerDied, match="nursery .*SIGKILL"):
        nursery.spawn(ECHO, "worker 2")


def test_the_nursery_is_killed_before_a_birth(nursery):
    child = nursery.spawn(ECHO, "worker 0")
    nursery.process.kill()
    assert wait_until_ended(nursery.process.pid)
    with pytest.raises(WorkerDied, match="nursery .*SIGKILL"):
        nursery.spawn(ECHO, "worker 1")
    assert readable(nursery)
    assert [death.name for death in nursery.deaths()] == ["nursery", child.name]


def test_closing_ends_everybody(nursery):
    children = [nursery.spawn(ECHO, f"worker {p}") for p in range(2)]
    nursery.close()
    nursery.close()
    assert not any(map(living, [nursery.process.pid, *(child.pid for child in children)]))
    assert nursery.deaths() == []
    with pytest.raises(StradsError, match="closed"):
        nursery.spawn(ECHO, "worker")


def test_before_the_start_there_is_nothing_to_close():
    nursery = Nursery()
    nursery.close()
    assert nursery.deaths() == []


def test_a_forgotten_nursery_ends(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    nursery = Nursery()
    nursery.start()
    pids = [nursery.process.pid, nursery.spawn(ECHO, "worker").pid]
    del nursery
    gc.collect()
    assert not any(map(living, pids))


def test_an_interrupt_amid_a_message_closes(nursery, monkeypatch):
    child = nursery.spawn(ECHO, "worker")

    def interrupted(channel):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(leader_side.Channel, "take", interrupted)
        with pytest.raises(KeyboardInterrupt):
            nursery.spawn(ECHO, "another")
    assert_nothing_left([child.pid])
    with pytest.raises(StradsError, match="closed"):
        nursery.spawn(ECHO, "another")


def test_the_thread_that_started_it_may_end(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    nursery, children = Nursery(), []

    def begin():
        nursery.start()
        children.append(nursery.spawn(ECHO, "worker 0"))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    with contextlib.closing(nursery):
        children.append(nursery.spawn(ECHO, "worker 1"))
        for child in children:
            assert ask(child, "alive") == ("alive", {})
        assert nursery.deaths() == []


# -- scripts --------------------------------------------------------------------------------------

BEGIN = """
    import os, sys
    from children import ECHO, ask
    from strads.engine.errors import StradsError
    from strads.engine.processes.nursery.nursery import Nursery
    from strads.engine.memory.segments import create_segment

    print("begun")
    nursery = Nursery()
    nursery.start()
    children = [nursery.spawn(ECHO, f"worker {p}") for p in range(2)]
    assert all(ask(child, 1) == (1, {}) for child in children)
    segment = create_segment(100)
    print(nursery.process.pid, *(child.pid for child in children), flush=True)
"""
OPTIONS = {"NUMBA_DISABLE_JIT": "1"}


def first_lines(script):
    assert script.stdout.readline() == "begun\n"
    return [int(pid) for pid in script.stdout.readline().split()]


@pytest.mark.parametrize(("portable", "kind"), [("0", "file"), ("1", "text")])
def test_an_unguarded_script_runs_once_and_leaves_nothing(portable, kind, tmp_path):
    file = tmp_path / "script.py" if kind == "file" else None
    with run_script(BEGIN, file=file, STRADS_PORTABLE=portable, **OPTIONS) as script:
        pids = first_lines(script)
        assert len(pids) == 3
        assert script.communicate()[0] == ""
    assert script.returncode == 0
    assert_nothing_left(pids)


@VARIANTS
@pytest.mark.parametrize("bystander", [False, True], ids=["alone", "forked"])
def test_a_killed_leader_leaves_nothing(portable, bystander):
    # A fork of the leader inherits its sockets, and must not keep the nursery alive.
    wait = (
        "    if not {} or os.fork() == 0:\n        print('ready', flush=True)\n    sys.stdin.read()"
    )
    text = BEGIN + wait.format(bystander)
    with run_script(text, STRADS_PORTABLE=portable, **OPTIONS) as script:
        pids = first_lines(script)
        assert script.stdout.readline() == "ready\n"
        script.kill()
        assert_nothing_left(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="needs descriptors of processes")
def test_a_leader_is_missed_even_if_its_socket_is_kept_open():
    text = (
        BEGIN
        + """
    if os.fork() == 0:
        copies[0].set_inheritable(True)
        os.execvp(sys.executable, [sys.executable, "-c", "print('ready'); input()"])
    sys.stdin.read()
    """
    )
    text = text.replace("    segment =", "    copies = [nursery.socket.dup()]\n    segment =")
    with run_script(text, PYTHONUNBUFFERED="1", **OPTIONS) as script:
        pids = first_lines(script)
        assert script.stdout.readline() == "ready\n"
        script.kill()
        assert_nothing_left(pids)


def test_a_fork_of_the_leader_has_no_part_in_it():
    text = (
        BEGIN
        + """
    child = os.fork()
    if child == 0:
        try:
            nursery.spawn(ECHO, "worker")
        except StradsError as error:
            assert nursery.deaths() == []
            nursery.close()
            os._exit(0 if "fork" in str(error) else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert all(ask(child, 2) == (2, {}) for child in children)
    assert nursery.deaths() == []
    print("fine")
    """
    )
    with run_script(text, **OPTIONS) as script:
        pids = first_lines(script)
        assert script.communicate()[0] == "fine\n"
    assert_nothing_left(pids)


def test_a_nursery_that_still_imports_ends_with_its_leader(tmp_path):
    begun = tmp_path / "begun"
    (tmp_path / "numpy.py").write_text(
        f"import time\nopen({str(begun)!r}, 'w').close()\nwhile True:\n    time.sleep(60)\n"
    )
    text = f"""
    import sys
    from strads.engine.processes.nursery.nursery import Nursery
    sys.path.insert(0, {str(tmp_path)!r})
    nursery = Nursery()
    nursery.start()
    print(nursery.process.pid, flush=True)
    sys.stdin.readline()
    """
    with run_script(text) as script:
        pid = int(script.stdout.readline())
        wait_until(begun.exists, "the nursery imports")
        script.kill()
    assert_nothing_left([pid])
