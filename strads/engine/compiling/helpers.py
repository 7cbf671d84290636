"""Processes that compile kernels for this one, while it compiles others or already runs some.

A helper gets a pickled function, its signature and its content key, and returns the payload. It
computes the key anew from what it has unpickled. If that differs from the key it got, for example
because a source file has been edited since this process imported it, it returns nothing, and this
process compiles the kernel itself.

Helpers are started as commands, like the nursery of the worker processes: a process with threads
must not be forked, and ``multiprocessing`` would run an unguarded script again.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe

from strads.engine.platform import WATCH_PARENT, die_with_parent, imported, own_cores

#: Most helpers that are started: a program has about a dozen kernels.
MOST = 7
# With -I, Python does not look for modules in the current folder, which may hold a user's file of
# the name of a standard module, until the leader's sys.path arrives.
_BEGIN = """
import sys
from multiprocessing.connection import Connection
leader = Connection({fd})
sys.path[:] = leader.recv()
"""
_GO_ON = """
from strads.engine.compiling.helpers import serve
serve(leader, {leader})
"""


def helpers_wanted(kernels: int) -> int:
    """Return how many helpers to start if so many kernels must be compiled.

    ``STRADS_COMPILERS`` says how many processes compile at most, this one included; by default it
    is the number of cores, and one within a worker of multiprocessing or joblib.
    """
    # A helper takes a second to start, about as long as one kernel takes to compile.
    useful = (kernels - 1) // 2
    if useful <= 0:  # to count the cores, files have to be read
        return 0
    text = os.environ.get("STRADS_COMPILERS", "")
    try:
        most = int(text) if text else own_cores()
    except ValueError:
        raise ValueError(f"STRADS_COMPILERS must be a whole number, not {text!r}") from None
    return max(0, min(most - 1, useful, MOST))


class Helpers:
    """Some helpers and the threads that wait for them.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._own = threading.local()
        self._started: list[tuple[subprocess.Popen[bytes], Connection]] = []
        self._closed = False
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(count, "strads-compile", self._start)

    def _start(self) -> None:
        ours, theirs = Pipe()
        code = _BEGIN + WATCH_PARENT + _GO_ON
        with theirs, self._lock:
            if self._closed:
                raise RuntimeError("the helpers have been closed")
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", code.format(fd=theirs.fileno(), leader=os.getpid())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal reaches the leader only
            )  # fmt: skip
            self._started.append((process, ours))
        ours.send([str(entry) for entry in sys.path])
        self._own.connection = ours

    def submit(self, key: str, packed: bytes) -> Future[bytes | None]:
        """Have a helper compile a kernel; the result is its payload, or None if that failed."""
        return self._threads.submit(self._ask, key, packed)

    def _ask(self, key: str, packed: bytes) -> bytes | None:
        try:
            self._own.connection.send((key, packed))
            answer: bytes | None = self._own.connection.recv()
            return answer
        except (EOFError, OSError):  # it has been closed or killed
            return None

    def close(self) -> None:
        """End all helpers at once; what they had not finished is lost."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process, _ in self._started:
            process.kill()
        for process, _ in self._started:
            process.wait()
        self._threads.shutdown(wait=True)
        for _, connection in self._started:
            connection.close()


def serve(leader: Connection, pid: int) -> None:
    """Compile what the leader sends, until it closes the connection or ends."""
    die_with_parent(pid)
    imported()
    # Imported here: the leader, which imports this module, must not wait for them.
    from strads.engine.compiling import bytes as codebytes
    from strads.engine.compiling.compile import compile_kernel

    with contextlib.suppress(EOFError, OSError):
        while True:
            key, packed = leader.recv()
            try:
                kernel = compile_kernel(*codebytes.loads(packed))
                answer = kernel.payload if kernel.key == key else None
            except Exception:  # the leader compiles it again, and raises the error where it belongs
                answer = None
            leader.send(answer)
