"""The processes of an engine: a nursery, its workers, and the segments they have mapped.

A team outlives fits. While the leader waits for replies it sleeps, but for a look at Ctrl-C
every now and then; a death or an error frees everybody else through the run's abort words.

A run borrows the team and hands it back in order, or the team is given up: all that an error, a
death or an interrupt may have left undone goes with the processes, at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from strads.engine import interrupts
from strads.engine.errors import StradsError
from strads.engine.memory.store import Pool
from strads.engine.platform import available_cores
from strads.engine.processes.exchange import Exchange, Watch
from strads.engine.processes.member import Member, Request
from strads.engine.processes.messages import ended
from strads.engine.processes.nursery import Nursery


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
        self._watch: Watch | None = None
        self.nursery = Nursery()
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Start a nursery and all workers."""
        with interrupts.held():
            self._watch = None
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
            if ended(self.nursery.socket):
                self.nursery.close()
                self._begin()
            elif gone := [m for m in self.members if ended(m.channel.socket)]:
                self._watch = None
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
            self._watch = None
            if self.scheduler is not None:
                self.scheduler.channel.socket.close()
                self.scheduler = None

    # -- asking --------------------------------------------------------------------------------

    def ask(self, requests: Sequence[Request], abort: Callable[[], None]) -> dict[str, Any]:
        """Send requests and wait for every reply.

        Parameters
        ----------
        requests : sequence of Request
        abort : callable
            Sets the abort words of the launch, so that no process goes on waiting for another.

        Returns
        -------
        dict of name to the content of the reply

        Raises
        ------
        WorkerDied, KernelError, or another error of this package
            After everybody else has answered; the team is broken after a death.
        """
        self.demand_open()
        with interrupts.held():
            self.broken = True  # until everybody has answered
            exchange = Exchange(self, requests, abort)
            replies, failure = exchange.finish()
            self.broken = exchange.deaths
        if failure is not None:
            raise failure
        return replies

    @property
    def watch(self) -> Watch:
        """What waits for a message of any member, or of the nursery."""
        if self._watch is None:
            self._watch = Watch(self.nursery, self.members)
        return self._watch

    def demand_open(self) -> None:
        """Raise an error unless this process may use the team."""
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
