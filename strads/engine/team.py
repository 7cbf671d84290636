"""The processes of an engine: a nursery, its workers, and the segments they have mapped.

A team outlives fits. The leader sleeps in ``select`` while it waits, so Ctrl-C works; a death or
an error frees everybody else through the run's abort words.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from strads.engine.compile import CompiledKernel
from strads.engine.errors import WorkerDied
from strads.engine.messages import receive, send
from strads.engine.nursery import Child, Nursery
from strads.engine.platform import available_cores
from strads.engine.store import Pool

PATIENCE_S = 5.0  # how long freed processes may take to answer before they are killed
#: A signal that the system hands to another thread does not end the leader's wait: Ctrl-C is
#: noticed when the next wait begins.
TICK_S = 1.0


class Team:
    """Worker processes that fits share.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        self.size = workers
        self.pool = Pool()
        self.owner_pid = os.getpid()
        self.nursery = Nursery()
        self.nursery.start()
        # With fewer cores than workers the kernel does better than we would.
        pin = workers <= available_cores()
        self.workers = [
            self.nursery.spawn("strads.engine.worker:main", name=f"worker {p}", index=p, pin=pin)
            for p in range(workers)
        ]
        self.scheduler: Child | None = None
        self.trusted = False
        self.mapped: dict[str, set[int]] = {}
        self.loaded: dict[str, set[str]] = {}
        self.broken = False

    @property
    def usable(self) -> bool:
        """Whether the next fit may use this team."""
        return not self.broken and self.owner_pid == os.getpid()

    def new_scheduler(self, *, trusted: bool) -> Child:
        """Return a scheduler process.

        A trusted one runs shipped schedules only and is kept for the next program; another is
        forked afresh, so that it never keeps stale user code.
        """
        if trusted and self.scheduler is not None and self.trusted:
            return self.scheduler
        self.end_scheduler()
        self.trusted = trusted
        self.scheduler = self.nursery.spawn("strads.engine.scheduling:main", name="scheduler")
        self.mapped.pop("scheduler", None)
        self.loaded.pop("scheduler", None)
        return self.scheduler

    def end_scheduler(self) -> None:
        """End the scheduler of the last program; it leaves when its socket closes."""
        if self.scheduler is not None:
            self.scheduler.socket.close()
            self.scheduler = None

    def unknown_segments(self, child: Child, numbers: Sequence[int]) -> tuple[list[Any], list[int]]:
        """Describe the segments that a process has not mapped yet, with their descriptors."""
        known = self.mapped.setdefault(child.name, set())
        described, descriptors = [], []
        for number in numbers:
            if number in known:
                continue
            known.add(number)
            segment = self.pool.segments[number]
            own = segment.descriptors()
            described.append((number, segment.handle, segment.nbytes, len(own)))
            descriptors += own
        return described, descriptors

    def unknown_payloads(
        self, child: Child, kernels: Mapping[str, CompiledKernel]
    ) -> dict[str, tuple[str, bytes | None]]:
        """Return (key, payload) by name, without the payload of what the process has loaded."""
        known = self.loaded.setdefault(child.name, set())
        made = {n: (k.key, None if k.key in known else k.payload) for n, k in kernels.items()}
        known.update(k.key for k in kernels.values())
        return made

    def ask(
        self,
        requests: Sequence[tuple[Child, Any, Sequence[int]]],
        free: Callable[[], None],
    ) -> dict[str, Any]:
        """Send requests and wait for every reply.

        Parameters
        ----------
        requests : sequence of (child, message, descriptors)
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
        waiting: dict[int, Child] = {}
        replies: dict[str, Any] = {}
        failure: Exception | None = None
        try:
            for child, message, descriptors in requests:
                waiting[child.socket.fileno()] = child
                try:
                    send(child.socket, message, descriptors)
                except OSError:  # it died: the nursery is about to tell why
                    pass
            while waiting:
                failure = self._collect(waiting, replies, free, failure)
        except BaseException:
            free()
            self._drain(waiting)
            raise
        if failure is not None:
            raise failure
        return replies

    def _collect(
        self,
        waiting: dict[int, Child],
        replies: dict[str, Any],
        free: Callable[[], None],
        failure: Exception | None,
    ) -> Exception | None:
        """Take what has come in; return the first failure."""
        timeout = TICK_S if failure is None else PATIENCE_S
        sources: list[Any] = [self.nursery, *waiting]
        ready, _, _ = select.select(sources, [], [], timeout)
        if not ready and failure is None:
            return None
        if not ready:  # freed, and still silent
            self.broken = True
            self.close()
            waiting.clear()
            return failure
        for source in ready:
            if source is self.nursery:
                failure = self._mourn(waiting, free) or failure
            elif source in waiting:
                child = waiting[source]
                try:
                    status, *content = receive(child.socket)[0]
                except (EOFError, OSError):
                    failure = failure or self._await_death(child, free)
                    waiting.pop(source)
                    continue
                waiting.pop(source)
                if status == "error":
                    free()
                    failure = failure or content[0].error(child.name)
                else:
                    replies[child.name] = content[0]
        return failure

    def _mourn(self, waiting: dict[int, Child], free: Callable[[], None]) -> Exception | None:
        """Turn reported deaths of ours into an error; old schedulers leave in peace."""
        current = {child.pid: child for child in self.workers}
        if self.scheduler is not None:
            current[self.scheduler.pid] = self.scheduler
        failure: Exception | None = None
        for death in self.nursery.deaths():
            child = current.get(death.pid)
            if child is None:
                continue
            self.broken = True
            free()
            waiting.pop(child.socket.fileno(), None)
            failure = failure or WorkerDied(death.name, death.pid, death.signal, death.exit_code)
        return failure

    def _await_death(self, child: Child, free: Callable[[], None]) -> Exception:
        """Wait for the nursery's word on a process whose socket has closed."""
        self.broken = True
        free()
        select.select([self.nursery], [], [], PATIENCE_S)
        for death in self.nursery.deaths():
            if death.pid == child.pid:
                return WorkerDied(death.name, death.pid, death.signal, death.exit_code)
        return WorkerDied(child.name, child.pid, None, None)

    def _drain(self, waiting: dict[int, Child]) -> None:
        """After an interrupt: let everybody come back, or give the team up."""
        while waiting:
            ready, _, _ = select.select(list(waiting), [], [], PATIENCE_S)
            if not ready:
                self.broken = True
                self.close()
                return
            for source in ready:
                child = waiting.pop(source)
                try:
                    receive(child.socket)
                except (EOFError, OSError):
                    self.broken = True

    def close(self) -> None:
        """End every process and release every segment."""
        self.broken = True
        if self.owner_pid == os.getpid():
            self.nursery.close()
            self.pool.close()
