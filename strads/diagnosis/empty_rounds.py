"""What synchronisation alone costs: launches and rounds of a program that has next to no work."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from strads.engine import Phase, Program, RoundRobin, default_engine, derived, kernel, outbox

#: Launches of each kind, and rounds of a long one.
LAUNCHES, ROUNDS = 20, 400


class Cost(NamedTuple):
    """Seconds of a launch and of a round of two workers."""

    launch_seconds: float
    round_seconds: float


class Empty(Program):
    """Every worker has one id in a round. Short launches have two rounds, long ones `ROUNDS`."""

    stamp = derived("ids", private=True)
    sent = outbox("block")

    def __init__(self) -> None:
        super().__init__(ids=2 * ROUNDS)
        schedule = RoundRobin("ids", lease=2, micro=2)
        self.phases = {
            "call": Phase(push="push_nothing"),
            "rounds": Phase(push="push", pull="pull", schedule=schedule),
        }

    def cycle(self) -> Iterator[str]:
        """Yield a launch without rounds, and one with many."""
        yield "call"
        yield "rounds"

    @kernel
    def push_nothing(stamp: Any) -> None:
        """Do nothing."""

    @kernel
    def push(block: Any, stamp: Any, sent: Any) -> None:
        """Note that the ids of the block had their turn."""
        for i, j in enumerate(block):
            stamp[j] = 1.0
            sent[i] = 1.0

    @kernel
    def pull(block: Any, sent: Any) -> None:
        """Do nothing."""


def measure_rounds() -> Cost:
    """Measure the cost of launches and rounds of two workers, in a fraction of a second."""
    found = default_engine().run(Empty(), workers=2, epochs=LAUNCHES, seed=0).statistics
    if found["executor"] != "processes":
        return Cost(math.nan, math.nan)
    phases, rounds = found["phases"], found["schedules"]["rounds"]["micro_rounds"]
    launch = phases["call"]["seconds"] / phases["call"]["launches"]
    beyond = phases["rounds"]["seconds"] - launch * phases["rounds"]["launches"]
    return Cost(launch, max(beyond, 0.0) / rounds)
