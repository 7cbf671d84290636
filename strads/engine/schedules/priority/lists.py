"""The policy of priority by lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.engine.schedules.base import World
from strads.engine.schedules.priority.policy import common_book, spanned
from strads.engine.schedules.priority.swept import SweptPolicy
from strads.kernels.scheduling.lists import FULL, SWEPT, UNVISITED, ListBook


class ListPolicy(SweptPolicy):
    """Sweeps over all ids, then over lists of those that changed much, in turns."""

    @staticmethod
    def new_book(world: World, schedule: Any) -> Any:
        """Return the empty book of a run."""
        size = world.partition.size
        return ListBook(
            active=np.empty(0, np.int64), spans=world.partition.bounds.copy(),
            listed=np.zeros(max(size, 1), np.int64), change=np.full(max(size, 1), UNVISITED),
            queue=np.zeros((5, world.workers), np.int64), top=np.zeros(world.workers),
            floor=np.full(1, float(schedule.floor)), **common_book(world, schedule),
        )  # fmt: skip

    @staticmethod
    def own_nbytes(world: World) -> int:
        """Bytes of the active ids, of those listed, and of the changes of all."""
        return 24 * world.partition.size

    def _weigh(self, ids: np.ndarray | None, weights: np.ndarray | None) -> None:
        book = self.book
        book.change[:] = UNVISITED if self.active is None else 0.0
        if self.active is not None:
            book.change[self.active] = UNVISITED
        if weights is not None:
            book.change[ids] = weights
        book.queue[:] = 0
        book.queue[FULL] = weights is not None  # the first list is made of the weights
        self.book = spanned(book, self.world, self._swept())

    def statistics(self) -> dict[str, Any]:
        """Return counts and other statistics by name."""
        return {"full_sweeps": int(self.book.queue[SWEPT].sum()), **super().statistics()}
