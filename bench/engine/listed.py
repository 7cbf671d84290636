"""Time of priority by lists, an id, and of what the scheduler does in a round beside it."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.engine.draws import couplings
from strads import Partition, Phase, Priority, RoundRobin, Schedule
from strads.engine import COUNT, World, allocate_lease
from strads.engine.rounds.ring import Ring
from strads.engine.rounds.rounds import Rounds
from strads.kernels.driving.slots import Clocks
from strads.kernels.sync.clock import STRIDE

WORKERS, LEASE = 2, 512
#: Ids of a worker that move together.
TOGETHER = 8
LISTS, GROUPS = "priority by lists, an id", "lists under a coupling, 2 × 8 ids together, an id"
ALONE = "a round of the scheduler, no workers"


def world_of(schedule: Schedule, size: int, arrays: dict[str, Any], ahead: int = 1) -> World:
    """Describe a run to a policy, with its compiled functions."""
    cut = Partition.contiguous(size, WORKERS)
    bare = World(partition=cut, workers=WORKERS, arrays=arrays, look_ahead=ahead)
    kernels = {name: request.entry for name, request in schedule.kernels(bare).items()}
    return World(partition=cut, workers=WORKERS, arrays=arrays, look_ahead=ahead, kernels=kernels)


def sweeps(
    schedule: Priority, size: int, arrays: dict[str, Any], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds an id of filling leases and observing them: first sweep over all, later ones.

    All changes are equal, so that all ids are listed: the ids of each sweep are the same.
    """
    world = world_of(schedule, size, arrays)
    policy = schedule.start(world)
    lease = allocate_lease(WORKERS, schedule.capacity(world), schedule.micro_max(world))
    first, later, handed = [], [], 0
    while len(later) < count:
        begin = time.perf_counter()
        policy.fill(lease)
        filled = time.perf_counter()
        lease.change[...] = 1.0
        told = time.perf_counter()
        policy.observe(lease)
        seconds = filled - begin + time.perf_counter() - told
        # The second sweep is over the list, which has groups of its own.
        each = first if handed < 2 * size else later
        each.append(seconds / max(1, lease.info[COUNT]) * 1e6)
        handed += int(lease.info[COUNT])
    return np.array(first), np.array(later)


def alone(schedule: Schedule, size: int, epochs: int, *, compiled: bool) -> float:
    """Microseconds a round of a launch whose workers are always done already."""
    world = world_of(schedule, size, {}, ahead=8)
    shapes = Ring.shapes(10, WORKERS, schedule.capacity(world), schedule.micro_max(world))
    ring = Ring(*(np.zeros(*shapes[word]) for word in Ring.NAMES if word in shapes))
    rounds = Rounds(schedule, world, ring, Phase(look_ahead=8, name="main"), 0, 0)
    words = [np.zeros(4 * STRIDE, np.int64) for _ in Clocks._fields]
    clocks = Clocks(*words)
    clocks.done[: WORKERS * STRIDE] = 1 << 60
    clocks = clocks._replace(done=clocks.done[: WORKERS * STRIDE])
    if not compiled:  # a policy that only Python can drive, such as a user's
        rounds.policy.driven = lambda lease: None
    rounds.launch(1, _nothing, _nothing, clocks)
    begin, before = time.perf_counter(), rounds.round
    rounds.launch(epochs, _nothing, _nothing, clocks)
    return (time.perf_counter() - begin) / (rounds.round - before) * 1e6


def _nothing(_: int) -> None:
    pass


def measure(tiny: bool, repeats: int) -> Iterator[tuple[str, str, np.ndarray, float]]:
    """Yield group, name, times and target of every row."""
    size = 1000 if tiny else 10_000
    batches = 4 if tiny else 60 * repeats
    in_turn, lists = RoundRobin("ids", lease=1), Priority("ids", lease=1)
    for told, schedule, compiled in (
        ("one id each in turn, compiled", in_turn, True),
        ("one id each in turn, in Python, as policies of users", in_turn, False),
        ("one id each by lists, compiled", lists, True),
    ):
        times = [alone(schedule, size, 2, compiled=compiled) for _ in range(max(repeats, 2))]
        yield ALONE, told, np.array(times), 2.0 if compiled else np.nan
    for many in (1000,) if tiny else (10_000, 1_000_000):
        _, times = sweeps(Priority("ids", lease=LEASE), many, {}, batches)
        yield LISTS, f"J = {many:,}", times, 0.1
    micro = LEASE // TOGETHER
    for name, ids, coupling, arrays in couplings(tiny):
        schedule = Priority("ids", lease=LEASE, micro=micro, rho=0.1, coupling=coupling)
        first, later = sweeps(schedule, ids, arrays, batches)
        yield GROUPS, f"{name}: grouping", first, np.nan
        yield GROUPS, f"{name}: later sweeps", later, 0.1
