"""Decide when an epoch ends and when a launch ends."""

from __future__ import annotations

from dataclasses import dataclass

from strads.engine.schedules.base import Policy
from strads.kernels.driving.loop import IDLE_ROUNDS


@dataclass
class Launch:
    """Count the rounds and epochs of one launch.

    An epoch of a static policy ends with the last of its rounds. An epoch of any other policy ends
    once as many ids have been handed out as are active. An empty round alone never ends an epoch:
    while feedback is to come, all ids may just be in flight. After `IDLE_ROUNDS` empty rounds in a
    row with no feedback to come, the policy counts as exhausted, and the launch ends.
    """

    epochs: int  # to run
    done: int = 0
    visited: int = 0  # in the current epoch: rounds of a static policy, ids of any other
    in_flight: int = 0  # ids handed out whose feedback the policy has not seen
    idle: int = 0  # empty rounds in a row while nothing was in flight

    @property
    def exhausted(self) -> bool:
        """Whether the policy has nothing left to hand out."""
        return self.idle >= IDLE_ROUNDS

    @property
    def over(self) -> bool:
        """Whether the round that was counted last is the last one of the launch."""
        return self.done >= self.epochs or self.exhausted

    def hand_out(self, policy: Policy, count: int) -> bool:
        """Count a round of `count` ids; return whether it ends an epoch."""
        static = policy.static
        self.visited += 1 if static else count
        ends = self.visited >= (policy.epoch_rounds() if static else policy.n_active)
        if ends:
            self.done, self.visited = self.done + 1, 0
        waits = static or ends or count > 0 or self.in_flight > 0
        self.idle = 0 if waits else self.idle + 1
        self.in_flight += count
        return ends

    def take_in(self, count: int) -> None:
        """Count that the policy has seen the feedback of a round of `count` ids."""
        self.in_flight -= count
