"""Staleness: how many updates a push and a schedule have not seen yet, on average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Staleness:
    """Staleness of the pushes and of the schedule of one phase.

    A push misses exactly the pulls of the last `depth` micro-rounds, and a schedule the feedback of
    the last `look_ahead` rounds, except at the beginning of a launch, when there have been fewer.
    So it suffices to count rounds and micro-rounds, and how many there were at those beginnings.

    Parameters
    ----------
    depth : int
        Micro-rounds whose pulls a push may miss.
    look_ahead : int
        Rounds whose feedback a schedule may miss.
    """

    def __init__(self, depth: int, look_ahead: int) -> None:
        self.depth, self.look_ahead = depth, look_ahead
        self.pushes = self.missed_pulls = 0
        self.rounds = self.missed_rounds = 0
        self._since = 0  # micro-rounds since the launch began

    def begin(self) -> None:
        """Begin a launch: all pulls and all feedback of earlier launches have been seen."""
        self._since = 0

    def add(self, micro_rounds: int, unseen: int) -> None:
        """Count a round: its micro-rounds, and the rounds whose feedback its schedule missed."""
        self.rounds += 1
        self.missed_rounds += unseen
        first, self._since = self._since, self._since + micro_rounds
        self.pushes += micro_rounds
        self.missed_pulls += micro_rounds * self.depth
        for u in range(first, min(self._since, self.depth)):  # fewer than `depth` came before
            self.missed_pulls -= self.depth - u

    def statistics(self) -> dict[str, float]:
        """Bounds, and the means that were reached."""
        return {
            "depth": self.depth,
            "push_misses": self.missed_pulls / max(self.pushes, 1),
            "look_ahead": self.look_ahead,
            "schedule_misses": self.missed_rounds / max(self.rounds, 1),
        }

    def state(self) -> dict[str, int]:
        """Counts, for a checkpoint."""
        names = ("pushes", "missed_pulls", "rounds", "missed_rounds")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        vars(self).update(state)
