"""When an epoch ends, and when a launch does."""

from __future__ import annotations

from dataclasses import dataclass

from strads.engine.schedules.base import Policy

#: Empty rounds in a row, with no feedback to come, after which a launch ends: a policy may skip
#: a few, but who hands out nothing and learns nothing would go on so for ever.
IDLE = 64


@dataclass
class Launch:
    """How far a launch of some epochs is.

    An epoch ends with its last round, where a policy is static, and else once as many ids have
    been handed out as are active. An empty round is no epoch. While feedback is to come it only
    means that everything is in flight; after `IDLE` of them without, the policy is exhausted.
    """

    epochs: int  # asked for
    done: int = 0
    visited: int = 0  # of the epoch that is under way: rounds (static policies) or ids
    in_flight: int = 0  # ids handed out whose feedback the policy has not seen
    idle: int = 0  # empty rounds in a row, nothing in flight

    @property
    def exhausted(self) -> bool:
        """Whether the policy has nothing left to hand out."""
        return self.idle >= IDLE

    @property
    def over(self) -> bool:
        """Whether the round that was counted last is the last one."""
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
        """Count the feedback of a round of `count` ids."""
        self.in_flight -= count
