"""Coordinate descent on both factors, row by row: the algorithm of STRADS, with blocks.

The descent of a row is in :mod:`strads.kernels.factors.row_blocks`. The objective is that of
:mod:`strads.algorithms.factorization.programs.rows` plus 2κ‖w‖₁ for every row (times the number of
its entries, if penalties are scaled). Factors can be constrained to be non-negative.

A schedule dispatches the rows, so that rows can be skipped: under ``"priority"`` half an epoch
visits only the rows that moved most at their last visit; every :data:`LOOK`-th epoch visits all
rows. In the figures, a row that is skipped counts with the values of its last visit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from strads.algorithms.factorization.programs.rows import (
    GRAM_PHASES,
    SIDES,
    WIDTH,
    RowwiseFactorization,
    alternate,
)
from strads.algorithms.factorization.programs.skipping import Skipping
from strads.engine import Phase, RoundRobin, derived, kernel, scratch
from strads.kernels.factors.row_blocks import (
    BIASED,
    GRAM,
    L1,
    NEW_COST,
    NONNEGATIVE,
    PENALTY,
    SCALED,
    STEP,
    SWEEPS,
    WORK,
    row_blocks,
)
from strads.kernels.factors.row_terms import Side, clear_row, dot_rows, row_penalty

#: Under "priority", one in so many epochs visits all rows.
LOOK = 4
#: A row stays active if its last move was at least this share of the root mean square of all moves.
ACTIVE = 0.5
#: Number of sweeps of coordinate descent over a block.
INNER = 2


class CoordinateFactorization(RowwiseFactorization):
    """Coordinate descent; see the module's docstring.

    Parameters
    ----------
    l1 : (float, float)
        κ of users and of items.
    nonnegative : bool
        Whether to constrain all factors to be ≥ 0.
    schedule : {"auto", "round-robin", "priority"}
        Whether epochs visit all rows or skip rows that hardly move; "auto": wherever that pays,
        see :mod:`strads.algorithms.factorization.programs.skipping`.
    priorities : (ndarray or None, ndarray or None)
        By which the last move of each user, and of each item, is multiplied before it is decided
        whether the row is skipped; None: 1 for all.
    shuffle : int, optional
        Seed for a new random order of the coordinates in every epoch; None: always the same order.
        The result has the coordinates in the order of the start values.
    **given
        See :class:`~strads.algorithms.factorization.programs.rows.RowwiseFactorization`.
    """

    step = derived("step_", dtype=np.float32)
    work = scratch("work_rows", "rank", dtype=np.float32)
    room = scratch("longest", dtype=np.float32)
    user_moved = derived("users", dtype=np.float32)
    item_moved = derived("items", dtype=np.float32)

    def __init__(
        self, *, l1: tuple[float, float] = (0.0, 0.0), nonnegative: bool = False,
        schedule: str = "round-robin", shuffle: int | None = None,
        priorities: tuple[np.ndarray | None, np.ndarray | None] = (None, None), **given: Any,
    ) -> None:  # fmt: skip
        super().__init__(work_rows=WORK, step_=STEP, **given)
        # The base class has sorted the entries by rows and by columns, which may take seconds.
        self.given["longest"] = max(
            int(np.diff(self.given[name].indptr).max(initial=1)) for name in ("R", "C")
        )
        self.l1, self.nonnegative, self.priority = l1, nonnegative, schedule != "round-robin"
        self.skipping = Skipping() if schedule == "auto" else None
        self.ranks = dict(zip(("users", "items"), priorities, strict=True))
        self.skipped = False  # whether this epoch skips rows
        self.noted = 0  # visits before the last figures
        self.phases = {
            **GRAM_PHASES,
            "users": _half("users", ("H", "c")),
            "items": _half("items", ("W", "b")),
        }
        self.done = 0
        self.visited = 0  # number of visits of rows, of both sides
        self.shuffle = shuffle

    def start(self, rng: np.random.Generator) -> None:
        """Fill factors that were not given; the mean product of non-negative ones is that of X."""
        super().start(rng)
        if self.nonnegative:
            size = self.size["users"] * self.size["items"] if self.everything else self.entries
            mean = abs(float(self.R.data.sum(dtype=np.float64))) / max(size, 1)
            for name in {"W", "H"} - set(self.given):
                factor = self.state[name][:, : self.components]
                # |uniform in ±WIDTH/2| has the mean WIDTH / 4.
                factor *= 4.0 / WIDTH * np.sqrt(mean)
                np.abs(factor, out=factor)

    def cycle(self) -> Iterator[str]:
        """Yield the users' half, then the items' half; under priority, of the active rows only."""
        order = self._shuffled()
        self.skipped = self.priority and self.done % LOOK > 0
        if self.skipping is not None:
            self.skipped = self.skipped and self.skipping.skips()
        try:
            for phase in alternate(self):
                if phase in ("users", "items"):
                    self._activate(phase)
                yield phase
        finally:  # also if a process dies in one of these phases
            self._permute(np.argsort(order))
        self.done += 1

    def _shuffled(self) -> np.ndarray:
        """Bring the coordinates into the order of this epoch, and return it."""
        if self.shuffle is None:
            return np.arange(self.components)
        order = np.random.default_rng([self.shuffle, self.done]).permutation(self.components)
        self._permute(order)
        return order

    def _permute(self, order: np.ndarray) -> None:
        if self.shuffle is not None:
            for factor in (self.W, self.H):
                factor[:, : self.components] = factor[:, order]

    def _activate(self, side: str) -> None:
        moved = self.user_moved if side == "users" else self.item_moved
        active = None
        if self.skipped:
            moves = moved if self.ranks[side] is None else moved * self._ranks(side)
            active = np.flatnonzero(moves >= ACTIVE * np.sqrt(np.mean(np.square(moves))))
        if self.priority:  # no weights are given: each active row is dispatched once
            self.tell(side, "activate", active)
        self.visited += len(moved) if active is None else len(active)

    def _ranks(self, side: str) -> Any:
        """Return the priorities of a side, in the order of its rows in this run."""
        order, ranks = self.partitions[side].order, self.ranks[side]
        return ranks if order is None or ranks is None else ranks[order]

    def take(self, side: str) -> None:
        """Prepare the half of a side: "users" or "items"."""
        super().take(side)
        users = side == "users"
        step = np.zeros(STEP)
        step[PENALTY], step[SCALED] = self.penalty[0 if users else 1], self.scaled
        step[L1], step[NONNEGATIVE] = self.l1[0 if users else 1], self.nonnegative
        step[BIASED], step[GRAM], step[SWEEPS] = self.biased, self.everything, INNER
        step[NEW_COST] = users
        self.step[:] = step

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Return the figures of the base class, and the number of visits of rows so far."""
        found = {**super().progress(parts), "rows": float(self.visited)}
        if self.skipping is not None:
            visits, self.noted = self.visited - self.noted, self.visited
            self.skipping.note(found["objective"], visits, skipped=self.skipped)
            found["skipped"] = float(self.skipped)
        return found

    def save_state(self) -> dict[str, Any]:
        """Return the state of early stopping and the numbers of epochs and of visits so far."""
        chosen = {} if self.skipping is None else self.skipping.save_state()
        return {
            **super().save_state(), "done": self.done, "visited": self.visited,
            "noted": self.noted, "skipping": chosen,
        }  # fmt: skip

    def load_state(self, state: Any) -> None:
        """Continue from :meth:`save_state`."""
        super().load_state(state)
        self.done, self.visited = state["done"], state["visited"]
        self.noted = state["noted"]
        if self.skipping is not None:
            self.skipping.load_state(state["skipping"])

    @kernel
    def push(
        block, X, F, beta, G, gamma, S, terms, step, work, room, cost, value, moved, change
    ):  # fmt: skip
        side, x, j, at = Side(G, gamma, S), X.data, X.indices, X.indptr
        for n, i in enumerate(block):
            lo, hi = at[i], at[i + 1]
            cost[i] = cost_of(F, i, beta[i], hi - lo, step)
            beta[i], value[i], squares = descend_row(
                x, j, lo, hi, F, i, beta[i], side, terms, step, work, room
            )
            moved[i] = change[n] = np.sqrt(squares)
            if step[NEW_COST] > 0.0:
                cost[i] = cost_of(F, i, beta[i], hi - lo, step)


@kernel
def cost_of(W, w, beta, entries, step):
    """Return the penalty of a row."""
    cost = row_penalty(step, entries) * (dot_rows(W, w, W, w) + beta * beta)
    if step[L1] > 0.0:
        size = 0.0
        for f in range(W.shape[1]):
            size += abs(W[w, f])
        cost += 2.0 * size * step[L1] * (entries if step[SCALED] > 0.0 else 1)
    return cost


@kernel
def descend_row(x, j, lo, hi, W, w, beta, side, terms, step, work, room):
    """Descend on the coordinates of a row; a row without entries becomes zero."""
    if lo == hi:
        clear_row(W, w)
        return beta * 0, 0.0, 0.0
    beta, value, moved = row_blocks(x, j, lo, hi, W, w, beta, side, terms, step, work, room)
    return beta, np.float64(value), np.float64(moved)


def _half(side: str, frozen: tuple[str, ...]) -> Phase:
    return Phase(
        schedule=RoundRobin(side, lease=4096), where=SIDES[side],
        frozen=(*frozen, "S", "terms", "step"),
    )  # fmt: skip
