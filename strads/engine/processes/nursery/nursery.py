"""The nursery, the small process that forks all others: the leader's side.

The start methods ``spawn`` and ``forkserver`` of multiprocessing do not work in a script without
``if __name__ == "__main__"``, and a leader that has threads must not be forked. So the leader
starts the nursery as a command. The nursery (:mod:`strads.engine.processes.nursery.forking`) has a
single thread. It imports NumPy and Numba once, forks a child on request, and reports deaths::

    leader ──("spawn", name, ...) + one end of the child's socket────────▶ nursery
    leader ◀──pid─────────────────────────────────────────────────────────── nursery
    leader ◀──one byte on a second socket: some child has ended───────────── nursery
    leader ──("deaths",)───────────────────────────────────────────────────▶ nursery
    leader ◀──list of Death───────────────────────────────────────────────── nursery
    leader ◀──────────────── the child's own socket ───────────────────────▶ child

When the leader closes its end of the socket, or ends for whatever reason, the nursery kills and
reaps its children and exits. When the nursery ends, its children die with it.
"""

from __future__ import annotations

import contextlib
import errno
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

from strads.engine import interrupts
from strads.engine.errors import StradsError, WorkerDied
from strads.engine.processes.messages import STALE, Channel, readable, socketpair
from strads.engine.processes.nursery.process import (
    PATIENCE_S,
    end_process,
    kill_group,
    send_path,
    start_process,
)
from strads.engine.processes.stalls import Stalls


class CannotStart(StradsError, RuntimeError):
    """A process cannot be started; the message says why, and what to do.

    Parameters
    ----------
    message : str
    number : int, optional
        The system's number of the error.
    """

    def __init__(self, message: str, number: int | None = None) -> None:
        limit = {errno.EMFILE: "open files (ulimit -n)", errno.EAGAIN: "processes (ulimit -u)"}
        remedy = f"; raise the limit on {limit[number]}" if number in limit else ""
        super().__init__(f"{message}{remedy}, or use one worker" if remedy else message)


@dataclass(frozen=True)
class Child:
    """A process that the nursery has forked.

    Attributes
    ----------
    name : str
        For messages to the user.
    pid : int
    socket : socket.socket
        The leader's end. The function that the child runs gets the other end.
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
        The signal that ended it, if one did.
    exit_code : int or None
        Its exit code, if it ended by itself.
    """

    name: str
    pid: int
    signal: int | None
    exit_code: int | None

    @classmethod
    def of(cls, name: str, pid: int, code: int) -> Death:
        """Return the death with this exit code; a negative code is the number of a signal."""
        return cls(name, pid, -code if code < 0 else None, code if code >= 0 else None)


class Nursery:
    """Forks processes in which NumPy, Numba and this package are imported already.

    One thread at a time may use it. It belongs to the process that made it; in a fork of that
    process :meth:`close` does nothing, and other methods raise an error.
    """

    def __init__(self) -> None:
        self.owner_pid = os.getpid()
        self._lost: list[Death] = []
        self._living: dict[int, str] = {}
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._end: Death | None = None
        self.stalls = Stalls()
        self._finalizer: weakref.finalize[..., Nursery] | None = None

    def start(self) -> None:
        """Start the process, and return while it still imports what its children will need.

        Raises
        ------
        CannotStart
            If the path of the Python interpreter is unknown, or at a limit on processes or files.
        """
        if not sys.executable:
            raise CannotStart("sys.executable does not say which Python to start")
        with interrupts.held():
            try:
                self._start()
            except OSError as error:
                raise CannotStart(f"cannot start {sys.executable}: {error}", error.errno) from error

    def _start(self) -> None:
        with contextlib.ExitStack() as undo:
            ours, theirs = socketpair()
            undo.enter_context(theirs)
            undo.callback(ours.close)
            deaths, deaths_nursery = socketpair()
            undo.enter_context(deaths_nursery)
            undo.callback(deaths.close)
            self.process = start_process(theirs, deaths_nursery, self.owner_pid)
            undo.pop_all()
            self.channel, self._deaths = Channel(ours), deaths
            self._sockets.update((ours, deaths))
            self._finalizer = weakref.finalize(
                self, end_process, self.owner_pid, self.process, self._sockets
            )
            _nurseries.add(self)
            theirs.close()
            deaths_nursery.close()
        with contextlib.suppress(OSError):  # the nursery has ended: the first request finds out
            send_path(ours)

    @property
    def socket(self) -> socket.socket:
        """The leader's end of the nursery's socket."""
        return self.channel.socket

    def fileno(self) -> int:
        """Return a descriptor that is readable while there are deaths to report."""
        return self._deaths.fileno()

    def spawn(self, target: str, name: str, **config: Any) -> Child:
        """Fork a child that calls ``target(socket, **config)``.

        Parameters
        ----------
        target : str
            ``"module:function"``. The child imports it with the current folder and ``sys.path``
            that this process has now.
        name : str
            For messages to the user.
        **config : picklable
            Arguments of the function.

        Returns
        -------
        child : Child

        Raises
        ------
        WorkerDied
            If the nursery has ended.
        StradsError
            If the child cannot be forked, the nursery is closed, or another process made it.
        """
        self._check()
        # Pickled here and unpickled in the child: the nursery must not import these modules.
        order = pickle.dumps((target, config))
        place = (_current_folder(), [str(entry) for entry in sys.path])
        with interrupts.held():
            try:
                ours, theirs = socketpair()
            except OSError as error:  # too many open files
                raise CannotStart(f"{name} could not be started: {error}", error.errno) from error
            self._sockets.add(ours)
            with theirs:
                reply = self._ask(("spawn", name, place, order), [theirs.fileno()])
            if self._end is not None or not isinstance(reply, int):
                ours.close()
                self._check()
                why, number = reply
                raise CannotStart(f"{name} could not be started: {why}", number)
            self._living[reply] = name
            return Child(name, reply, ours)

    def warm(self, modules: Sequence[str]) -> None:
        """Have the nursery import modules, so that later children have them; does not wait for it.

        Only for modules that nobody edits meanwhile, and that start no threads.
        """
        self._check()
        with interrupts.held():
            self._ask(("warm", list(modules)))

    def deaths(self) -> list[Death]:
        """Return the deaths reported since the last call, without waiting.

        If the nursery itself has ended, its death and those of all its children are among them.
        """
        if os.getpid() != self.owner_pid:
            return []
        found: list[Death] = []
        with interrupts.held():
            if self._end is None and self._open and readable(self._deaths):
                # There is no byte if the nursery has ended; then the request fails.
                self._deaths.recv(1)
                found = self._ask(("deaths",)) or []
            for death in found:
                self._living.pop(death.pid, None)
            lost, self._lost = self._lost, []
        return found + lost

    def close(self, *, at_once: bool = False) -> None:
        """End all children and the nursery; safe to call twice.

        With `at_once` the nursery and its children are killed, without time to end by themselves.
        """
        with interrupts.held():
            if self._finalizer is not None and self._finalizer.alive:
                if at_once:
                    kill_group(self.process.pid)
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
        except BaseException:  # an interrupt, before the nursery has answered
            self.close(at_once=True)
            raise

    def _reply(self) -> Any:
        poll = select.poll()  # unlike select.select, takes descriptors of any number
        poll.register(self.channel, select.POLLIN)
        self.stalls.begin()
        while True:
            self.stalls.look([("nursery", self.process.pid, "")])
            if poll.poll(interrupts.TICK_S * 1000):
                reply = self.channel.take()
                if reply is not STALE:
                    return reply
            interrupts.check()

    def _lose_all(self) -> None:
        """Note that the nursery has ended, and make sure that its children have ended, too."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        kill_group(self.process.pid)
        self._end = Death.of("nursery", self.process.pid, code)
        lost = (Death(name, pid, signal.SIGKILL, None) for pid, name in self._living.items())
        self._lost += [self._end, *lost]
        self._living.clear()


def _current_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return None


def _abandon() -> None:
    """In a fork of the leader, close its sockets: else a nursery would not notice its end."""
    for nursery in list(_nurseries):
        for end in list(nursery._sockets):
            end.close()


_nurseries: weakref.WeakSet[Nursery] = weakref.WeakSet()
os.register_at_fork(after_in_child=_abandon)
