"""The policy of priority by lists under a coupling."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.engine.schedules.base import World
from strads.engine.schedules.priority.lists import ListPolicy
from strads.engine.schedules.priority.policy import common_book
from strads.kernels.scheduling.clearance import LONG_AGO
from strads.kernels.scheduling.grouping import ALL_KNOWN, STAMP
from strads.kernels.scheduling.groups import GroupBook
from strads.kernels.scheduling.lists import UNVISITED

#: Most ids of all workers that are put into groups together. With twice as many, an id took nearly
#: twice as long, and groups were as full.
TOGETHER = 1024


class GroupPolicy(ListPolicy):
    """Sweeps over all ids, then over lists of those that changed much, in groups.

    No two ids of a group conflict. Which ids can be in one is found out once for all ids, and once
    for each list.
    """

    @staticmethod
    def new_book(world: World, schedule: Any) -> GroupBook:
        """Return the empty book of a run."""
        size, workers = max(world.partition.size, 1), world.workers
        groups, per = schedule.micro_max(world), schedule.per
        places = workers * per * schedule.micros
        common = common_book(world, schedule) | {
            "waiting": np.zeros((workers, 1), np.int64), "deferrals": np.zeros(1, np.int64),
            "spent": np.zeros((workers, groups)),
        }  # fmt: skip
        return GroupBook(
            active=np.empty(0, np.int64), spans=world.partition.bounds.copy(),
            listed=np.zeros(size, np.int64), change=np.full(size, UNVISITED),
            queue=np.zeros((5, workers), np.int64), top=np.zeros(workers),
            floor=np.full(1, float(schedule.floor)), plan=np.zeros(5, np.int64), rho=np.zeros(1),
            order=np.zeros(size, np.int64), marks=np.zeros((2, size), np.int64),
            group=np.zeros(size, np.int64), members=np.zeros((workers, groups, per), np.int64),
            sizes=np.zeros((workers, groups), np.int64), barred=np.zeros(groups, np.int64),
            strong=np.zeros(2 * places, np.int64), **common,
        )  # fmt: skip

    @staticmethod
    def own_nbytes(world: World) -> int:
        """Bytes of lists and groups: ids, changes, orders, marks."""
        return 56 * world.partition.size

    def _bound(self) -> int:
        """Bound the lease: what it costs to group an id grows with the ids of the lease."""
        lagging, most = super()._bound(), max(TOGETHER // self.world.workers, 1)
        return most if lagging is None else min(most, lagging)

    def _weigh(self, ids: np.ndarray | None, weights: np.ndarray | None) -> None:
        super()._weigh(ids, weights)
        plan = self.book.plan
        plan[ALL_KNOWN:STAMP] = 0
        self.book.stamps[:] = LONG_AGO
