"""The policy of priority by draws."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.engine.compiling.requests import KernelRequest, request_kernel
from strads.engine.schedules.base import World
from strads.engine.schedules.priority.policy import FilteredPolicy, common_book
from strads.kernels.random import derive
from strads.kernels.scheduling import draws
from strads.kernels.scheduling.clearance import DRAWS, KEY
from strads.kernels.scheduling.sumtree import sumtree_empty, sumtree_layout

#: Weight of an id that was never updated; it is so large that all such ids are drawn first.
UNVISITED = 1e30


class DrawPolicy(FilteredPolicy):
    """Draws ids with probability proportional to their last change plus a floor."""

    @staticmethod
    def new_book(world: World, schedule: Any) -> draws.DrawBook:
        """Return the empty book of a run."""
        tree, offsets = sumtree_empty(int(np.diff(world.partition.bounds).max(initial=1)))
        return draws.DrawBook(
            trees=np.zeros((world.workers, len(tree))), offsets=offsets, scale=np.zeros(2),
            **common_book(world, schedule),
        )  # fmt: skip

    @staticmethod
    def own_kernels(book: Any) -> dict[str, KernelRequest]:
        """Request the kernels of trees."""
        return {"reset": request_kernel(draws.reset, (book, numba.int64, numba.float64[::1]))}

    @staticmethod
    def own_nbytes(world: World) -> int:
        """Bytes of the trees, of the weights that one is built of, and of those of all ids."""
        longest = int(np.diff(world.partition.bounds).max(initial=1))
        trees = 8 * world.workers * sumtree_layout(longest)[0]
        return trees + 8 * longest + 8 * world.partition.size

    def __init__(self, world: World, schedule: Any) -> None:
        super().__init__(world, schedule)
        self.book.counts[KEY] = derive(world.seed, 0x9817)

    def _weigh(self, ids: np.ndarray | None, weights: np.ndarray | None) -> None:
        size = self.world.partition.size
        everything = np.zeros(size)
        everything[slice(None) if self.active is None else self.active] = UNVISITED
        if weights is not None:
            # Add a floor, as for feedback: an id of weight 0 would never be drawn.
            weights = weights + self.schedule.floor * weights.max(initial=0.0) + 1e-300
            everything[ids] = weights
            self.book.scale[0] = weights.max(initial=0.0)
        length = self.book.trees.shape[1] - self.book.offsets[-1]
        for p in range(self.world.workers):
            lo, hi = self.world.partition.range(p)
            padded = np.zeros(length)
            padded[: hi - lo] = everything[lo:hi]
            self.entries["reset"](self.book, p, padded)

    def _bound(self) -> int | None:
        """Leave ids to draw while earlier leases are under way.

        A lease that is swept several times is not bounded: it is a subproblem to be solved, and a
        part of it is not. With the bound, eight workers needed up to twelve times the updates on
        small subproblems of the Lasso.
        """
        if self.schedule.sweeps > 1:
            return None
        return self.n_active // (self.world.workers * (self.world.look_ahead + 2))

    def statistics(self) -> dict[str, Any]:
        """Return counts and other statistics by name."""
        return {"drawn": int(self.book.counts[DRAWS]), **super().statistics()}
