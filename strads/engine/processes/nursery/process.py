"""The nursery as a process of the operating system: how the leader starts it and ends it."""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection

from strads.engine import interrupts
from strads.engine.platform import WATCH_PARENT

#: Seconds that the nursery has to end by itself before it is killed.
PATIENCE_S = 2.0
#: BLAS and OpenMP read these when they are loaded, which is before a child could change them.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
#: What the nursery runs first: it takes over the leader's ``sys.path``, which may be longer than a
#: command line. Until it has it, it uses built-in modules only, because the folder in which it
#: starts may hold a file ``pickle.py`` of the user's.
_BEGIN = """
import marshal, posix, sys
def read(size):
    got = b""
    while len(got) < size:
        part = posix.read({fd}, size - len(got))
        if not part:
            posix._exit(0)
        got += part
    return got
sys.path[:] = marshal.loads(read(int(read(16))))
"""
_GO_ON = """
from strads.engine.processes.nursery.forking import serve
serve({fd}, {deaths}, {leader})
"""


def start_process(
    sock: socket.socket, deaths: socket.socket, leader_pid: int
) -> subprocess.Popen[bytes]:
    """Start the nursery, which then waits for what :func:`send_path` sends.

    Parameters
    ----------
    sock, deaths : socket.socket
        The nursery's ends of the sockets for requests and for news of deaths.
    leader_pid : int

    Raises
    ------
    OSError
        If the process cannot be started.
    """
    code = _BEGIN + WATCH_PARENT + _GO_ON
    code = code.format(fd=sock.fileno(), deaths=deaths.fileno(), leader=leader_pid)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        pass_fds=[sock.fileno(), deaths.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=_standard(1),
        stderr=_standard(2),
        env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
        # In a session of its own: Ctrl-C in the terminal then reaches the leader only.
        start_new_session=True,
    )


def _standard(fd: int) -> int | None:
    """Where the nursery's output goes: where the leader's goes, or nowhere if that is closed."""
    try:
        os.fstat(fd)
    except OSError:  # a daemon has closed it
        return subprocess.DEVNULL
    return None


def send_path(sock: socket.socket) -> None:
    """Send the leader's ``sys.path`` to the nursery, through the leader's end of its socket."""
    path = marshal.dumps([str(entry) for entry in sys.path])
    sock.sendall(b"%16d" % len(path) + path)


def end_process(
    owner_pid: int, process: subprocess.Popen[bytes], sockets: Collection[socket.socket]
) -> None:
    """Close the leader's sockets and wait for the nursery to end; kill it if it does not.

    Does nothing in any process but `owner_pid`, which started the nursery.
    """
    if os.getpid() != owner_pid:
        return
    for end in list(sockets):
        # Wakes another thread that may be waiting for this socket: after the call of close() the
        # number of its descriptor may soon be that of another file.
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until and not interrupts.pending():
        time.sleep(0.001)
    if process.poll() is None:
        kill_group(process.pid)
        process.wait()


def kill_group(pid: int) -> None:
    """Kill the nursery and all its children, which are in the process group that it leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
