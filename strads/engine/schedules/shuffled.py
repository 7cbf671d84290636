"""Shuffled: every worker its own ids, in an order drawn anew for every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.schedules.base import Block, EpochPolicy, Policy, Schedule, World, in_leases


@dataclass(frozen=True)
class Shuffled(Schedule):
    """Visit every id once an epoch, each worker its own range in a random order, as LIBLINEAR does.

    The order follows from the seed, the epoch and the worker, not from ``lease``. Unlike
    :class:`Random`, no id comes twice before all have come once; and no order lasts for ever,
    which may be a bad one.
    """

    def nbytes(self, world: World) -> int:
        """The order of an epoch."""
        return 16 * world.partition.size

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Shuffled(world, self)


class _Shuffled(EpochPolicy):
    def __init__(self, world: World, schedule: Schedule) -> None:
        super().__init__(world, schedule.micro)
        self.lease = schedule.lease
        self.passes = 0  # epochs handed out

    def plan(self) -> list[list[Block]]:
        seeds = [self.world.seed, 0x5AFF1E, self.passes]
        blocks = [
            np.random.default_rng([*seeds, p]).permutation(self.mine(p))
            for p in range(self.world.workers)
        ]
        return in_leases(blocks, self.lease)

    def dispatch(self) -> Sequence[np.ndarray]:
        blocks = super().dispatch()
        if self.position == 0:  # that was the last round of an epoch
            self.passes += 1
            self._plan = None
        return blocks

    def state(self) -> dict[str, Any]:
        """Also the number of the epoch."""
        return {**super().state(), "passes": self.passes}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        super().restore(state)
        self.passes = state["passes"]
