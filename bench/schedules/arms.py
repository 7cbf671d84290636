"""The arms of the ablation: one schedule each, which is measured several times an epoch.

The engine measures between launches, and the shortest launch is an epoch: too coarse to see where
a run passes a gap of 1e-3. Every arm's schedule is therefore wrapped: a launch is a slice of an
epoch. The wrapper also makes of priority with a dependency filter one without priority.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from strads.engine import (
    CompiledKernel,
    Correlation,
    Gram,
    Lease,
    Policy,
    Priority,
    Random,
    RoundRobin,
    Schedule,
    World,
)

#: Arms without a dependency check, and arms with one.
UNCHECKED: Final = ("round-robin", "random", "priority")
CHECKED: Final = ("dependency", "both")
ARMS: Final = (*UNCHECKED, *CHECKED)
#: Not part of the ablation: `Priority` as it is by default, which goes by lists.
LISTS: Final = "lists"
#: All workers' leases of a round together hold 1 / LEASES of the features, unless one micro-round
#: holds more. So feedback is equally recent for every number of workers and ids.
LEASES: Final = 32


@dataclass(frozen=True)
class Sliced(Schedule):
    """Another schedule, `inner`, an epoch of which is `slices` launches.

    If `blind`, the inner policy is told that every update changed as much as every other: a
    :class:`Priority` then draws uniformly and is left with its dependency filter.
    """

    inner: Schedule = field(kw_only=True)
    slices: int = field(kw_only=True)
    blind: bool = field(kw_only=True)

    def capacity(self, world: World) -> int:
        return self.inner.capacity(world)

    def micro_max(self, world: World) -> int:
        return self.inner.micro_max(world)

    def kernels(self, world: World) -> dict[str, CompiledKernel]:
        return self.inner.kernels(world)

    def start(self, world: World) -> Policy:
        return _Sliced(world, self)


class _Sliced(Policy):
    def __init__(self, world: World, schedule: Sliced) -> None:
        super().__init__(world, schedule.micro)
        self.inner, self.slices = schedule.inner.start(world), schedule.slices
        self.blind = schedule.blind
        for name in ("activate", "restrain", "fill", "state", "restore", "statistics"):
            setattr(self, name, getattr(self.inner, name))

    @property
    def n_active(self) -> int:
        return -(-self.inner.n_active // self.slices)

    def observe(self, lease: Lease) -> None:
        if self.blind:
            lease.change[...] = 1.0
        self.inner.observe(lease)


def sizes(features: int, workers: int, ids: int) -> tuple[int, int]:
    """Ids of a worker's lease, and micro-rounds of it."""
    micro = max(1, round(features / (LEASES * workers * ids)))
    return ids * micro, micro


def schedule(
    arm: str, *, features: int, workers: int, ids: int, rho: float, looked: bool, slices: int
) -> Schedule:
    """Return the schedule of an arm, one of `ARMS` or `LISTS`, with `slices` launches an epoch.

    `ids` are those of a worker in a micro-round; `rho` is the smallest correlation that keeps two
    ids apart, in arms with a check; `looked` says whether the program keeps its Gram matrix.
    """
    lease, micro = sizes(features, workers, ids)
    given: dict[str, Any] = {"lease": lease, "micro": micro}
    if arm in ("round-robin", "random"):
        inner: Schedule = {"round-robin": RoundRobin, "random": Random}[arm]("features", **given)
    elif arm in (*CHECKED, LISTS):
        coupling = Gram("G", "diagonal") if looked else Correlation("X")
        how: dict[str, Any] = {} if arm == LISTS else {"by": "draws", **given}
        inner = Priority("features", rho=rho, coupling=coupling, **how)
    else:
        inner = Priority("features", rho=1.0, by="draws", **given)
    if slices == 1 and arm != "dependency":
        return inner  # as it is, it is driven by compiled code
    return Sliced("features", inner=inner, slices=slices, blind=arm == "dependency", **given)
