"""The processes of an engine: a nursery, the workers and a scheduler, and their segments.

A team serves one run after another. A run that ends as planned gives the team back. After any
other end, such as an error, a death or an interrupt, the team is closed: its processes end, and
with them everything that they may have left unfinished.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from strads.engine import interrupts
from strads.engine.errors import StradsError
from strads.engine.memory.pool import Pool
from strads.engine.platform import available_cores
from strads.engine.processes.exchange import Exchange, Watch
from strads.engine.processes.member import Member, Request
from strads.engine.processes.messages import ended
from strads.engine.processes.nursery.nursery import Nursery
from strads.engine.processes.stalls import Stalls


class Team:
    """A nursery, workers and a scheduler, which serve one run at a time.

    Parameters
    ----------
    workers : int
        Number of worker processes.

    Attributes
    ----------
    lent : bool
        Whether a run has the team. It stays true if the run fails to give the team back.
    broken : bool
        Whether processes or replies may be missing: such a team can only be closed.
    """

    def __init__(self, workers: int) -> None:
        self.size = workers
        self.pool = Pool()
        self.owner_pid = os.getpid()
        self.lent = self.broken = self.closed = False
        self.workers: list[Member] = []
        self.scheduler: Member | None = None
        self._silent: list[Member] = []  # who has not answered the last requests
        self._stalls = Stalls()
        self.trusted = False  # whether the scheduler has run code of this package only
        self._watch: Watch | None = None
        self.nursery = Nursery()
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Start the nursery and all workers."""
        with interrupts.held():
            self._watch = None
            self._warmed = False
            self.nursery = Nursery()
            self.nursery.stalls = self._stalls
            self.nursery.start()
            self.scheduler = None
            self.workers = []
            self.workers += [self._worker(p) for p in range(self.size)]

    def _worker(self, index: int) -> Member:
        # With fewer cores than workers, the operating system shares them out better.
        pin = self.size <= available_cores()
        target = "strads.engine.processes.children.worker:main"
        return Member(self.nursery.spawn(target, name=f"worker {index}", index=index, pin=pin))

    @property
    def usable(self) -> bool:
        """Whether the next run may use this team."""
        return not (self.broken or self.lent or self.closed) and self.owner_pid == os.getpid()

    @property
    def members(self) -> list[Member]:
        """The workers, and the scheduler if there is one."""
        return self.workers if self.scheduler is None else [*self.workers, self.scheduler]

    def mend(self) -> None:
        """Replace processes that have died, and those that did not answer the last requests.

        Members that stay have answered everything. New ones know of no program.
        """
        with interrupts.held():
            self.broken = True
            for member in self._silent:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member.pid, signal.SIGKILL)
            silent, self._silent = self._silent, []
            if ended(self.nursery.socket):
                self.nursery.close()
                self._begin()
            elif gone := [m for m in self.members if m in silent or ended(m.channel.socket)]:
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
        """Return a scheduler process for the next program.

        A trusted scheduler runs code of this package only and serves later programs, too. Any
        other is forked for one program, because it would not see later edits of a user's code.
        """
        if trusted and self.scheduler is not None and self.trusted:
            return self.scheduler
        with interrupts.held():
            self.end_scheduler()
            if not trusted:
                self._warm_for_users()
            target = "strads.engine.processes.children.scheduler:main"
            self.scheduler = Member(self.nursery.spawn(target, name="scheduler"))
            self.trusted = trusted
        return self.scheduler

    def _warm_for_users(self) -> None:
        """Have the nursery import the estimators, which modules of users may import.

        ``from strads import *`` imports them and with them scikit-learn, which takes most of a
        second: a new scheduler would spend it in every run whose schedule is in such a module.
        """
        ours = [name for name in sys.modules if name.startswith("strads.algorithms.")]
        if ours and not self._warmed:
            self._warmed = True
            self.nursery.warm(ours)

    def end_scheduler(self) -> None:
        """Close the scheduler's socket, upon which it ends by itself."""
        with interrupts.held():
            self._watch = None
            if self.scheduler is not None:
                self.scheduler.channel.socket.close()
                self.scheduler = None

    # -- asking --------------------------------------------------------------------------------

    def ask(self, requests: Sequence[Request], abort: Callable[[], None]) -> dict[str, Any]:
        """Send requests, at most one to each member, and wait for all replies.

        Parameters
        ----------
        requests : sequence of Request
        abort : callable
            Sets the abort words of the launch, so that no process goes on waiting for another.

        Returns
        -------
        dict
            Contents of the replies, by the name of the member.

        Raises
        ------
        WorkerDied
            If a process has died, when all others have answered. The team is then broken.
        StradsError
            If a member has answered with an error, when all others have answered.
        """
        self.demand_open()
        with interrupts.held():
            self.broken = True  # until all members have answered
            exchange = Exchange(
                self.nursery, self.watch, self.members, self.demand_open, requests, abort,
                self.stalls,
            )  # fmt: skip
            try:
                replies, failure = exchange.finish()
            finally:
                self.broken = exchange.broken
                self._silent = [request.member for request in exchange.waiting.values()]
        if failure is not None:
            raise failure
        return replies

    @property
    def stalls(self) -> Stalls:
        """Looks after processes that do nothing."""
        return self._stalls

    @stalls.setter
    def stalls(self, stalls: Stalls) -> None:
        self._stalls = self.nursery.stalls = stalls

    @property
    def watch(self) -> Watch:
        """The present members and the nursery, to be waited for."""
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
