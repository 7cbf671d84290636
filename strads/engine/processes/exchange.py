"""An exchange: requests to members of a team, and the wait until all of them are answered.

The leader sleeps while it waits, and looks for Ctrl-C every now and then. When a process dies or
answers with an error, the others may be waiting for that process. So the leader then sets the
abort words of the launch, and waits until all other processes have answered.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from strads.engine import interrupts
from strads.engine.errors import WorkerDied
from strads.engine.processes.member import Member, Request
from strads.engine.processes.messages import STALE
from strads.engine.processes.nursery.nursery import Death, Nursery
from strads.engine.processes.stalls import Stalls

#: Seconds that processes have to answer after an abort, before they are killed.
PATIENCE_S = 5.0
#: The same after Ctrl-C: to start new processes takes less time than many kernels take to end.
INTERRUPTED_S = 1.0


class Watch:
    """Waits for messages of all members of a team, and for deaths that its nursery reports."""

    def __init__(self, nursery: Nursery, members: Sequence[Member]) -> None:
        self._poll = select.poll()  # unlike select.select, takes descriptors of any number
        self._members = {member.channel.fileno(): member for member in members}
        for fd in (nursery.fileno(), *self._members):
            self._poll.register(fd, select.POLLIN)

    def ready(self, seconds: float) -> Iterator[Member | None]:
        """Wait at most so long; yield each member that has sent something, and None for deaths."""
        for fd, _ in self._poll.poll(seconds * 1000):
            yield self._members.get(fd)

    def forget(self, member: Member) -> None:
        """Stop waiting for messages of this member."""
        fd = member.channel.fileno()
        if self._members.pop(fd, None) is not None:
            self._poll.unregister(fd)


class Exchange:
    """Requests to members of a team, at most one to each.

    Parameters
    ----------
    nursery : Nursery
    watch : Watch
        Of all members of the team.
    members : sequence of Member
    demand_open : callable
        Raises an error if the team was closed meanwhile.
    requests : sequence of Request
    abort : callable
        Sets the abort words of the launch.
    stalls : Stalls
        Looks after processes that do nothing.

    Attributes
    ----------
    waiting : dict of str to Request
        Requests that are not answered yet, by the name of the member.
    deaths : bool
        Whether a process has died.
    broken : bool
        Whether the team must be renewed: a process has died, or has not answered.
    """

    def __init__(
        self, nursery: Nursery, watch: Watch, members: Sequence[Member],
        demand_open: Callable[[], None], requests: Sequence[Request], abort: Callable[[], None],
        stalls: Stalls,
    ) -> None:  # fmt: skip
        self.nursery, self.watch, self.members = nursery, watch, members
        self.demand_open = demand_open
        self.requests = requests
        self.abort, self.stalls = abort, stalls
        self.waiting = {request.member.name: request for request in requests}
        self.replies: dict[str, Any] = {}
        self.deaths, self.broken = False, True

    def finish(self) -> tuple[dict[str, Any], Exception | None]:
        """Send all requests and wait until each is answered or its member has died.

        Returns
        -------
        replies : dict
            Contents of the replies, by the name of the member.
        failure : Exception or None
            The first error, or the death that explains the others.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, after members have had :data:`INTERRUPTED_S` to answer. The team is broken
            unless they did.
        StradsError
            The first failure, if some member has not answered :data:`PATIENCE_S` after it.
        """
        failure: Exception | None = None
        try:
            for request in self.requests:
                try:
                    request.member.channel.ask(request.message, request.descriptors)
                except OSError:  # it has died, or stands still with half a message
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(request.member.pid, signal.SIGKILL)
            since = time.monotonic()
            self.stalls.begin()
            while self.waiting:
                found = self._collect()
                self.stalls.look(map(_asked, self.waiting.values()))
                if found is not None and failure is None:
                    failure, since = found, time.monotonic()
                    self.abort()
                if failure is None:
                    interrupts.check()
                elif interrupts.pending() or time.monotonic() - since > PATIENCE_S:
                    raise failure  # the launch is aborted, and still some member does not answer
        except BaseException as error:
            self.abort()
            if error is not failure:
                self._drain()
            raise
        self.broken = self.deaths
        return self.replies, failure

    def _collect(self) -> Exception | None:
        """Wait a moment for messages and take those that come; return the first failure."""
        failure: Exception | None = None
        for member in self.watch.ready(interrupts.TICK_S):
            found = None
            if member is None:
                found = self._blame(self.nursery.deaths())
            elif member.name in self.waiting or member in self.members:
                found = self._take(member)
            self.deaths = self.deaths or isinstance(found, WorkerDied)
            failure = failure or found
        return failure

    def _take(self, member: Member) -> Exception | None:
        """Take the reply of a member; return an error if it reports one, or has died."""
        try:
            reply = member.channel.take()
        except (EOFError, OSError):
            return self._await_death(member)
        if reply is STALE or member.name not in self.waiting:
            return None
        request = self.waiting.pop(member.name)
        status, content = reply
        if status == "error":
            error: Exception = content.error(member.name)
            return error
        request.done()
        self.replies[member.name] = content
        return None

    def _blame(self, deaths: Sequence[Death]) -> Exception | None:
        """Return the error for the death that explains the others.

        The death of a process that is no longer in the team, such as a former scheduler, is none.
        """
        current = {member.pid: member for member in self.members}
        failure: Exception | None = None
        for death in deaths:
            nursery = death.pid == self.nursery.process.pid  # its children die with it
            if not nursery and death.pid not in current:
                continue
            if nursery:
                self.waiting.clear()
            else:
                self._forget(current[death.pid])
            died = WorkerDied(death.name, death.pid, death.signal, death.exit_code)
            failure = died if nursery else failure or died
        return failure

    def _await_death(self, member: Member) -> Exception | None:
        """Wait until the nursery reports how a member died whose socket has closed."""
        self._forget(member)
        self.demand_open()
        poll = select.poll()
        poll.register(self.nursery, select.POLLIN)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and not interrupts.pending():
            if poll.poll(interrupts.TICK_S * 1000):
                failure = self._blame(self.nursery.deaths())
                if failure is not None:
                    return failure
        return WorkerDied(member.name, member.pid, None, None)

    def _forget(self, member: Member) -> None:
        """Stop waiting for a member that has died."""
        self.waiting.pop(member.name, None)
        self.watch.forget(member)

    def _drain(self) -> None:
        """After an interrupt, wait until all have answered, so that the team can be used again.

        If another interrupt comes or a member takes too long, the team stays broken.
        """
        until = time.monotonic() + INTERRUPTED_S
        while self.waiting and not self.deaths:
            if interrupts.pending() or time.monotonic() > until:
                return
            self._collect()
        self.broken = self.deaths


def _asked(request: Request) -> tuple[str, int, str]:
    """Return who was asked what, for :class:`Stalls`."""
    member, words = request.member, request.message
    return member.name, member.pid, f" in phase {words[1]!r}" if words[0] == "launch" else ""
