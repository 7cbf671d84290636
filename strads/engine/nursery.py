"""A small single-threaded parent process for workers: the leader's side.

Neither ``spawn`` nor ``forkserver`` of multiprocessing works from an unguarded script, and a
leader with threads must not be forked. So the leader starts a process of our own as a command
(:mod:`strads.engine.forking`); it imports NumPy and Numba once, forks a warm child on request
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
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strads.engine.errors import StradsError, WorkerDied
from strads.engine.messages import receive, send

#: BLAS and OpenMP read these when they are loaded, which is before a child could change them.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PATIENCE_S = 10.0


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
        """Start the process and return at once; it is warm when the first child is there."""
        ours, theirs = socket.socketpair()
        bell, rope = socket.socketpair()
        path = [str(entry) for entry in sys.path]
        code = (
            f"import sys; sys.path[:] = {path!r}; from strads.engine.forking import serve; "
            f"serve({theirs.fileno()}, {rope.fileno()}, {self.owner_pid})"
        )
        with theirs, rope:
            # A session of its own: Ctrl-C in the terminal is the leader's business.
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno(), rope.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1")},
                start_new_session=True,
            )
        self.socket, self.bell = ours, bell
        self._sockets.update((ours, bell))
        self._finalizer = weakref.finalize(
            self, _finish, self.owner_pid, self.process, self._sockets
        )
        _nurseries.add(self)

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
        ours, theirs = socket.socketpair()
        self._sockets.add(ours)
        with theirs:
            reply = self._ask(("spawn", name, place, order), [theirs.fileno()])
        if self._end is not None or isinstance(reply, str):
            ours.close()
            self._check()
            raise StradsError(f"{name} could not be started: {reply}")
        self._living[reply] = name
        return Child(name, reply, ours)

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
        if self._end is None and self._open and _readable(self.bell):
            self.bell.recv(1)  # nothing, if the nursery has ended; then the request finds out
            found = self._ask(("deaths",)) or []
        for death in found:
            self._living.pop(death.pid, None)
        lost, self._lost = self._lost, []
        return found + lost

    def close(self) -> None:
        """End all children and the nursery; safe to call twice."""
        if self._finalizer is not None:
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
            send(self.socket, request, descriptors)
            return receive(self.socket)[0]
        except (EOFError, OSError):
            self._lose_all()
            return None
        except BaseException:  # an interrupt, perhaps amid a message: nothing is sure any more
            self.close()
            raise

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


def _readable(sock: socket.socket) -> bool:
    poll = select.poll()  # unlike select.select, good for any descriptor number
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
        end.close()
    try:
        process.wait(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
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
