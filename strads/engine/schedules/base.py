"""Schedules (declarations) and policies (pure state machines): the small interface of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.errors import ProgramError
from strads.engine.fields import Field
from strads.engine.partition import Partition
from strads.engine.schedules.lease import Lease, pack
from strads.engine.schedules.validation import whole_ids

#: Ids of one worker, in order; all ids of a range need not be listed to be handed out.
Block = np.ndarray | range


@dataclass(frozen=True)
class World:
    """What a policy may know of its run.

    Attributes
    ----------
    partition : Partition
        Of the schedule's axis.
    workers : int
    costs : ndarray or None
        Cost of visiting each id.
    seed : int
    look_ahead, depth : int
        How far behind the feedback is, in rounds; earlier micro-rounds still in flight.
    sequential : bool
        Whether a push sees its own earlier updates, so ids of one block may depend.
    arrays : mapping
        Everything in the store, read by couplings and graphs.
    kernels : mapping
        Compiled functions that the schedule asked for, by name.
    made : mapping
        What :meth:`Schedule.make` returned, by name.
    """

    partition: Partition
    workers: int
    costs: np.ndarray | None = None
    seed: int = 0
    look_ahead: int = 1
    sequential: bool = False
    arrays: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0
    kernels: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Schedule:
    """Declares who updates what, when; :meth:`start` makes the policy of one run.

    Parameters
    ----------
    axis : str
        Axis of the dispatched ids.
    lease : int
        Ids a worker and round, at most.
    micro : int
        Micro-rounds a round.
    """

    axis: str
    lease: int = field(default=1024, kw_only=True)
    micro: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse sizes that make no sense."""
        for name in ("lease", "micro"):
            if getattr(self, name) < 1:
                raise ProgramError(f"{name}={getattr(self, name)} must be at least 1")

    def capacity(self, world: World) -> int:
        """Ids that a lease must have room for, a worker."""
        return min(self.lease, max(1, world.partition.size))

    def micro_max(self, world: World) -> int:
        """Most micro-rounds of a lease."""
        return self.micro

    def kernels(self, world: World) -> dict[str, CompiledKernel]:
        """Compile, on the leader, what the policy calls; it finds them in ``world.kernels``."""
        return {}

    def make(self, world: World) -> dict[str, Any]:
        """Compute, on the leader, arrays that the policy reads; it finds them in ``world.made``."""
        return {}

    def bare(self) -> Schedule:
        """Return the schedule without what only :meth:`make` and :meth:`kernels` need.

        A process that stays must not keep what a user may edit.
        """
        return self

    def nbytes(self, world: World) -> int:
        """Bytes that a policy takes beside its leases, about; a run asks for them beforehand."""
        return 0

    def declared(self, fields: Mapping[str, Field]) -> None:
        """Refuse fields that the schedule names and cannot use, before anything is laid out.

        Parameters
        ----------
        fields : mapping
            All declared fields of the program, by name.

        Raises
        ------
        ProgramError
        """

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        raise ProgramError(
            f"{type(self).__name__} does not define start(world), which makes its policy"
        )


class Policy:
    """A pure state machine: finished rounds in, leases out; no clock, no hidden randomness.

    The simplest one overrides :meth:`dispatch`; one that learns also :meth:`observe`.
    """

    #: Every active id exactly once an epoch; then random keys depend on the epoch alone.
    static: bool = False
    #: Whether an id may go to a worker other than the one that holds it by the partition, who is
    #: then its holder for the round. For programs whose kernels write nothing else at that id.
    moves_holders: bool = False
    #: Whether it hands out ids that somebody else chose: a round of them is checked even where
    #: the policy itself is of this package.
    relays: bool = False
    #: Statistics that are not counts: not added up when a policy begins anew, as it does when its
    #: axis grows or it is exchanged.
    levels: ClassVar[frozenset[str]] = frozenset({"waiting", "colours", "rho", "lease"})

    def __init__(self, world: World, micro: int = 1) -> None:
        self.world = world
        self.micro = micro
        self.active: np.ndarray | None = None  # sorted ids, or None for all

    @property
    def n_active(self) -> int:
        """Number of active ids."""
        return self.world.partition.size if self.active is None else len(self.active)

    def activate(self, ids: Any, weights: Any = None) -> None:
        """Restrict dispatching to these ids, or to those of a mask; None means all.

        ``weights`` say how important each is; policies without priorities ignore them.

        Raises
        ------
        ProgramError
            If an id is not on the axis, or is no whole number.
        """
        size = self.world.partition.size
        self.active = None if ids is None else np.unique(whole_ids(ids, size, "activate"))

    def restrain(self, factor: float) -> None:
        """Let ids depend less on each other that move together; a policy without a filter can't.

        A policy begins unrestrained whenever its axis grows.
        """

    def span(self, worker: int) -> tuple[int, int]:
        """First and last place, among the active ids, of a worker's."""
        lo, hi = self.world.partition.range(worker)
        if self.active is None:
            return lo, hi
        first, last = np.searchsorted(self.active, [lo, hi])
        return int(first), int(last)

    def held(self, worker: int) -> Block:
        """Active ids in a worker's range; where all are, as a range, which takes no room."""
        first, last = self.span(worker)
        return range(first, last) if self.active is None else self.active[first:last]

    def mine(self, worker: int) -> np.ndarray:
        """Active ids in a worker's range."""
        return as_ids(self.held(worker))

    def fill(self, lease: Lease) -> None:
        """Write the next round."""
        pack(lease, self.dispatch(), self.micro)

    def dispatch(self) -> Sequence[np.ndarray]:
        """Return one array of ids a worker for the next round."""
        raise ProgramError(
            f"{type(self).__name__} defines neither dispatch(), which returns one array of ids a "
            "worker, nor fill(lease)"
        )

    def observe(self, lease: Lease) -> None:
        """Learn from a finished round."""

    def epoch_rounds(self) -> int:
        """Rounds in an epoch, of a static policy."""
        return 1

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs."""
        return {"active": self.active}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        self.active = state["active"]

    def statistics(self) -> dict[str, Any]:
        """What there is to count."""
        return {}


class EpochPolicy(Policy):
    """A static policy: the rounds of one epoch are known beforehand and repeat."""

    static = True

    def __init__(self, world: World, micro: int = 1) -> None:
        super().__init__(world, micro)
        self.position = 0
        self._plan: Sequence[Sequence[Block]] | None = None

    def plan(self) -> Sequence[Sequence[Block]]:
        """Return the blocks of every round of an epoch: arrays of ids, or ranges."""
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
        """Rounds in an epoch."""
        return len(self._rounds())

    def dispatch(self) -> Sequence[np.ndarray]:
        """Return the blocks of the next round."""
        rounds = self._rounds()
        blocks = rounds[self.position]
        self.position = (self.position + 1) % len(rounds)
        return [as_ids(block) for block in blocks]

    def state(self) -> dict[str, Any]:
        """Active ids and the place in the epoch."""
        return {**super().state(), "position": self.position}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        super().restore(state)
        self._plan, self.position = None, state["position"]


def as_ids(block: Block) -> np.ndarray:
    """Return the ids of a block as an array."""
    return np.arange(block.start, block.stop) if isinstance(block, range) else block


def in_leases(blocks: Sequence[Block], lease: int) -> list[list[Block]]:
    """Cut one long block a worker into rounds of at most `lease` ids."""
    rounds = max(-(-len(block) // lease) for block in blocks)
    return [[block[k * lease : (k + 1) * lease] for block in blocks] for k in range(rounds)]
