"""Who updates what, when, and what together."""

from strads.engine.schedules.base import EpochPolicy, Policy, Schedule, World
from strads.engine.schedules.colouring import Colouring
from strads.engine.schedules.coupling import Correlation, Coupled, Gram, Graph
from strads.engine.schedules.lease import Lease
from strads.engine.schedules.priority import Priority
from strads.engine.schedules.random import Random
from strads.engine.schedules.replay import Record, Replay
from strads.engine.schedules.rotation import Rotation
from strads.engine.schedules.roundrobin import RoundRobin
from strads.engine.schedules.shuffled import Shuffled

__all__ = [
    "Colouring", "Correlation", "Coupled", "EpochPolicy", "Gram", "Graph", "Lease", "Policy",
    "Priority", "Random", "Record", "Replay", "Rotation", "RoundRobin", "Schedule",
    "Shuffled", "World",
]  # fmt: skip
