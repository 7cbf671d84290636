"""The arms of the ablation: one schedule each."""

from __future__ import annotations

from typing import Final

from bench.schedules.slices import Sliced, blindfolded
from strads.engine import Correlation, Gram, Priority, Random, RoundRobin, Schedule

#: Arms without a dependency check, and arms with one.
UNCHECKED: Final = ("round-robin", "random", "priority")
CHECKED: Final = ("dependency", "both")
ARMS: Final = (*UNCHECKED, *CHECKED)
#: All workers' leases of a round together hold 1 / LEASES of the features, unless one micro-round
#: holds more. So feedback is equally recent for every number of workers and ids.
LEASES: Final = 32


def sizes(features: int, workers: int, ids: int) -> tuple[int, int]:
    """Ids of a worker's lease, and micro-rounds of it."""
    micro = max(1, round(features / (LEASES * workers * ids)))
    return ids * micro, micro


def schedule(
    arm: str, *, features: int, workers: int, ids: int, rho: float, looked: bool, slices: int
) -> Schedule:
    """Return the schedule of an arm.

    Parameters
    ----------
    arm : str
        One of `ARMS`.
    features, workers : int
    ids : int
        A worker's, in a micro-round.
    rho : float
        Smallest correlation that keeps two ids apart; for arms with a check.
    looked : bool
        Whether the program keeps its Gram matrix.
    slices : int
        Launches an epoch.
    """
    lease, micro = sizes(features, workers, ids)
    if arm == "round-robin":
        return Sliced.of(RoundRobin("features", lease=lease, micro=micro), slices)
    if arm == "random":
        return Sliced.of(Random("features", lease=lease, micro=micro), slices)
    coupling = Gram("G", "diagonal") if looked else Correlation("X")
    chosen = Priority(
        "features", lease=lease, micro=micro,
        rho=rho if arm in CHECKED else 1.0, coupling=coupling if arm in CHECKED else None,
    )  # fmt: skip
    return blindfolded(chosen, slices) if arm == "dependency" else Sliced.of(chosen, slices)
