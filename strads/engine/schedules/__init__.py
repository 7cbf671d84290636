"""Schedules: which worker updates which ids, when, and which ids move together."""

from strads.engine.schedules.base import EpochPolicy, Policy, Schedule, World
from strads.engine.schedules.colouring import Colouring
from strads.engine.schedules.coupling import Correlation, Coupled, Gram, Graph
from strads.engine.schedules.lease import Lease
from strads.engine.schedules.priority import Priority
from strads.engine.schedules.replay import Record, Replay
from strads.engine.schedules.rotation import Rotation
from strads.engine.schedules.static import Random, RoundRobin, Shuffled

__all__ = [
    "Colouring", "Correlation", "Coupled", "EpochPolicy", "Gram", "Graph", "Lease", "Policy",
    "Priority", "Random", "Record", "Replay", "Rotation", "RoundRobin", "Schedule",
    "Shuffled", "World",
]  # fmt: skip
