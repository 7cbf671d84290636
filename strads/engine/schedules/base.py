"""The interfaces of schedules (declarations) and policies (their states in a run)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.compiling.requests import KernelRequest
from strads.engine.errors import ProgramError
from strads.engine.fields import Field
from strads.engine.ids import whole_ids
from strads.engine.partition import Partition
from strads.engine.schedules.lease import Block, Lease, pack


@dataclass(frozen=True)
class World:
    """What a policy may know about its run.

    Attributes
    ----------
    partition : Partition
        Partition of the schedule's axis.
    workers : int
    costs : ndarray or None
        Cost of updating each id.
    seed : int
    look_ahead : int
        Number of rounds by which the feedback lags behind the leases that the policy fills.
    depth : int
        Number of earlier micro-rounds whose updates a push may not see yet.
    sequential : bool
        Whether a push sees its own earlier updates, so that ids of one block may depend on each
        other.
    arrays : mapping
        All arrays in the store by name; couplings and conflict graphs read them.
    kernels : mapping
        The compiled functions of :meth:`Schedule.kernels`, by name.
    made : mapping
        The arrays that :meth:`Schedule.make` returned, by name.
    spans : bool
        Whether kernels ask for ``span``, so that the ids of a micro-round must be in a row.
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
    spans: bool = False


@dataclass(frozen=True)
class Schedule:
    """Declares which worker updates which ids, and when; :meth:`start` makes a run's policy.

    Parameters
    ----------
    axis : str
        Axis of the ids that the schedule hands out.
    lease : int
        Largest number of ids per worker and round.
    micro : int
        Number of micro-rounds per round.
    """

    axis: str
    lease: int = field(default=1024, kw_only=True)
    micro: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse sizes that make no sense."""
        for name in ("lease", "micro"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ProgramError(f"{name}={value} must be at least 1")

    def capacity(self, world: World) -> int:
        """Number of ids per worker that a lease must have capacity for."""
        return min(self.lease, max(1, world.partition.size))

    def micro_max(self, world: World) -> int:
        """Largest number of micro-rounds of a lease."""
        return self.micro

    def micro_least(self, world: World) -> int:
        """Number of micro-rounds that a lease must have room for."""
        return self.micro_max(world)

    def kernels(self, world: World) -> Mapping[str, CompiledKernel | KernelRequest]:
        """Compile, in the leader, what the policy calls; it is passed on in ``world.kernels``.

        Kernels that are requested are compiled side by side.
        """
        return {}

    def make(self, world: World) -> dict[str, Any]:
        """Compute, in the leader, arrays for the policy; they are passed on in ``world.made``."""
        return {}

    def bare(self) -> Schedule:
        """Return the schedule without what only :meth:`make` and :meth:`kernels` need.

        The scheduler process outlives a run, so it must not keep code that a user may edit.
        """
        return self

    def nbytes(self, world: World) -> int:
        """Approximate bytes of a policy, without its leases; a run checks that they are left."""
        return 0

    def declared(self, fields: Mapping[str, Field]) -> None:
        """Refuse fields that the schedule names but cannot use; called before the layout.

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
    """State of a schedule in one run: observes finished rounds and fills the next leases.

    What a policy does depends on its seed and on the rounds that it observes, and on nothing else:
    it reads no clock. The simplest policies override :meth:`dispatch`; one that learns from the
    feedback also overrides :meth:`observe`.
    """

    #: Whether every epoch hands out every active id exactly once. Random keys then depend on the
    #: epoch, not on how the epoch is cut into rounds.
    static: bool = False
    #: Whether ids may go to other workers than those that hold them by the partition. A worker then
    #: is the holder of its ids for the round; kernels must write nothing else at those ids.
    moves_holders: bool = False
    #: Whether the policy hands out ids that others chose. Its rounds are then checked even if the
    #: policy belongs to this package.
    relays: bool = False
    #: Names of statistics that are not counts. They are not added up when the policy starts anew,
    #: which happens when its axis grows or its schedule is exchanged.
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
        """Restrict dispatching to these ids, or to those of a mask; None stands for all ids.

        `weights` say how important each id is; policies without priorities ignore them.

        Raises
        ------
        ProgramError
            If an id is not on the axis, or is not a whole number.
        """
        size = self.world.partition.size
        self.active = None if ids is None else np.unique(whole_ids(ids, size, "activate"))

    def restrain(self, factor: float) -> None:
        """Allow less dependence between ids that move together, by multiplying ρ by a factor.

        Policies without a dependency filter ignore it. Its effect ends when the axis grows.
        """

    def span(self, worker: int) -> tuple[int, int]:
        """Half-open range of positions of a worker's ids in the list of all active ids."""
        lo, hi = self.world.partition.range(worker)
        if self.active is None:
            return lo, hi
        first, last = np.searchsorted(self.active, [lo, hi])
        return int(first), int(last)

    def held(self, worker: int) -> Block:
        """Return the active ids in a worker's range; if all ids are active, without an array."""
        first, last = self.span(worker)
        return range(first, last) if self.active is None else self.active[first:last]

    def mine(self, worker: int) -> np.ndarray:
        """Return the active ids in a worker's range as an array."""
        return as_ids(self.held(worker))

    def fill(self, lease: Lease) -> None:
        """Write the next round into a lease."""
        pack(lease, self.dispatch(), self.micro)

    def dispatch(self) -> Sequence[np.ndarray]:
        """Return one array of ids per worker for the next round."""
        raise ProgramError(
            f"{type(self).__name__} defines neither dispatch(), which returns one array of ids "
            "per worker, nor fill(lease)"
        )

    def observe(self, lease: Lease) -> None:
        """Learn from a finished round."""

    def driven(self, lease: Lease) -> Any:
        """Return what a compiled loop needs to drive the policy; None if only Python can.

        Policies of this package have it: see :mod:`strads.engine.schedules.driven`. `lease` is a
        slot of the ring that the loop will fill.
        """
        return None

    def write_order(self) -> None:
        """Write the order of the next epoch for the compiled loop, which has asked for it."""

    def undriven(self) -> None:
        """Take over what the compiled loop has changed; called at the end of a launch."""

    def epoch_rounds(self) -> int:
        """Number of rounds in an epoch, if the policy is static."""
        return 1

    def state(self) -> dict[str, Any]:
        """Return everything that a resumed run needs."""
        return {"active": self.active}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        self.active = state["active"]

    def statistics(self) -> dict[str, Any]:
        """Return counts and other statistics by name."""
        return {}


def as_ids(block: Block) -> np.ndarray:
    """Return the ids of a block as an array."""
    return np.arange(block.start, block.stop) if isinstance(block, range) else block
