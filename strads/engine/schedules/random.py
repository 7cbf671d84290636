"""Random: uniformly drawn ids of every worker's range, as Shotgun does (Bradley et al. 2011)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.schedules.base import Policy, Schedule, World


@dataclass(frozen=True)
class Random(Schedule):
    """Draw ids uniformly: distinct within a round, with replacement over rounds.

    No dependency check: concurrent updates may interfere, which is what the ablations measure.
    """

    def nbytes(self, world: World) -> int:
        """A permutation of a worker's places, which a draw of many of them takes."""
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
            # Places are drawn, not ids: a list of all ids a round would cost as much as they are.
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
