"""Schedules that look neither at values nor at dependencies: RoundRobin, Shuffled and Random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.schedules.base import Block, EpochPolicy, Policy, Schedule, World, in_leases


@dataclass(frozen=True)
class RoundRobin(Schedule):
    """Visit every id once per epoch; each worker visits the ids of its own range in order."""

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _RoundRobin(world, self)


class _RoundRobin(EpochPolicy):
    def __init__(self, world: World, schedule: Schedule) -> None:
        super().__init__(world, schedule.micro)
        self.lease = schedule.lease

    def plan(self) -> list[list[Block]]:
        return in_leases([self.held(p) for p in range(self.world.workers)], self.lease)


@dataclass(frozen=True)
class Shuffled(Schedule):
    """Visit every id once per epoch; each worker visits its own range in a random order.

    A new order is drawn for every epoch, as in LIBLINEAR. It depends on the seed, the epoch and
    the worker, but not on ``lease``. Unlike :class:`Random`, this schedule visits no id twice
    before it has visited all of them.
    """

    def nbytes(self, world: World) -> int:
        """Bytes of the order of one epoch."""
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
        return {**super().state(), "passes": self.passes}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.passes = state["passes"]


@dataclass(frozen=True)
class Random(Schedule):
    """Draw ids of every worker's range uniformly, as Shotgun does (Bradley et al. 2011).

    The ids of one round are distinct; the next round draws from all ids again. Dependencies are
    not checked, so concurrent updates may interfere: this schedule is the baseline that shows how
    much a dependency filter helps.
    """

    def nbytes(self, world: World) -> int:
        """Bytes of the permutation of a worker's range that a draw of many ids makes."""
        return 8 * int(np.diff(world.partition.bounds).max(initial=0))

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Random(world, self)


class _Random(Policy):
    def __init__(self, world: World, schedule: Schedule) -> None:
        super().__init__(world, schedule.micro)
        self.lease = schedule.lease
        self.drawn = 0
        self.rng = np.random.default_rng([world.seed, 0x5407])

    def dispatch(self) -> Sequence[np.ndarray]:
        blocks = []
        for p in range(self.world.workers):
            first, last = self.span(p)
            count = min(self.lease, last - first)
            # Draw positions instead of ids: a list of all ids would take time in every round.
            places = first + self.rng.choice(last - first, count, replace=False)
            blocks.append(places if self.active is None else self.active[places])
            self.drawn += count
        return blocks

    def state(self) -> dict[str, Any]:
        return {**super().state(), "rng": self.rng.bit_generator.state, "drawn": self.drawn}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.rng.bit_generator.state = state["rng"]
        self.drawn = state["drawn"]

    def statistics(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "dispatched": self.drawn}
