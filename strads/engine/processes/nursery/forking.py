"""The nursery process: forks children on request until the leader ends.

See :mod:`strads.engine.processes.nursery.nursery` for the leader's side. This process never starts
a thread: a fork copies only the thread that calls it, and a lock that another thread holds at that
moment stays locked in the child for ever.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import os
import pickle
import select
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from strads.engine.platform import die_with_parent, imported, process_descriptor
from strads.engine.processes.messages import receive, send, socketpair
from strads.engine.processes.nursery.nursery import Death

#: The leader's current folder and its ``sys.path``.
_Place = tuple[str | None, list[str]]


def serve(fd: int, deaths_fd: int, leader_pid: int) -> NoReturn:
    """Fork children until the leader's socket closes or the leader ends.

    Parameters
    ----------
    fd : int
        Descriptor of the nursery's end of the socket for requests.
    deaths_fd : int
        Descriptor of the nursery's end of the socket by which it reports deaths.
    leader_pid : int
    """
    # Signals to the whole group, of a terminal or of a batch system, are for the leader to answer:
    # it may want to save something first. This process ends when the leader does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    forker = _Forker(socket.socket(fileno=fd), socket.socket(fileno=deaths_fd), leader_pid)
    code = 1
    try:
        _warm()
        imported()
        forker.run()
        code = 0
    except (EOFError, BrokenPipeError, ConnectionResetError):  # the leader has closed
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        forker.kill_all()
        os._exit(code)  # because an orderly exit with so many modules takes 0.3 s


class _Forker:
    def __init__(self, leader: socket.socket, deaths: socket.socket, leader_pid: int) -> None:
        self.leader, self.deaths = leader, deaths
        self.leader_pid = leader_pid
        self.names: dict[int, str] = {}
        self.dead: list[Death] = []
        self.wake, self.waker = socketpair()
        for end in (self.wake, self.waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # The leader's end of the socket may stay open after the leader has ended, if another
        # process has inherited it; this descriptor then tells that the leader has ended.
        self.leader_end = process_descriptor(leader_pid)

    def run(self) -> None:
        poll = select.poll()
        for source in (self.leader.fileno(), self.wake.fileno(), self.leader_end):
            if source is not None:
                poll.register(source, select.POLLIN)
        while os.getppid() == self.leader_pid:
            ready = {source for source, _ in poll.poll()}
            if self.leader_end in ready:
                return
            if self.wake.fileno() in ready:
                with contextlib.suppress(BlockingIOError):
                    self.wake.recv(4096)
                self.reap()
            if self.leader.fileno() in ready:
                self.obey()

    def obey(self) -> None:
        """Carry out one request of the leader."""
        (number, (word, *content)), descriptors = receive(self.leader)
        reply: Any = None
        if word == "spawn":
            reply = self.fork(descriptors[0], *content)
        elif word == "deaths":
            reply, self.dead = self.dead, []
        send(self.leader, (number, reply))
        if word == "warm":
            _import(*content)

    def fork(self, fd: int, name: str, place: _Place, order: bytes) -> int | tuple[str, int | None]:
        """Fork a child; return its process id, or the error's message and number if that fails."""
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # a limit on processes
            return str(error), error.errno
        finally:
            if os.getpid() == parent:
                os.close(fd)
        if pid == 0:
            self.become(parent, fd, place, order)
        self.names[pid] = name
        return pid

    def become(self, parent: int, fd: int, place: _Place, order: bytes) -> NoReturn:
        """Do in the child what it was forked for, and exit."""
        code = 1
        try:
            die_with_parent(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (self.leader, self.deaths, self.wake, self.waker):
                end.close()
            if self.leader_end is not None:
                os.close(self.leader_end)
            faulthandler.enable(2)
            _carry_out(place, order, socket.socket(fileno=fd))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
            os._exit(code)

    def reap(self) -> None:
        """Note which children have ended; tell the leader, unless it has yet to ask about some."""
        while self.names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            self.dead.append(Death.of(self.names.pop(pid), pid, code))
            if len(self.dead) == 1:
                self.deaths.send(b"!")

    def kill_all(self) -> None:
        for pid in self.names:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in self.names:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _carry_out(place: _Place, order: bytes, sock: socket.socket) -> None:
    """Call the function that an order names, in a child, with the leader's folder and path."""
    folder, sys.path[:] = place
    if folder is not None:
        with contextlib.suppress(OSError):
            os.chdir(folder)
    target, config = pickle.loads(order)  # may import modules from that place
    module, function = target.split(":")
    getattr(importlib.import_module(module), function)(sock, **config)


def _import(modules: list[str]) -> None:
    """Import modules that children may need; skip those that cannot be imported."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _warm() -> None:
    """Import, compile and call what children will use, so that they need not do it."""
    import numpy as np
    from numba.core import config

    from strads.engine.compiling.clock import clock

    for kind in ("worker", "scheduler"):
        importlib.import_module(f"strads.engine.processes.children.{kind}")
    if not config.DISABLE_JIT:  # type: ignore[attr-defined]
        word, wake = np.zeros(16, np.int64), np.zeros(64, np.int64)
        clock().advance(word, 1, wake)
        clock().await_alone(word, 1, 1, wake)
        clock().abort(wake)
    gc.collect()
    gc.freeze()  # else a garbage collection in a child would write to, and so copy, every page
