"""The scheduler process: runs the policies of one program, ahead of the workers.

A launch under a policy of this package is one call of compiled code; policies of users run in
Python.

It is forked afresh for every program whose schedules hold code of a user, because a process that
has imported such code once would not see a later edit of it. It fills the ring of the launched
phase; workers wait for a lease only when the scheduler is late.
"""

from __future__ import annotations

import pickle
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numba import cloudpickle

from strads.engine.compiling.clock import clock
from strads.engine.errors import ProgramError
from strads.engine.processes.children.serving import WAKE_WORDS, Server
from strads.engine.rounds.counts.visits import Visited, Visits, taken
from strads.engine.rounds.driven import Aborted
from strads.engine.rounds.ring import Ring
from strads.engine.rounds.rounds import Rounds
from strads.engine.rounds.stages import COUNTS, costs_of
from strads.engine.schedules.base import Schedule, World
from strads.engine.schedules.trust import forget_imports
from strads.kernels.driving.slots import Clocks

#: Requests that only the scheduler knows; the method of that name answers each.
_REQUESTS = frozenset(
    {
        "count_visits", "forget", "record", "recorded", "restart", "restore", "state",
        "statistics", "tell", "visited",
    }
)  # fmt: skip


class Scheduler(Server):
    """Policies of one program, and the rings that they fill."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds: dict[str, Rounds] = {}
        self._imported = set(sys.modules)

    def begin(self, spec: Mapping[str, Any]) -> None:
        """Start the policy of every schedule of a program."""
        self.workers = spec["workers"]
        seed, phases = spec["seed"], cloudpickle.loads(spec["phases"])
        for number, name, schedule, world in cloudpickle.loads(spec["schedules"]):
            ring = Ring.of(self.arrays, name)
            self.rounds[name] = Rounds(
                schedule, self._here(schedule, world), ring, phases[name], seed, number,
                counts=self.arrays[COUNTS][number], starts=spec["starts"],
            )  # fmt: skip
        if spec["recording"]:
            self.record()
        self.count_visits(spec["counting"])

    def _here(self, schedule: Schedule, world: World) -> World:
        """Return the world with the arrays and kernels of this process."""
        costs = world.costs
        if costs is None:  # costs in shared memory are not sent
            costs = self.arrays.get(costs_of(schedule.axis))
            if costs is not None and len(costs) != world.partition.size:
                costs = None
        kernels = self.loaded.get(world.kernels)
        return replace(world, arrays=self.arrays, costs=costs, kernels=kernels)

    def launch(self, name: str, epochs: int) -> dict[str, float]:
        """Fill leases until the launch is over or aborted; return where the time went."""
        wake_workers, wake_scheduler = (self.arrays[word] for word in WAKE_WORDS)
        done, published = self.arrays[".done"], self.arrays[".published"]
        waited = 0.0

        def await_done(rounds: int) -> None:
            nonlocal waited
            since = time.perf_counter()
            if not clock().await_alone(done, self.workers, rounds, wake_scheduler):
                raise Aborted
            waited += time.perf_counter() - since

        def dispatched(t: int) -> None:
            clock().advance(published, t + 1, wake_workers)

        rounds, begun = self.rounds[name], time.perf_counter()
        rounds.waited = 0.0
        clocks = Clocks(done, wake_scheduler, published, wake_workers)
        try:
            rounds.launch(epochs, await_done, dispatched, clocks)
        except Aborted:
            return {}
        waited += rounds.waited
        busy = time.perf_counter() - begun - waited
        return {"scheduling_seconds": busy, "scheduler_waiting_seconds": waited}

    def drop_program(self) -> None:
        """Drop the policies and their rings."""
        self.rounds = {}

    def handle(self, kind: str, *content: Any) -> Any:
        """Carry out a request about the policies."""
        assert kind in _REQUESTS, kind
        return getattr(self, kind)(*content)

    def tell(self, phase: str, message: str, content: Any) -> Any:
        """Pass a message on to the policy of a phase."""
        return self.rounds[phase].tell(message, content)

    def restart(self, packed: bytes) -> None:
        """Exchange the schedule of a phase, or start it anew on an axis that has grown."""
        name, schedule, world, anew = cloudpickle.loads(packed)
        self.rounds[name].begin(schedule, self._here(schedule, world), anew=anew)

    def forget(self) -> None:
        """Drop the modules that have been imported since this process began."""
        forget_imports(self._imported)

    def record(self) -> None:
        """Record every round from now on."""
        for rounds in self.rounds.values():
            rounds.log = []

    def recorded(self) -> dict[str, Any]:
        """Return the rounds recorded since the last call, by phase."""
        return {name: rounds.recorded() for name, rounds in self.rounds.items()}

    def count_visits(self, parts: Mapping[str, int | None]) -> None:
        """Count visits of ids in some phases from now on."""
        for name, count in parts.items():
            self.rounds[name].visits = Visits(self.rounds[name].world, count)

    def visited(self) -> dict[str, list[Visited]]:
        """Return the visits counted since the last call, by phase."""
        return {name: taken(rounds.visits) for name, rounds in self.rounds.items()}

    def state(self) -> dict[str, Any]:
        """Return the states of all policies, by phase."""
        return _sendable("state", {n: (r.culprit, r.state()) for n, r in self.rounds.items()})

    def restore(self, states: Mapping[str, Any]) -> None:
        """Put back what :meth:`state` returned."""
        for name, rounds in self.rounds.items():
            rounds.restore(states[name])

    def statistics(self) -> dict[str, Any]:
        """Return what every policy counted, by phase."""
        counted = {n: (r.culprit, r.statistics()) for n, r in self.rounds.items()}
        return _sendable("statistics", counted)


def main(sock: socket.socket) -> None:
    """Serve the leader until its socket closes."""
    Scheduler().serve(sock)


def _sendable(method: str, given: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return the policies' answers by phase, after a check that all of them can be pickled.

    Raises
    ------
    ProgramError
        Naming the policy whose answer cannot be pickled.
    """
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
