"""Policies that plan the rounds of a whole epoch at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.schedules.base import Policy, World, as_ids
from strads.engine.schedules.lease import Block, Lease, place


class EpochPolicy(Policy):
    """A static policy whose rounds are planned for a whole epoch at once."""

    static = True

    def __init__(self, world: World, micro: int = 1) -> None:
        super().__init__(world, micro)
        self.position = 0
        self._plan: Sequence[Sequence[Block]] | None = None

    def plan(self) -> Sequence[Sequence[Block]]:
        """Return the blocks of every round of an epoch, one block per worker."""
        raise ProgramError(
            f"{type(self).__name__} does not define plan(), which returns the blocks of every round"
        )

    def _rounds(self) -> Sequence[Sequence[Block]]:
        if self._plan is None:
            self._plan = self.plan() or [[range(0)] * self.world.workers]
        return self._plan

    def activate(self, ids: Any, weights: Any = None) -> None:
        """Restrict dispatching to these ids and begin a new epoch."""
        super().activate(ids, weights)
        self._plan, self.position = None, 0

    def epoch_rounds(self) -> int:
        """Number of rounds in an epoch."""
        return len(self._rounds())

    def fill(self, lease: Lease) -> None:
        """Write the next round into a lease.

        Changes are left as they are: static policies of this package learn from none, and
        :class:`~strads.engine.rounds.rounds.Rounds` sets them to zero for policies of users.
        """
        own = type(self).dispatch is not EpochPolicy.dispatch
        blocks = self.dispatch() if own or not self.world.spans else self._take()
        place(lease, blocks, self.micro, spans=self.world.spans)

    def dispatch(self) -> Sequence[np.ndarray]:
        """Return the blocks of the next round."""
        return [as_ids(block) for block in self._take()]

    def _take(self) -> Sequence[Block]:
        rounds = self._rounds()
        blocks = rounds[self.position]
        self.position = (self.position + 1) % len(rounds)
        return blocks

    def state(self) -> dict[str, Any]:
        """Return the active ids and the next round's number in its epoch."""
        return {**super().state(), "position": self.position}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        super().restore(state)
        self._plan, self.position = None, state["position"]


def in_leases(blocks: Sequence[Block], lease: int) -> list[list[Block]]:
    """Cut one long block per worker into rounds of at most `lease` ids per worker."""
    rounds = max(-(-len(block) // lease) for block in blocks)
    return [[block[k * lease : (k + 1) * lease] for block in blocks] for k in range(rounds)]
