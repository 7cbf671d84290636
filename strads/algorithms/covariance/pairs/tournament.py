"""A schedule of pairs: in every micro-round each variable is at one table at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

import numpy as np

from strads.engine import COUNT, N_MICRO, SWEEPS, EpochPolicy, Lease, Schedule, World

#: Blocks have at most 2**4 variables: sixteen numbers are two lines of the cache.
LARGEST: Final = 4
#: At least so many blocks, so that there are tables for several workers.
BLOCKS: Final = 64


class Tables(NamedTuple):
    """The tables at which `p` variables meet, in blocks of ``2**shift``.

    :mod:`strads.kernels.covariance.pairings` says who meets there. A table has as many pairs as
    ids, some of which may stand for nobody.
    """

    p: int
    shift: int

    @classmethod
    def of(cls, p: int) -> Self:
        """Return the tables of so many variables; blocks are larger if there are many."""
        shift = 0
        while shift < LARGEST and p >= (2 * BLOCKS) << shift:
            shift += 1
        return cls(p, shift)

    @property
    def blocks(self) -> int:
        """Number of blocks, and of the tables of the first round."""
        return -(-self.p // (1 << self.shift))

    @property
    def games(self) -> int:
        """Number of tables of each other round."""
        return (self.blocks + 1) // 2

    @property
    def each(self) -> int:
        """Number of pairs of a table."""
        return 1 << (2 * self.shift)

    @property
    def total(self) -> int:
        """Number of tables of all rounds."""
        return self.blocks + (self.blocks - 1 + self.blocks % 2) * self.games

    @property
    def pairs(self) -> int:
        """Number of pairs of all rounds."""
        return self.total * self.each

    def rounds(self) -> np.ndarray:
        """Return the pair with which each round begins, and the number of pairs."""
        later = np.arange(self.blocks, self.total + 1, self.games)
        return self.each * np.concatenate([[0], later])

    def starts_of(self, active: np.ndarray | None) -> np.ndarray:
        """Return where each table begins in a sorted list of pairs, and the length of the list.

        None is the list of all pairs.
        """
        if active is None:
            return self.each * np.arange(self.total + 1)
        return np.flatnonzero(np.diff(active >> (2 * self.shift), prepend=-1, append=self.total))


@dataclass(frozen=True)
class Tournament(Schedule):
    """Round-robin tournament of blocks of variables, a round in each micro-round.

    The ids are pairs. The tables of a round are cut among the workers, whoever holds the rows of
    their variables: no two tables of a micro-round share one.

    Parameters
    ----------
    axis : str
        Axis of the pairs.
    tables : Tables
    lease : int
        Largest number of ids per worker and round.
    micro : int
        Largest number of micro-rounds of a round.
    """

    tables: Tables = field(kw_only=True)
    lease: int = field(default=65_536, kw_only=True)
    micro: int = field(default=512, kw_only=True)

    def capacity(self, world: World) -> int:
        """Number of ids of as many rounds of the tournament as a lease may have."""
        # Where some tables have few active pairs, a part may end with a table more than its share.
        most = (-(-self.tables.blocks // world.workers) + 1) * self.tables.each
        return max(most, min(self.lease, most * self.micro))

    def nbytes(self, world: World) -> int:
        """Bytes of the list of active pairs, and of what is computed to cut it."""
        return 24 * world.partition.size

    def start(self, world: World) -> EpochPolicy:
        """Make the policy of one run."""
        return _Tournament(world, self)


def as_range(blocks: Sequence[Any]) -> range:
    """Return the only block of a round, which has the numbers of its micro-rounds."""
    found = blocks[0]
    assert isinstance(found, range)
    return found


class _Tournament(EpochPolicy):
    moves_holders = True

    def __init__(self, world: World, schedule: Tournament) -> None:
        super().__init__(world, schedule.micro)
        self.tables, self.capacity = schedule.tables, schedule.capacity(world)
        # By round of the tournament: where the part of each worker begins, and the last one ends.
        self.parts = np.zeros((0, world.workers + 1), np.int64)

    def plan(self) -> Sequence[Sequence[range]]:
        """Return, for each round, the range of its micro-rounds in the list of them."""
        self.parts = self._parts()
        filled = np.concatenate([[0], np.cumsum(np.diff(self.parts).max(axis=1, initial=0))])
        rounds, first = [], 0
        while first < len(self.parts):
            last = int(np.searchsorted(filled, filled[first] + self.capacity, side="right")) - 1
            last = min(last, first + self.micro)
            rounds.append([range(first, last)])
            first = last
        return rounds

    def _parts(self) -> np.ndarray:
        """Cut the pairs of each round among the workers, between two tables."""
        bounds, starts = self.tables.rounds(), self.tables.starts_of(self.active)
        if self.active is not None:  # positions in the list of active pairs
            bounds = np.unique(np.searchsorted(self.active, bounds))  # no empty rounds
        workers = self.world.workers
        shares = np.outer(np.diff(bounds), np.arange(workers + 1)) // workers
        return starts[np.searchsorted(starts, bounds[:-1, None] + shares)]

    def fill(self, lease: Lease) -> None:
        """Write the pairs of the next round, a round of the tournament in each micro-round."""
        rounds = self._rounds()
        chosen = as_range(rounds[self.position])
        self.position = (self.position + 1) % len(rounds)
        parts = self.parts[chosen.start : chosen.stop]
        for p in range(self.world.workers):
            begin, end = parts[:, p], parts[:, p + 1]
            cuts = np.concatenate([[0], np.cumsum(end - begin)])
            count = int(cuts[-1])
            places = np.arange(count) + np.repeat(begin - cuts[:-1], end - begin)
            lease.ids[p, :count] = places if self.active is None else self.active[places]
            lease.cuts[p, : len(cuts)] = cuts
        lease.info[COUNT] = (parts[:, -1] - parts[:, 0]).sum()
        lease.info[N_MICRO], lease.info[SWEEPS] = len(chosen), 1
