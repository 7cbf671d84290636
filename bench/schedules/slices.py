"""Schedules that are measured several times an epoch, and a dependency filter without priority.

The engine measures between launches, and the shortest launch is an epoch: too coarse to see where
a run passes a gap of 1e-3. Behind these wrappers a launch is a slice of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from strads.engine import CompiledKernel, Lease, Policy, Priority, Schedule, World


@dataclass(frozen=True)
class Sliced(Schedule):
    """Another schedule, an epoch of which is `slices` launches.

    Parameters
    ----------
    inner : Schedule
        Hands out the ids.
    slices : int
    blind : bool
        Tell the inner policy that every update changed as much as every other: a
        :class:`Priority` then draws uniformly and is left with its dependency filter.
    """

    inner: Schedule = field(kw_only=True)
    slices: int = field(default=1, kw_only=True)
    blind: bool = field(default=False, kw_only=True)

    @classmethod
    def of(cls, inner: Schedule, slices: int, *, blind: bool = False) -> Sliced:
        """Wrap a schedule, with its axis and sizes."""
        return cls(inner.axis, lease=inner.lease, micro=inner.micro, inner=inner, slices=slices,
                   blind=blind)  # fmt: skip

    def capacity(self, world: World) -> int:
        """Ask the inner schedule."""
        return self.inner.capacity(world)

    def micro_max(self, world: World) -> int:
        """Ask the inner schedule."""
        return self.inner.micro_max(world)

    def kernels(self, world: World) -> dict[str, CompiledKernel]:
        """Ask the inner schedule."""
        return self.inner.kernels(world)

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Sliced(world, self)


class _Sliced(Policy):
    def __init__(self, world: World, schedule: Sliced) -> None:
        super().__init__(world, schedule.micro)
        self.inner = schedule.inner.start(world)
        self.slices = schedule.slices
        self.blind = schedule.blind

    @property
    def n_active(self) -> int:
        return -(-self.inner.n_active // self.slices)

    def activate(self, ids: Any, weights: Any = None) -> None:
        self.inner.activate(ids, weights)

    def restrain(self, factor: float) -> None:
        self.inner.restrain(factor)

    def fill(self, lease: Lease) -> None:
        self.inner.fill(lease)

    def observe(self, lease: Lease) -> None:
        if self.blind:
            lease.change[...] = 1.0
        self.inner.observe(lease)

    def state(self) -> dict[str, Any]:
        return self.inner.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.inner.restore(state)

    def statistics(self) -> dict[str, Any]:
        return self.inner.statistics()


def blindfolded(schedule: Priority, slices: int) -> Sliced:
    """Dependency without priority."""
    return Sliced.of(schedule, slices, blind=True)
