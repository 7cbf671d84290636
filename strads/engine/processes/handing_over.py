"""What the leader hands to the members of a team: the arrays and kernels of a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numba import cloudpickle

from strads.engine.processes.member import Member, Request
from strads.engine.rounds.stages import costs_of
from strads.engine.schedules.base import World
from strads.engine.schedules.trust import only_our_code

if TYPE_CHECKING:
    from strads.engine.processes.executor import Processes


def program_requests(run: Processes) -> list[Request]:
    """Return the requests that hand a program to all workers, and to the scheduler if needed."""
    calls = {name: bound.call for name, bound in run.bound.items()}
    kernels = {name: run.bound[name].compiled(run.compilation) for name in run.compiled}
    keys = [kernel.key for kernel in kernels.values()]
    places = run.store.places()
    requests = []
    for worker in run.team.workers:
        spec = {"places": places, "calls": calls, "payloads": worker.payloads(kernels)}
        requests.append(handing_over(run, worker, "program", spec, keys))
    if run.schedules:
        requests.append(_scheduler_request(run, places))
    return requests


def handing_over(
    run: Processes, member: Member, kind: str, spec: Mapping[str, Any], keys: Sequence[str] = ()
) -> Request:
    """Return a request that goes with the segments in which the arrays of a run lie."""
    numbers = list(run.store.allocator.segments)  # type: ignore[union-attr]
    return member.handing_over(kind, spec, numbers, run.team.pool, keys)


def _scheduler_request(run: Processes, places: Mapping[str, Any]) -> Request:
    numbers = {name: i for i, name in enumerate(run.stages)}
    trusted = only_our_code(list(run.schedules.values()))
    scheduler = run.team.new_scheduler(trusted=trusted)
    schedules = [
        (numbers[name], name, schedule.bare(), sendable(run, name))
        for name, schedule in run.schedules.items()
    ]
    # The scheduler does not need the kernels of the phases.
    phases = {name: replace(run.phase(name), push=None, pull=None) for name in run.schedules}
    spec = {
        "places": places,
        "workers": run.workers,
        "seed": run.seed,
        "phases": cloudpickle.dumps(phases),
        "schedules": cloudpickle.dumps(schedules),
        "starts": run.starts + run.mortality.count,
        "recording": run.recording,
        "counting": run.counting,
    }
    keys = [k.key for name in run.schedules for k in run.policy_kernels[name].values()]
    return handing_over(run, scheduler, "program", spec, keys)


def sendable(run: Processes, name: str) -> World:
    """Return a phase's world as it is sent: kernels as payloads, no arrays in segments."""
    payloads = run.scheduler.payloads(run.policy_kernels[name])
    world = run.world(name)
    shared = run.store.arrays.get(costs_of(run.schedules[name].axis))
    costs = None if world.costs is shared else world.costs
    return replace(world, arrays={}, costs=costs, kernels=payloads)
