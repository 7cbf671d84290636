"""Count which ids the rounds of a phase hand out, within a small share of the time."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from strads.engine.schedules.base import World
from strads.engine.schedules.lease import COUNT, SWEEPS, Lease

#: Share of the time of rounds that counting may take; rounds beyond that are not counted.
SHARE = 0.005
#: An axis is counted in so many parts, unless ids are to be counted one by one.
PARTS = 256
#: Of an axis that changes its size often, so many sizes are told apart between two questions.
SIZES = 64


class Visited(NamedTuple):
    """How often ids have been handed out.

    Attributes
    ----------
    size : int
        Size of the axis at that time.
    counts : ndarray of int64
        Part k of K holds the ids with ``id * K // size == k``, in the order of the user's ids.
    counted, dispatched : int
        Visits that were counted, and all of them.
    """

    size: int
    counts: np.ndarray
    counted: int
    dispatched: int


class Visits:
    """Counts of one phase.

    Parameters
    ----------
    world : World
    parts : int, optional
        Into how many parts the axis is cut; None: every id is counted by itself.
    """

    def __init__(self, world: World, parts: int | None) -> None:
        self._parts = parts
        self._done: list[Visited] = []
        self.counted = self.dispatched = 0  # since the counts were last taken
        self._spent, self._since = 0.0, time.perf_counter()
        self.begin(world)

    def begin(self, world: World) -> None:
        """Go on with an axis that may have got another size."""
        self._flush()
        self.size, order = world.partition.size, world.partition.order
        count = self.size if self._parts is None else min(self._parts, self.size)
        self.counts = np.zeros(count, np.int64)
        self._order = order

    def add(self, lease: Lease) -> None:
        """Count a round, unless counting has taken too long already."""
        begun = time.perf_counter()
        visits = int(lease.info[COUNT] * lease.info[SWEEPS])
        self.dispatched += visits
        if self._spent > SHARE * (begun - self._since):
            return
        ids = np.concatenate([lease.block(p) for p in range(len(lease.ids))])
        if self._order is not None:
            ids = self._order[ids]
        if len(self.counts) < self.size:
            ids = ids.astype(np.int64) * len(self.counts) // self.size
        found = np.bincount(ids, minlength=len(self.counts))
        self.counts += found if lease.info[SWEEPS] == 1 else found * int(lease.info[SWEEPS])
        self.counted += visits
        self._spent += time.perf_counter() - begun

    def take(self) -> list[Visited]:
        """Return what was counted since the last call, by the sizes that the axis had."""
        self._flush()
        self.counts = np.zeros_like(self.counts)
        found, self._done = self._done, []
        return found

    def _flush(self) -> None:
        if self.dispatched:
            self._done.append(Visited(self.size, self.counts, self.counted, self.dispatched))
            del self._done[:-SIZES]
        self.counted = self.dispatched = 0


def taken(visits: Any) -> list[Visited]:
    """Return what a counter has counted; nothing if there is none."""
    return [] if visits is None else visits.take()
