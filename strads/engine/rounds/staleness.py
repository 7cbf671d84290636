"""How old what a push and a schedule see is, counted round by round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Staleness:
    """Counts of one phase.

    The protocol bounds both ages and the fused loop and :class:`~strads.engine.rounds.rounds.Rounds`
    keep to it exactly; what remains to be counted is how often a launch was too short, or had
    just begun, for them to be reached.

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
        self._since = 0  # micro-rounds of this launch

    def begin(self) -> None:
        """A launch begins; the one before has drained."""
        self._since = 0

    def add(self, micro_rounds: int, unseen: int) -> None:
        """Count a round: its micro-rounds, and the rounds that its schedule had not seen."""
        self.rounds += 1
        self.missed_rounds += unseen
        first, self._since = self._since, self._since + micro_rounds
        self.pushes += micro_rounds
        self.missed_pulls += micro_rounds * self.depth
        for u in range(first, min(self._since, self.depth)):  # there were not that many yet
            self.missed_pulls -= self.depth - u

    def statistics(self) -> dict[str, float]:
        """Bounds and means."""
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
        """Go on from :meth:`state`."""
        vars(self).update(state)
