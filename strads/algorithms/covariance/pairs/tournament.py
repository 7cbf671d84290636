"""A schedule of pairs: in every round each variable is in one pair at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from strads.engine import COUNT, N_MICRO, SWEEPS, EpochPolicy, Lease, Schedule, World


def pairs_of(p: int) -> int:
    """Return the number of pairs of a tournament of p players, pairs that stand for a rest too."""
    q = p + p % 2
    return (q - 1) * (q // 2)


@dataclass(frozen=True)
class Tournament(Schedule):
    """Round-robin tournament: p − 1 perfect matchings, one a micro-round.

    The ids are pairs; :func:`strads.kernels.covariance.pair_updates.pair_of` says whose. The pairs
    of a matching have consecutive ids. They are cut among the workers, whoever holds the rows of
    their variables: no two pairs of a micro-round share one.

    Parameters
    ----------
    axis : str
        Axis of the pairs.
    tables : int
        Number of pairs of a matching.
    lease : int
        Largest number of ids per worker and round.
    micro : int
        Largest number of matchings of a round.
    """

    tables: int = 1
    lease: int = field(default=65_536, kw_only=True)
    micro: int = field(default=64, kw_only=True)

    def capacity(self, world: World) -> int:
        """Number of ids of as many matchings as a lease may have."""
        most = -(-self.tables // world.workers)  # of a matching
        return max(most, min(self.lease, most * self.micro))

    def nbytes(self, world: World) -> int:
        """Bytes of the list of active pairs."""
        return 16 * world.partition.size

    def start(self, world: World) -> EpochPolicy:
        """Make the policy of one run."""
        return _Tournament(world, self)


class _Tournament(EpochPolicy):
    moves_holders = True

    def __init__(self, world: World, schedule: Tournament) -> None:
        super().__init__(world, schedule.micro)
        self.tables, self.capacity = schedule.tables, schedule.capacity(world)

    def plan(self) -> Sequence[Sequence[range]]:
        """Return, for each round, the positions in the list of active pairs of its matchings."""
        workers = self.world.workers
        rounds: list[list[range]] = []
        filled = self.capacity
        for lo, hi in self._matchings():
            most = -(-(hi - lo) // workers)
            if filled + most > self.capacity or len(rounds[-1]) == self.micro:
                rounds.append([])
                filled = 0
            rounds[-1].append(range(lo, hi))
            filled += most
        return rounds

    def _matchings(self) -> list[tuple[int, int]]:
        """Return where each matching begins and ends; those without active pairs are left out."""
        size = self.world.partition.size
        bounds = np.arange(0, size + 1, self.tables)
        if self.active is not None:
            bounds = np.unique(np.searchsorted(self.active, bounds))
        return list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))

    def fill(self, lease: Lease) -> None:
        """Write the matchings of the next round, one a micro-round."""
        rounds = self._rounds()
        matchings = rounds[self.position]
        self.position = (self.position + 1) % len(rounds)
        workers, count = self.world.workers, 0
        lease.cuts[:, 0] = 0
        for m, places in enumerate(matchings):
            for p in range(workers):
                part = range(
                    places.start + p * len(places) // workers,
                    places.start + (p + 1) * len(places) // workers,
                )
                first = int(lease.cuts[p, m])
                last = first + len(part)
                lease.ids[p, first:last] = (
                    np.arange(part.start, part.stop)
                    if self.active is None
                    else self.active[part.start : part.stop]
                )
                lease.change[p, first:last] = 0.0
                lease.cuts[p, m + 1] = last
            count += len(places)
        lease.info[N_MICRO], lease.info[COUNT], lease.info[SWEEPS] = len(matchings), count, 1
