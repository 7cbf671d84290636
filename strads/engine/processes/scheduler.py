"""The scheduler process: runs the policies of one program, ahead of the workers.

Forked afresh for every program whose schedules hold code of a user's, so that it never keeps
that in an earlier form. It fills the shared ring of the launched phase; workers wait for a slot
only when the scheduler is late.
"""

from __future__ import annotations

import gc
import pickle
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numba import cloudpickle

from strads.engine.compiling.clock import clock
from strads.engine.errors import ProgramError
from strads.engine.failures import Failure
from strads.engine.memory.store import attach
from strads.engine.processes.messages import answer
from strads.engine.processes.worker import Loaded, Segments
from strads.engine.rounds.ring import Ring
from strads.engine.rounds.rounds import Rounds
from strads.engine.rounds.stages import costs_of
from strads.engine.schedules.base import Schedule, World
from strads.engine.schedules.trust import forget_imports


class _Aborted(BaseException):
    """The run was given up by somebody else; no Exception, or a schedule would be blamed."""


class Scheduler:
    """Policies of one program and the rings they fill."""

    def __init__(self) -> None:
        self.segments = Segments()
        self.loaded = Loaded()
        self.arrays: dict[str, Any] = {}
        self.rounds: dict[str, Rounds] = {}

    def program(self, spec: dict[str, Any], descriptors: list[int]) -> None:
        """Map the arrays and start every policy."""
        self.segments.add(spec["segments"], descriptors)
        self.arrays.update(attach(spec["places"], self.segments.mapped))
        self.workers = spec["workers"]
        self.seed = spec["seed"]
        self.phases = cloudpickle.loads(spec["phases"])
        for number, name, schedule, world in cloudpickle.loads(spec["schedules"]):
            ring = Ring(*(self.arrays[f"{word}@{name}"] for word in Ring.NAMES))
            self.rounds[name] = Rounds(
                schedule, self._here(schedule, world), ring, self.phases[name], self.seed, number
            )

    def _here(self, schedule: Schedule, world: World) -> World:
        """Give a world this process's arrays and kernels."""
        costs = world.costs
        if costs is None:  # shared ones are not sent
            costs = self.arrays.get(costs_of(schedule.axis))
            if costs is not None and len(costs) != world.partition.size:
                costs = None
        kernels = self.loaded.get(world.kernels)
        return replace(world, arrays=self.arrays, costs=costs, kernels=kernels)

    def restart(self, name: str, schedule: Schedule, world: World, anew: bool) -> None:
        """Exchange a schedule, or start it anew on an axis that has grown."""
        self.rounds[name].begin(schedule, self._here(schedule, world), anew=anew)

    def moved(self, spec: dict[str, Any], descriptors: list[int]) -> None:
        """Map arrays that have moved."""
        self.segments.add(spec["segments"], descriptors)
        self.arrays.update(attach(spec["places"], self.segments.mapped))

    def launch(self, name: str, epochs: int) -> dict[str, float]:
        """Fill leases until the launch is over; return where the time went."""
        wake_workers, wake_scheduler = self.arrays[".wake_workers"], self.arrays[".wake_scheduler"]
        done, published = self.arrays[".done"], self.arrays[".published"]
        waited = 0.0

        def await_done(rounds: int) -> None:
            nonlocal waited
            since = time.perf_counter()
            if not clock().await_alone(done, self.workers, rounds, wake_scheduler):
                raise _Aborted
            waited += time.perf_counter() - since

        def dispatched(t: int) -> None:
            clock().advance(published, t + 1, wake_workers)

        begun = time.perf_counter()
        self.rounds[name].launch(epochs, await_done, dispatched)
        busy = time.perf_counter() - begun - waited
        return {"scheduling_seconds": busy, "scheduler_waiting_seconds": waited}

    def end(self, unmap: Sequence[int]) -> None:
        """Forget the program; drop every view, so that segments can be unmapped."""
        self.arrays, self.rounds = {}, {}
        gc.collect()
        self.segments.drop(unmap)

    def alarm(self) -> None:
        """Free the workers: no lease will come."""
        for word in (".wake_workers", ".wake_scheduler"):
            if word in self.arrays:
                clock().abort(self.arrays[word])


def main(sock: socket.socket) -> None:
    """Serve the leader until its socket closes."""
    scheduler = Scheduler()
    before = set(sys.modules)

    def handle(message: tuple[Any, ...], descriptors: list[int]) -> tuple[str, Any]:
        if message[0] == "forget":
            forget_imports(before)
            return ("done", None)
        try:
            return ("done", _handle(scheduler, message, descriptors))
        except _Aborted:
            return ("done", {})

    def failed(error: BaseException) -> tuple[str, Failure]:
        scheduler.alarm()  # whatever happened, the workers must not wait for us
        return ("error", Failure.of(error))

    answer(sock, handle, failed)


def _handle(scheduler: Scheduler, message: tuple[Any, ...], descriptors: list[int]) -> Any:
    kind = message[0]
    if kind == "launch":
        return scheduler.launch(message[1], message[2])
    if kind == "tell":
        _, phase, word, content = message
        return scheduler.rounds[phase].tell(word, content)
    if kind == "program":
        return scheduler.program(message[1], descriptors)
    if kind == "arrays":
        return scheduler.moved(message[1], descriptors)
    if kind == "unmap":
        return scheduler.segments.drop(message[1])
    if kind == "end":
        return scheduler.end(message[1])
    if kind == "restart":
        return scheduler.restart(*cloudpickle.loads(message[1]))
    if kind == "record":
        for rounds in scheduler.rounds.values():
            rounds.log = []
        return None
    if kind == "recorded":
        return {name: rounds.recorded() for name, rounds in scheduler.rounds.items()}
    if kind == "state":
        return _sendable("state", {n: (r.culprit, r.state()) for n, r in scheduler.rounds.items()})
    if kind == "restore":
        for name, rounds in scheduler.rounds.items():
            rounds.restore(message[1][name])
        return None
    assert kind == "statistics", message
    return _sendable(
        "statistics", {n: (r.culprit, r.statistics()) for n, r in scheduler.rounds.items()}
    )


def _sendable(method: str, given: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return what policies gave, or an error that names the one whose answer cannot be sent."""
    for culprit, answers in given.values():
        own = answers.get("policy", answers)
        for name, value in own.items() if isinstance(own, dict) else [("", own)]:
            try:
                pickle.dumps(value)
            except Exception as error:
                raise ProgramError(
                    f"{culprit}: what its policy's {method}() returns as {name!r} cannot be sent "
                    f"from the scheduler process to the leader ({type(error).__name__}: {error}); "
                    "return arrays, numbers and text"
                ) from None
    return {name: answers for name, (_, answers) in given.items()}
