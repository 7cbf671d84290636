"""Round-robin: every worker its own ids, in order."""

from __future__ import annotations

from dataclasses import dataclass

from strads.engine.schedules.base import Block, EpochPolicy, Policy, Schedule, World, in_leases


@dataclass(frozen=True)
class RoundRobin(Schedule):
    """Visit every id once an epoch, each worker its own range in order."""

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _RoundRobin(world, self)


class _RoundRobin(EpochPolicy):
    def __init__(self, world: World, schedule: Schedule) -> None:
        super().__init__(world, schedule.micro)
        self.lease = schedule.lease

    def plan(self) -> list[list[Block]]:
        return in_leases([self.held(p) for p in range(self.world.workers)], self.lease)
