"""Rotation: slices of an axis move round, so that each worker updates each slice every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.partition import Partition
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.lease import Block
from strads.engine.schedules.planned import EpochPolicy, in_leases

#: Default of ``lease``: large enough that slices of models of common size are not cut, and small
#: enough that the leases of a huge model take little memory.
MOST = 1 << 20


@dataclass(frozen=True)
class Rotation(Schedule):
    """In round k of an epoch, worker p holds slice ``(p + k) mod slices`` of the axis.

    No two workers hold a slice at the same time, so kernels need no locks. An epoch has as many
    rounds as there are slices, and every worker updates every id once. A slice of more than `lease`
    ids stays at its worker for several rounds, each of which hands out a part of it.

    A program may call ``tell(phase, "stagger", True)``. From the next epoch on, worker p then holds
    slice ``k - p`` in round k, and idles if there is no such slice. All workers then update the
    slices in the same order, one worker after the other, and an epoch has ``workers - 1`` more
    rounds. ``tell(phase, "stagger", False)`` ends this.

    Parameters
    ----------
    axis : str
    slices : int, optional
        Number of slices: at least the number of workers, which is the default.
    lease : int
        Largest number of ids per worker and round.
    """

    lease: int = field(default=MOST, kw_only=True)
    slices: int | None = None

    def capacity(self, world: World) -> int:
        """Number of ids of the largest slice, or `lease` if that is less."""
        return min(self.lease, max(1, int(np.diff(self.cut(world).bounds).max())))

    def cut(self, world: World) -> Partition:
        """Return the slices as a partition, balanced by cost."""
        slices = self.slices or world.workers
        if slices < world.workers:
            raise ProgramError(
                f"slices={slices} is less than the {world.workers} workers: some would idle"
            )
        if slices == world.workers:
            return world.partition
        if world.costs is not None:
            return Partition.balanced(world.costs, slices)
        return Partition.contiguous(world.partition.size, slices)

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Rotation(world, self)


class _Rotation(EpochPolicy):
    moves_holders = True

    def __init__(self, world: World, schedule: Rotation) -> None:
        super().__init__(world, schedule.micro)
        self.lease = schedule.lease
        self.bounds = schedule.cut(world).bounds
        self.staggered = False

    def stagger(self, on: bool) -> None:
        """Let workers start one round after each other, or all at once; begin a new epoch."""
        self.staggered = on
        self.activate(self.active)

    def state(self) -> dict[str, Any]:
        """Return the state of an epoch policy and whether workers are staggered."""
        return {**super().state(), "staggered": self.staggered}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        super().restore(state)
        self.staggered = state["staggered"]

    def plan(self) -> list[list[Block]]:
        n, workers = len(self.bounds) - 1, range(self.world.workers)
        slices = [self._slice(s) for s in range(n)]
        if self.staggered:
            places = [[k - p for p in workers] for k in range(n + len(workers) - 1)]
        else:
            places = [[(p + k) % n for p in workers] for k in range(n)]
        rounds: list[list[Block]] = []
        for held in places:
            blocks = [slices[s] if 0 <= s < n else range(0) for s in held]
            rounds += in_leases(blocks, self.lease) or [blocks]
        return rounds

    def _slice(self, s: int) -> Block:
        """Active ids of a slice."""
        lo, hi = int(self.bounds[s]), int(self.bounds[s + 1])
        if self.active is None:
            return range(lo, hi)
        first, last = np.searchsorted(self.active, [lo, hi])
        return self.active[first:last]
