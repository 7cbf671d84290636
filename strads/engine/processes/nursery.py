"""A small single-threaded parent process for workers: the leader's side.

Neither ``spawn`` nor ``forkserver`` of multiprocessing works from an unguarded script, and a
leader with threads must not be forked. So the leader starts a process of our own as a command
(:mod:`strads.engine.processes.forking`); it imports NumPy and Numba once, forks a warm child on request
and reports deaths::

    leader ──("spawn", name, ...) + one end of the child's socket────────▶ nursery
    leader ◀──pid─────────────────────────────────────────────────────────── nursery
    leader ◀──one byte on a socket of its own, the bell: somebody has died── nursery
    leader ──("deaths",)───────────────────────────────────────────────────▶ nursery
    leader ◀──list of Death───────────────────────────────────────────────── nursery
    leader ◀──────────────── the child's own socket ───────────────────────▶ child

When the leader's end of the socket closes, or the leader ends, for whatever reason, the nursery
kills and reaps its children and leaves; when the nursery ends, its children die with it.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strads.engine import interrupts
from strads.engine.errors import StradsError, WorkerDied
from strads.engine.processes.messages import STALE, Channel, socketpair

#: BLAS and OpenMP read these when they are loaded, which is before a child could change them.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PATIENCE_S = 2.0  # for an orderly end
#: What the nursery runs first: it takes over our ``sys.path``, which may be longer than a command
#: line. With nothing but what is built in, as the folder it starts in may hold any ``pickle.py``.
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
from strads.engine.processes.forking import serve
serve({fd}, {rope}, {leader})
"""


class CannotStart(StradsError, RuntimeError):
    """No process can be started here; the message says why."""


@dataclass(frozen=True)
class Child:
    """A forked process.

    Attributes
    ----------
    name : str
    pid : int
    socket : socket.socket
        The leader's end; the child's is the first argument of its target.
    """

    name: str
    pid: int
    socket: socket.socket


@dataclass(frozen=True)
class Death:
    """How a process ended.

    Attributes
    ----------
    name : str
    pid : int
    signal : int or None
        That ended it.
    exit_code : int or None
        If it ended by itself.
    """

    name: str
    pid: int
    signal: int | None
    exit_code: int | None

    @classmethod
    def of(cls, name: str, pid: int, code: int) -> Death:
        """Make one of an exit code, which is negative for a signal."""
        return cls(name, pid, -code if code < 0 else None, code if code >= 0 else None)


class Nursery:
    """Forks warm processes for the process that started it.

    One thread at a time may use it. It belongs to the process that made it: a fork of that has
    no part in it, and its :meth:`close` does nothing.
    """

    def __init__(self) -> None:
        self.owner_pid = os.getpid()
        self._lost: list[Death] = []
        self._living: dict[int, str] = {}
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._end: Death | None = None
        self._finalizer: weakref.finalize[..., Nursery] | None = None

    def start(self) -> None:
        """Start the process and return at once; it is warm when the first child is there.

        Raises
        ------
        CannotStart
            Without an interpreter to start, or at a limit on processes or open files.
        """
        if not sys.executable:
            raise CannotStart("sys.executable does not say which Python to start")
        with interrupts.held():
            try:
                self._start()
            except OSError as error:
                raise CannotStart(f"cannot start {sys.executable}: {error}") from error

    def _start(self) -> None:
        with contextlib.ExitStack() as undo:
            ours, theirs = socketpair()
            undo.enter_context(theirs)
            undo.callback(ours.close)
            bell, rope = socketpair()
            undo.enter_context(rope)
            undo.callback(bell.close)
            code = _BEGIN.format(fd=theirs.fileno(), rope=rope.fileno(), leader=self.owner_pid)
            # A session of its own: Ctrl-C in the terminal is the leader's business.
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno(), rope.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=_standard(1),
                stderr=_standard(2),
                env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
                start_new_session=True,
            )
            undo.pop_all()
            self.channel, self.bell = Channel(ours), bell
            self._sockets.update((ours, bell))
            self._finalizer = weakref.finalize(
                self, _finish, self.owner_pid, self.process, self._sockets
            )
            _nurseries.add(self)
            theirs.close()
            rope.close()
        path = marshal.dumps([str(entry) for entry in sys.path])
        with contextlib.suppress(OSError):  # it has ended: the first request finds out
            ours.sendall(b"%16d" % len(path) + path)

    @property
    def socket(self) -> socket.socket:
        """The leader's end of the nursery's socket."""
        return self.channel.socket

    def fileno(self) -> int:
        """Return a descriptor that is readable while :meth:`deaths` has something to tell."""
        return self.bell.fileno()

    def spawn(self, target: str, name: str, **config: Any) -> Child:
        """Fork a child that calls ``target(socket, **config)``.

        Parameters
        ----------
        target : str
            ``"module:function"``, imported by the child, from this process's current folder and
            ``sys.path``.
        name : str
            For messages to the user.
        **config : picklable

        Returns
        -------
        child : Child

        Raises
        ------
        WorkerDied
            If the nursery has ended.
        StradsError
            If the child cannot be forked, or this nursery is closed or another process's.
        """
        self._check()
        # Bytes, for the child to read: the nursery must not import what they mention.
        order = pickle.dumps((target, config))
        place = (_current_folder(), [str(entry) for entry in sys.path])
        with interrupts.held():
            try:
                ours, theirs = socketpair()
            except OSError as error:  # too many open files
                raise CannotStart(f"{name} could not be started: {error}") from error
            self._sockets.add(ours)
            with theirs:
                reply = self._ask(("spawn", name, place, order), [theirs.fileno()])
            if self._end is not None or isinstance(reply, str):
                ours.close()
                self._check()
                raise CannotStart(f"{name} could not be started: {reply}")
            self._living[reply] = name
            return Child(name, reply, ours)

    def warm(self, modules: Sequence[str]) -> None:
        """Have children find these modules imported, from the next one on; returns at once.

        For modules that nobody edits while we run, and that start no threads.
        """
        self._check()
        with interrupts.held():
            self._ask(("warm", list(modules)))

    def kill(self, child: Child) -> None:
        """Kill a child; its death is reported like any other."""
        self._check()
        self._ask(("kill", child.pid))

    def deaths(self) -> list[Death]:
        """Return deaths reported since the last call, without waiting.

        If the nursery itself has ended, that and the deaths of all its children are among them.
        """
        if os.getpid() != self.owner_pid:
            return []
        found: list[Death] = []
        with interrupts.held():
            if self._end is None and self._open and _readable(self.bell):
                self.bell.recv(1)  # nothing, if the nursery has ended; then the request finds out
                found = self._ask(("deaths",)) or []
            for death in found:
                self._living.pop(death.pid, None)
            lost, self._lost = self._lost, []
        return found + lost

    def close(self, *, at_once: bool = False) -> None:
        """End all children and the nursery; safe to call twice.

        ``at_once`` does not wait for the nursery to end its children and count them out.
        """
        with interrupts.held():
            if self._finalizer is not None and self._finalizer.alive:
                if at_once:
                    _kill_group(self.process.pid)
                self._finalizer()

    @property
    def _open(self) -> bool:
        return self._finalizer is not None and self._finalizer.alive

    def _check(self) -> None:
        if os.getpid() != self.owner_pid:
            raise StradsError("worker processes do not survive a fork: make a new engine")
        if self._end is not None:
            end = self._end
            raise WorkerDied(end.name, end.pid, end.signal, end.exit_code)
        if not self._open:
            raise StradsError("the worker processes have been closed: make a new engine")

    def _ask(self, request: Any, descriptors: Sequence[int] = ()) -> Any:
        """Return the nursery's reply, or None if it has ended."""
        try:
            self.channel.ask(request, descriptors)
            return self._reply()
        except (EOFError, OSError):
            self._lose_all()
            return None
        except BaseException:  # an interrupt while it was not answering
            self.close(at_once=True)
            raise

    def _reply(self) -> Any:
        poll = select.poll()  # unlike select.select, good for any descriptor number
        poll.register(self.channel, select.POLLIN)
        while True:
            if poll.poll(interrupts.TICK_S * 1000):
                reply = self.channel.take()
                if reply is not STALE:
                    return reply
            interrupts.check()

    def _lose_all(self) -> None:
        """Take note that the nursery has ended, and see to it that its children have, too."""
        try:
            code = self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        _kill_group(self.process.pid)
        self._end = Death.of("nursery", self.process.pid, code)
        lost = (Death(name, pid, signal.SIGKILL, None) for pid, name in self._living.items())
        self._lost += [self._end, *lost]
        self._living.clear()


def _standard(fd: int) -> int | None:
    """Where the nursery's output goes: where ours goes, or nowhere if a daemon has closed it."""
    try:
        os.fstat(fd)
    except OSError:
        return subprocess.DEVNULL
    return None


def _readable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _current_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return None


def _finish(
    owner_pid: int,
    process: subprocess.Popen[bytes],
    sockets: weakref.WeakSet[socket.socket],
) -> None:
    if os.getpid() != owner_pid:
        return
    for end in list(sockets):
        # Another thread may be waiting at it, and its number may soon be another file's.
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
    until = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < until and not interrupts.pending():
        time.sleep(0.001)
    if process.poll() is None:
        _kill_group(process.pid)
        process.wait()


def _kill_group(pid: int) -> None:
    # The nursery leads a process group of its own, in which all its children are.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _abandon() -> None:
    """In a fork of the leader: let go of its sockets, or its end would go unnoticed."""
    for nursery in list(_nurseries):
        for end in list(nursery._sockets):
            end.close()


_nurseries: weakref.WeakSet[Nursery] = weakref.WeakSet()
os.register_at_fork(after_in_child=_abandon)
