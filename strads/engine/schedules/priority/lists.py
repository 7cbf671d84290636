"""The policy of priority by lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

from strads.engine.compiling.requests import KernelRequest, request_kernel
from strads.engine.schedules.base import World
from strads.engine.schedules.lease import N_MICRO, Lease
from strads.engine.schedules.priority.policy import (
    FilteredPolicy,
    common_book,
    gains_of,
    spanned,
)
from strads.kernels.scheduling.lists import FULL, SWEPT, UNVISITED, ListBook, observe_list

#: A sweep over all ids takes so many leases, or more, for each round that the feedback lags behind:
#: nearly all of its changes are then known when the list is made of them.
SHARE = 4


class ListPolicy(FilteredPolicy):
    """Sweeps over all ids, then over lists of those that changed much, in turns."""

    @staticmethod
    def new_book(world: World, schedule: Any) -> ListBook:
        """Return the empty book of a run."""
        size = world.partition.size
        return ListBook(
            active=np.empty(0, np.int64), spans=world.partition.bounds.copy(),
            listed=np.zeros(max(size, 1), np.int64), change=np.full(max(size, 1), UNVISITED),
            queue=np.zeros((5, world.workers), np.int64), top=np.zeros(world.workers),
            floor=np.full(1, float(schedule.floor)), **common_book(world, schedule),
        )  # fmt: skip

    @staticmethod
    def own_kernels(book: Any) -> dict[str, KernelRequest]:
        """Request the kernel of lists."""
        ids, changes = numba.int64[:, ::1], numba.float64[:, ::1]
        return {"observe": request_kernel(observe_list, (book, ids, ids, changes, numba.int64))}

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
        self.book = spanned(book, self.world, self.active)

    def _bound(self) -> int | None:
        """Bound the lease where the feedback lags behind."""
        lag = self.world.look_ahead
        return self.n_active // (SHARE * lag * self.world.workers) if lag else None

    def observe(self, lease: Lease) -> None:
        """Note the changes of the ids of a finished lease."""
        micro, s = int(lease.info[N_MICRO]), self.schedule
        feedback = gains_of(lease) if s.feedback == "gain" else lease.change
        self.entries["observe"](self.book, lease.ids, lease.cuts, feedback, micro)

    def state(self) -> dict[str, Any]:
        """Return everything that a resumed run needs."""
        state = super().state()
        del state["book"]["active"], state["book"]["spans"]  # as `active` says
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state."""
        super().restore(state)
        self.book = spanned(self.book, self.world, self.active)

    def statistics(self) -> dict[str, Any]:
        """Return counts and other statistics by name."""
        return {"full_sweeps": int(self.book.queue[SWEPT].sum()), **super().statistics()}
