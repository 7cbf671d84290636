"""What the leader hands to the members of a team: the arrays and kernels of a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numba import cloudpickle

from strads.engine.processes.member import Member, Request
from strads.engine.processes.team import Team
from strads.engine.rounds.executor import Executor
from strads.engine.rounds.stages import costs_of
from strads.engine.schedules.base import World
from strads.engine.schedules.trust import only_our_code


def program_requests(run: Executor, team: Team, *, starts: int, recording: bool) -> list[Request]:
    """Return the requests that hand a program to all workers, and to the scheduler if needed.

    Parameters
    ----------
    run : Executor
    team : Team
    starts : int
        How often a process has been replaced in this run.
    recording : bool
        Whether the scheduler records all rounds.
    """
    calls = {name: bound.call for name, bound in run.bound.items()}
    kernels = {name: run.bound[name].compiled(run.compilation) for name in run.compiled}
    keys = [kernel.key for kernel in kernels.values()]
    places = run.store.places()
    requests = []
    for worker in team.workers:
        spec = {"places": places, "calls": calls, "payloads": worker.payloads(kernels)}
        requests.append(handing_over(run, team, worker, "program", spec, keys))
    if run.schedules:
        known = {"places": places, "starts": starts, "recording": recording}
        requests.append(_scheduler_request(run, team, known))
    return requests


def handing_over(
    run: Executor, team: Team, member: Member, kind: str, spec: Mapping[str, Any],
    keys: Sequence[str] = (),
) -> Request:  # fmt: skip
    """Return a request that goes with the segments in which the arrays of a run lie."""
    numbers = list(run.store.allocator.segments)  # type: ignore[union-attr]
    return member.handing_over(kind, spec, numbers, team.pool, keys)


def _scheduler_request(run: Executor, team: Team, known: Mapping[str, Any]) -> Request:
    numbers = {name: i for i, name in enumerate(run.stages)}
    trusted = only_our_code(list(run.schedules.values()))
    scheduler = team.new_scheduler(trusted=trusted)
    schedules = [
        (numbers[name], name, schedule.bare(), sendable(run, team, name))
        for name, schedule in run.schedules.items()
    ]
    # The scheduler does not need the kernels of the phases.
    phases = {name: replace(run.phase(name), push=None, pull=None) for name in run.schedules}
    spec = {
        **known,
        "workers": run.workers,
        "seed": run.seed,
        "phases": cloudpickle.dumps(phases),
        "schedules": cloudpickle.dumps(schedules),
        "counting": run.counting,
    }
    keys = [k.key for name in run.schedules for k in run.policy_kernels[name].values()]
    return handing_over(run, team, scheduler, "program", spec, keys)


def sendable(run: Executor, team: Team, name: str) -> World:
    """Return a phase's world as it is sent: kernels as payloads, no arrays in segments."""
    assert team.scheduler is not None
    payloads = team.scheduler.payloads(run.policy_kernels[name])
    world = run.world(name)
    shared = run.store.arrays.get(costs_of(run.schedules[name].axis))
    costs = None if world.costs is shared else world.costs
    return replace(world, arrays={}, costs=costs, kernels=payloads)
