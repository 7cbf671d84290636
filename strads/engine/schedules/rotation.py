"""Rotation: slices of an axis circulate, so that every worker meets every slice once an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.partition import Partition
from strads.engine.schedules.base import EpochPolicy, Policy, Schedule, World


@dataclass(frozen=True)
class Rotation(Schedule):
    """In round k of an epoch worker p holds slice ``(p + k) mod slices``.

    No slice is ever at two workers, so holders need no locks; an epoch has as many rounds as
    slices. An id is visited once by every worker.

    A program may ``tell`` the phase ``"stagger"``, True or False: from the next epoch on worker p
    holds slice ``k - p``, and idles where there is none. All meet the slices in the same order, one
    after the other, and an epoch has ``workers - 1`` rounds more.

    Parameters
    ----------
    axis : str
    slices : int, optional
        At least the number of workers, which is the default.
    """

    slices: int | None = None

    def capacity(self, world: World) -> int:
        """Room for the largest slice."""
        return max(1, int(np.diff(self.cut(world).bounds).max()))

    def cut(self, world: World) -> Partition:
        """Return the slices, balanced by cost."""
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
    def __init__(self, world: World, schedule: Rotation) -> None:
        super().__init__(world, schedule.micro)
        self.bounds = schedule.cut(world).bounds
        self.staggered = False

    def stagger(self, on: bool) -> None:
        """Let every worker follow the one before, or all begin at once; a new epoch begins."""
        self.staggered = on
        self.activate(self.active)

    def state(self) -> dict[str, Any]:
        """Also whether workers follow each other."""
        return {**super().state(), "staggered": self.staggered}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        super().restore(state)
        self.staggered = state["staggered"]

    def plan(self) -> list[list[np.ndarray]]:
        ids = np.arange(self.bounds[-1]) if self.active is None else self.active
        cuts = np.searchsorted(ids, self.bounds)
        n = len(self.bounds) - 1
        slices = [ids[cuts[s] : cuts[s + 1]] for s in range(n)]
        workers = range(self.world.workers)
        if not self.staggered:
            return [[slices[(p + k) % n] for p in workers] for k in range(n)]
        none = ids[:0]
        rounds = range(n + len(workers) - 1)
        return [[slices[k - p] if 0 <= k - p < n else none for p in workers] for k in rounds]
