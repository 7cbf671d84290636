"""Largest: ids in the order of how much they last changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine import COUNT, Lease, Policy, ProgramError, Schedule, World, pack


@dataclass(frozen=True)
class Largest(Schedule):
    """Hand out the active ids of every worker that changed most in the round before."""

    share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.share <= 1.0:
            raise ProgramError(f"share={self.share} must be above 0 and at most 1")

    def start(self, world: World) -> Policy:
        return LargestPolicy(world, self)


class LargestPolicy(Policy):
    def __init__(self, world: World, schedule: Largest) -> None:
        super().__init__(world, schedule.micro)
        self.lease, self.share = schedule.lease, schedule.share
        self.changed = np.full(world.partition.size, np.inf)  # not visited yet
        self.seen = 0

    def fill(self, lease: Lease) -> None:
        blocks = []
        for p in range(self.world.workers):
            ids = self.mine(p)
            count = min(self.lease, int(np.ceil(self.share * len(ids))))
            order = np.argsort(-self.changed[ids], kind="stable")
            blocks.append(np.sort(ids[order[:count]]))
        pack(lease, blocks, self.micro)

    def observe(self, lease: Lease) -> None:
        self.changed += 1e-12  # of equal ones those that have waited longest come first
        for p in range(self.world.workers):
            self.changed[lease.block(p)] = lease.changes(p)
        self.seen += int(lease.info[COUNT])

    def state(self) -> dict[str, Any]:
        return {**super().state(), "changed": self.changed, "seen": self.seen}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.changed, self.seen = np.array(state["changed"]), int(state["seen"])

    def statistics(self) -> dict[str, Any]:
        return {"seen": self.seen}
