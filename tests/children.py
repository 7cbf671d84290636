"""Children for tests of the nursery, and scripts that start some."""

import contextlib
import os
import select
import subprocess
import sys
import textwrap
from pathlib import Path

from processes import PATIENCE_S, descendants, living, named_segments

import strads
from strads.engine.processes.messages import receive, send

PATH = os.pathsep.join([str(Path(next(iter(strads.__path__))).parent), str(Path(__file__).parent)])


def readable(source):
    """Return whether something arrives at a descriptor in reasonable time."""
    return bool(select.select([source], [], [], PATIENCE_S)[0])


def wait_until_ended(pid):
    """Return whether a process ends in reasonable time; it need not be a child of ours."""
    with contextlib.suppress(ProcessLookupError, AttributeError):
        fd = os.pidfd_open(pid)
        try:
            return readable(fd)
        finally:
            os.close(fd)
    return not living(pid)


def assert_nothing_left(pids=()):
    """Fail if one of the processes does not end, or shared memory of ours has kept a name."""
    survivors = [pid for pid in pids if not wait_until_ended(pid)]
    assert not survivors, f"still running: {survivors}"
    names = {name for name in named_segments() if name.startswith("strads")}
    assert not names, f"shared memory left behind: {names}"


def watch_for_leftovers():
    """Fail if a test leaves a process or named shared memory; make it a fixture."""
    before = descendants()
    yield
    assert_nothing_left(descendants() - before)


def run_script(text, *, file=None, **environment):
    """Start an unguarded script, with pipes to its input and from its output."""
    text = textwrap.dedent(text)
    if file is not None:
        file.write_text(text)
    return subprocess.Popen(
        [sys.executable, *(["-c", text] if file is None else [str(file)])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": PATH, **environment},
    )


def echo(sock, **config):
    """Send back whatever comes; the target of most children."""
    while True:
        try:
            message, descriptors = receive(sock)
        except EOFError:
            return
        send(sock, (message, config), descriptors)
        for fd in descriptors:
            os.close(fd)


ECHO = f"{__name__}:echo"


def ask(child, message=None):
    """Send a message to a child and return its reply."""
    send(child.socket, message)
    return receive(child.socket)[0]
