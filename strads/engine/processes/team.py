"""The processes of an engine: a nursery, its workers, and the segments they have mapped.

A team outlives fits. While the leader waits for replies it sleeps, but for a look at Ctrl-C
every now and then; a death or an error frees everybody else through the run's abort words.

A run borrows the team and hands it back in order, or the team is given up: all that an error, a
death or an interrupt may have left undone goes with the processes, at once.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from strads.engine import interrupts
from strads.engine.errors import StradsError, WorkerDied
from strads.engine.memory.pool import Pool
from strads.engine.platform import available_cores
from strads.engine.processes.member import Member, Request
from strads.engine.processes.messages import STALE
from strads.engine.processes.nursery import Death, Nursery

PATIENCE_S = 5.0  # how long freed processes may take to answer before they are killed
#: The same after Ctrl-C: fresh processes are there in less time than many a kernel takes to end.
INTERRUPTED_S = 1.0


class Team:
    """Worker processes that fits share.

    Parameters
    ----------
    workers : int

    Attributes
    ----------
    lent : bool
        A run has it. Only one that hands it back in order says that it has not.
    broken : bool
        Replies may be missing, or processes: good for nothing but to be closed.
    """

    def __init__(self, workers: int) -> None:
        self.size = workers
        self.pool = Pool()
        self.owner_pid = os.getpid()
        self.lent = self.broken = self.closed = False
        self.workers: list[Member] = []
        self.scheduler: Member | None = None
        self.trusted = False  # the scheduler has seen no code but ours
        self._poll: Any = None
        self._watched: dict[int, Member] = {}
        self.nursery = Nursery()
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Start a nursery and all workers."""
        with interrupts.held():
            self._poll = None
            self._warmed = False
            self.nursery = Nursery()
            self.nursery.start()
            self.scheduler = None
            self.workers = []
            self.workers += [self._worker(p) for p in range(self.size)]

    def _worker(self, index: int) -> Member:
        # With fewer cores than workers the kernel does better than we would.
        pin = self.size <= available_cores()
        target = "strads.engine.processes.worker:main"
        return Member(self.nursery.spawn(target, name=f"worker {index}", index=index, pin=pin))

    @property
    def usable(self) -> bool:
        """Whether the next fit may use this team."""
        return not (self.broken or self.lent or self.closed) and self.owner_pid == os.getpid()

    @property
    def members(self) -> list[Member]:
        """Workers, and the scheduler if there is one."""
        return self.workers if self.scheduler is None else [*self.workers, self.scheduler]

    def mend(self) -> None:
        """Replace processes that have died while nobody used them."""
        with interrupts.held():
            self.broken = True
            if _ended(self.nursery.socket):
                self.nursery.close()
                self._begin()
            elif gone := [m for m in self.members if _ended(m.channel.socket)]:
                self._poll = None
                if self.scheduler in gone:
                    self.end_scheduler()
                for member in gone:
                    if member in self.workers:
                        member.channel.socket.close()
                        index = self.workers.index(member)
                        self.workers[index] = self._worker(index)
            self.broken = False

    def new_scheduler(self, *, trusted: bool) -> Member:
        """Return a scheduler process.

        A trusted one runs code of this package only and is kept for the next program; another
        is forked afresh, so that it never keeps stale code.
        """
        if trusted and self.scheduler is not None and self.trusted:
            return self.scheduler
        with interrupts.held():
            self.end_scheduler()
            if not trusted:
                self._warm_for_users()
            target = "strads.engine.processes.scheduler:main"
            self.scheduler = Member(self.nursery.spawn(target, name="scheduler"))
            self.trusted = trusted
        return self.scheduler

    def _warm_for_users(self) -> None:
        """Have a fresh scheduler find imported what a user's module may import of ours.

        ``from strads import *`` imports the estimators, and with them scikit-learn: most of a
        second, for every run whose schedule stands in such a module.
        """
        ours = [name for name in sys.modules if name.startswith("strads.algorithms.")]
        if ours and not self._warmed:
            self._warmed = True
            self.nursery.warm(ours)

    def end_scheduler(self) -> None:
        """End the scheduler of the last program; it leaves when its socket closes."""
        with interrupts.held():
            self._poll = None
            if self.scheduler is not None:
                self.scheduler.channel.socket.close()
                self.scheduler = None

    # -- asking --------------------------------------------------------------------------------

    def ask(self, requests: Sequence[Request], free: Callable[[], None]) -> dict[str, Any]:
        """Send requests and wait for every reply.

        Parameters
        ----------
        requests : sequence of Request
        free : callable
            Sets the abort words of the run, so that nobody goes on waiting.

        Returns
        -------
        dict of name to the content of the reply

        Raises
        ------
        WorkerDied, KernelError, or another error of this package
            After everybody else has answered; the team is broken after a death.
        """
        self._demand_open()
        waiting = {request.member.name: request for request in requests}
        replies: dict[str, Any] = {}
        failure: Exception | None = None
        with interrupts.held():
            self.broken = True  # until everybody has answered
            deaths = False
            try:
                for request in requests:
                    try:
                        request.member.channel.ask(request.message, request.descriptors)
                    except OSError:  # it died: the nursery is about to tell why
                        pass
                since = time.monotonic()
                while waiting:
                    found = self._collect(waiting, replies, interrupts.TICK_S)
                    if found is not None:
                        deaths = deaths or isinstance(found, WorkerDied)
                        if failure is None:
                            failure, since = found, time.monotonic()
                            free()
                    if failure is None:
                        interrupts.check()
                    elif interrupts.pending() or time.monotonic() - since > PATIENCE_S:
                        raise failure  # freed, and still silent
            except BaseException as error:
                free()
                if error is not failure:
                    self._drain(waiting, deaths)
                raise
            self.broken = deaths
        if failure is not None:
            raise failure
        return replies

    def _collect(
        self, waiting: dict[str, Request], replies: dict[str, Any], patience: float
    ) -> Exception | None:
        """Take what comes in; return the first failure."""
        failure: Exception | None = None
        for fd, _ in self._polled().poll(patience * 1000):
            member = self._watched.get(fd)
            found = None
            if member is None:
                found = self._mourn(waiting)
            elif member.name in waiting or member in self.members:
                found = self._take(member, waiting, replies)
            failure = failure or found
        return failure

    def _polled(self) -> Any:
        """Return what waits for the nursery's bell and everybody's socket."""
        if self._poll is None:
            self._poll = select.poll()  # unlike select.select, good for any descriptor number
            self._watched = {member.channel.fileno(): member for member in self.members}
            for source in (self.nursery, *self._watched):
                self._poll.register(source, select.POLLIN)
        return self._poll

    def _take(
        self, member: Member, waiting: dict[str, Request], replies: dict[str, Any]
    ) -> Exception | None:
        try:
            reply = member.channel.take()
        except (EOFError, OSError):
            return self._await_death(member, waiting)
        if reply is STALE or member.name not in waiting:
            return None
        request = waiting.pop(member.name)
        status, content = reply
        if status == "error":
            return content.error(member.name)
        request.done()
        replies[member.name] = content
        return None

    def _mourn(self, waiting: dict[str, Request]) -> Exception | None:
        """Turn reported deaths of ours into an error; old schedulers leave in peace."""
        return self._blame(self.nursery.deaths(), waiting)

    def _blame(self, deaths: Sequence[Death], waiting: dict[str, Request]) -> Exception | None:
        """Return the error for the death that explains the others."""
        current = {member.pid: member for member in self.members}
        failure: Exception | None = None
        for death in deaths:
            nursery = death.pid == self.nursery.process.pid  # its children die with it
            if not nursery and death.pid not in current:
                continue
            if nursery:
                waiting.clear()
            else:
                self._forget(current[death.pid], waiting)
            died = WorkerDied(death.name, death.pid, death.signal, death.exit_code)
            failure = died if nursery else failure or died
        return failure

    def _await_death(self, member: Member, waiting: dict[str, Request]) -> Exception | None:
        """Wait for the nursery's word on a process whose socket has closed."""
        self._forget(member, waiting)
        self._demand_open()
        bell = select.poll()
        bell.register(self.nursery, select.POLLIN)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and not interrupts.pending():
            if bell.poll(interrupts.TICK_S * 1000):
                failure = self._blame(self.nursery.deaths(), waiting)
                if failure is not None:
                    return failure
        return WorkerDied(member.name, member.pid, None, None)

    def _forget(self, member: Member, waiting: dict[str, Request]) -> None:
        """Wait no longer for one that has died."""
        waiting.pop(member.name, None)
        fd = member.channel.fileno()
        if self._watched.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def _drain(self, waiting: dict[str, Request], deaths: bool) -> None:
        """After an interrupt: let everybody come back, so that the team is whole again.

        Unless another interrupt comes first, or somebody takes too long.
        """
        until = time.monotonic() + INTERRUPTED_S
        while waiting and not deaths:
            if interrupts.pending() or time.monotonic() > until:
                return
            deaths = isinstance(self._collect(waiting, {}, interrupts.TICK_S), WorkerDied)
        self.broken = deaths

    def _demand_open(self) -> None:
        if self.owner_pid != os.getpid():
            raise StradsError("worker processes do not survive a fork: start the run anew")
        if self.closed:
            raise StradsError("the engine was closed while this run was open: start it anew")

    def close(self) -> None:
        """End every process and release every segment."""
        with interrupts.held():
            self.broken = self.closed = True
            if self.owner_pid == os.getpid():
                try:
                    self.nursery.close(at_once=interrupts.pending())
                finally:
                    self.pool.close()


def _ended(sock: Any) -> bool:
    """Whether a process that nobody has asked anything has closed its socket, which is to end."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
