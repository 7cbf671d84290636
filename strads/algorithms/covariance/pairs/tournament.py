"""A schedule of pairs: in every round each variable is in one pair at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

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
    micro: int = field(default=512, kw_only=True)

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


def as_range(blocks: Sequence[Any]) -> range:
    """Return the only block of a round, which has the numbers of its matchings."""
    matchings = blocks[0]
    assert isinstance(matchings, range)
    return matchings


class _Tournament(EpochPolicy):
    moves_holders = True

    def __init__(self, world: World, schedule: Tournament) -> None:
        super().__init__(world, schedule.micro)
        self.tables, self.capacity = schedule.tables, schedule.capacity(world)
        self.bounds = np.zeros(1, np.int64)  # where each matching begins, and where the last ends

    def plan(self) -> Sequence[Sequence[range]]:
        """Return, for each round, the range of its matchings in the list of them."""
        size, workers = self.world.partition.size, self.world.workers
        bounds = np.arange(0, size + 1, self.tables)
        if self.active is not None:  # positions in the list of active pairs
            bounds = np.unique(np.searchsorted(self.active, bounds))  # no empty matchings
        self.bounds = bounds
        most = -(-np.diff(bounds) // workers)  # ids of one worker
        filled = np.concatenate([[0], np.cumsum(most)])
        rounds, first = [], 0
        while first < len(most):
            last = int(np.searchsorted(filled, filled[first] + self.capacity, side="right")) - 1
            last = min(last, first + self.micro)
            rounds.append([range(first, last)])
            first = last
        return rounds

    def fill(self, lease: Lease) -> None:
        """Write the matchings of the next round, one a micro-round."""
        rounds = self._rounds()
        matchings = as_range(rounds[self.position])
        self.position = (self.position + 1) % len(rounds)
        bounds = self.bounds[matchings.start : matchings.stop + 1]
        first, length, workers = bounds[:-1], np.diff(bounds), self.world.workers
        for p in range(workers):
            begin, end = first + p * length // workers, first + (p + 1) * length // workers
            cuts = np.concatenate([[0], np.cumsum(end - begin)])
            count = int(cuts[-1])
            places = np.arange(count) + np.repeat(begin - cuts[:-1], end - begin)
            lease.ids[p, :count] = places if self.active is None else self.active[places]
            lease.cuts[p, : len(cuts)] = cuts
        lease.info[N_MICRO], lease.info[COUNT] = len(matchings), int(length.sum())
        lease.info[SWEEPS] = 1
