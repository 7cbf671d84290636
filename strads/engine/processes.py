"""Run a program on worker processes, its schedules in a scheduler process."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numba import cloudpickle

from strads.engine.clock import clock
from strads.engine.errors import WorkerDied
from strads.engine.executor import Executor
from strads.engine.platform import available_cores
from strads.engine.program import Program
from strads.engine.schedules.base import World
from strads.engine.stages import STRIDE
from strads.engine.store import Shared
from strads.engine.team import Team

# Spinning pays while every process has a core; else the core belongs to who has work.
SPINS, SPINS_CROWDED = 4000, 0


class Processes(Executor):
    """Executor on worker processes.

    Parameters
    ----------
    program : Program
    workers : int
        One process each.
    seed : int
    team : Team
        Of that many workers.
    """

    kind = "processes"

    def __init__(self, program: Program, workers: int, seed: int, team: Team) -> None:
        super().__init__(program, workers, seed, Shared(team.pool))
        self.team = team

    # -- preparing -----------------------------------------------------------------------------

    def _ready(self) -> None:
        # The workers wait for each other on the bell; the scheduler, who is ahead of them and off
        # the critical path, on the chime.
        cores = available_cores()
        for word, processes in ((".bell", self.workers), (".chime", self.workers + 1)):
            spins = SPINS if processes <= cores else SPINS_CROWDED
            self.store.arrays[word][3 * STRIDE] = spins
        calls = {name: bound.call for name, bound in self.bound.items()}
        kernels = {name: bound.compiled for name, bound in self.bound.items()}
        spec = {"places": self.store.places(), "calls": calls}
        requests = []
        for worker in self.team.workers:
            payloads = self.team.unknown_payloads(worker, kernels)
            requests.append(self._described("program", worker, {**spec, "payloads": payloads}))
        if self.schedules:
            requests.append(self._scheduler_request(spec["places"]))
        self.team.ask(requests, self._free)

    def _described(
        self, kind: str, child: Any, spec: Mapping[str, Any]
    ) -> tuple[Any, tuple[str, Any], list[int]]:
        numbers = list(self.store.allocator.segments)  # type: ignore[union-attr]
        segments, descriptors = self.team.unknown_segments(child, numbers)
        return child, (kind, {**spec, "segments": segments}), descriptors

    def _scheduler_request(
        self, places: Mapping[str, Any]
    ) -> tuple[Any, tuple[str, Any], list[int]]:
        numbers = {name: i for i, name in enumerate(self.stages)}
        trusted = all(type(s).__module__.startswith("strads.") for s in self.schedules.values())
        scheduler = self.team.new_scheduler(trusted=trusted)
        schedules = [
            (numbers[name], name, schedule, self._sendable(name))
            for name, schedule in self.schedules.items()
        ]
        phases = {name: _bare(self.phase(name)) for name in self.schedules}
        spec = {
            "places": places,
            "workers": self.workers,
            "seed": self.seed,
            "phases": cloudpickle.dumps(phases),
            "schedules": cloudpickle.dumps(schedules),
        }
        return self._described("program", scheduler, spec)

    def _sendable(self, name: str) -> World:
        """Return a phase's world for another process: no arrays, kernels as payloads."""
        scheduler = self.team.scheduler
        assert scheduler is not None
        payloads = self.team.unknown_payloads(scheduler, self.policy_kernels[name])
        return replace(self.world(name), arrays={}, kernels=payloads)

    def _free(self) -> None:
        for word in (".bell", ".chime"):
            clock().abort(self.store.arrays[word])

    # -- running -------------------------------------------------------------------------------

    def _launch(self, name: str, epochs: int) -> None:
        since = time.perf_counter()
        scheduled = name in self.schedules
        extra: dict[str, float] = {}
        seconds = dict.fromkeys((w.name for w in self.team.workers), 0.0)
        for _ in range(1 if scheduled else epochs):
            self._reset(published=not scheduled)
            if not scheduled:
                self._begin_epoch(name)
            requests: list[Any] = [(w, ("launch", name), ()) for w in self.team.workers]
            if scheduled:
                requests.insert(0, (self.team.scheduler, ("launch", name, epochs), ()))
            try:
                replies = self.team.ask(requests, self._free)
            except WorkerDied as death:  # everybody else has answered by now
                finished = int(self.store.arrays[".done"][::STRIDE].min())
                raise death.within(name, finished) from None
            extra = replies.get("scheduler", {})
            for worker in seconds:
                seconds[worker] += replies[worker]
        counters = self._count(name, time.perf_counter() - since, extra)
        for worker, row in zip(seconds, counters, strict=True):
            self.accounts.add_worker(worker, seconds[worker], row)
        if extra:
            busy, waited = extra["scheduling_seconds"], extra["scheduler_waiting_seconds"]
            self.accounts.add_process(
                "scheduler", seconds=busy + waited, busy_seconds=busy, waiting_seconds=waited
            )

    def _reset(self, *, published: bool) -> None:
        """Set the step clocks to zero; everybody is idle."""
        arrays = self.store.arrays
        for word in (".clocks", ".done", ".published"):
            arrays[word][:] = 0
        for word in (".bell", ".chime"):
            arrays[word][: 3 * STRIDE] = 0
        if published:  # the one round of a phase without schedule is always there
            arrays[".published"][0] = 1

    def _once(self, word: str) -> np.ndarray:
        self.team.ask([(w, ("once", word), ()) for w in self.team.workers], self._free)
        parts: np.ndarray = self.store.arrays[".parts"]
        return parts

    # -- policies ------------------------------------------------------------------------------

    def _ask_scheduler(self, *message: Any) -> Any:
        scheduler = self.team.scheduler
        assert scheduler is not None
        return self.team.ask([(scheduler, message, ())], self._free)[scheduler.name]

    def _tell(self, phase: str, message: str, content: tuple[Any, ...]) -> None:
        self._ask_scheduler("tell", phase, message, content)

    def _restart(self, phase: str, *, anew: bool) -> None:
        content = cloudpickle.dumps((phase, self.schedules[phase], self._sendable(phase), anew))
        self._ask_scheduler("restart", content)

    def _resized(self, axis: str, moved: Sequence[str]) -> None:
        if moved:
            places = self.store.places()
            spec = {"places": {name: places[name] for name in moved}}
            everybody = [*self.team.workers]
            if self.team.scheduler is not None:
                everybody.append(self.team.scheduler)
            requests = [self._described("arrays", child, spec) for child in everybody]
            self.team.ask(requests, self._free)
        for name, schedule in self.schedules.items():
            if schedule.axis == axis or moved:  # a policy may look at what has moved
                self._restart(name, anew=True)

    def _policies_state(self) -> dict[str, Any]:
        if not self.schedules:
            return {}
        state: dict[str, Any] = self._ask_scheduler("state")
        return state

    def _restore_policies(self, state: Mapping[str, Any]) -> None:
        if self.schedules:
            self._ask_scheduler("restore", dict(state))

    def schedule_statistics(self) -> dict[str, dict[str, Any]]:
        """What every policy counted."""
        if not self.schedules or not self.team.usable:
            return {}
        counted: dict[str, dict[str, Any]] = self._ask_scheduler("statistics")
        return counted

    def close(self) -> None:
        """Drop the workers' views, give the segments back to the pool."""
        super().close()
        if not self.team.usable:
            return
        if not self.team.trusted:
            self.team.end_scheduler()
        dropped, self.team.pool.dropped = self.team.pool.dropped, []
        for known in self.team.mapped.values():
            known.difference_update(dropped)
        everybody = [*self.team.workers]
        if self.team.scheduler is not None:
            everybody.append(self.team.scheduler)
        self.team.ask([(w, ("end", dropped), ()) for w in everybody], self._free)
        self.store.allocator.release()


def _bare(phase: Any) -> Any:
    """Return a phase without its kernels: the scheduler needs none."""
    return replace(phase, push=None, pull=None)
