"""Adaptive frequencies: an id is visited as often as its gains deserve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.schedules.base import World
from strads.engine.schedules.priority.filtered import Filtered
from strads.engine.schedules.priority.policy import (
    FilteredPolicy,
    common_book,
    spanned,
)
from strads.engine.schedules.priority.swept import SweptPolicy
from strads.kernels.driving.slots import GAINS, SQUARES
from strads.kernels.random import derive
from strads.kernels.scheduling.clearance import KEY
from strads.kernels.scheduling.frequencies import (
    LEAST,
    MOST,
    SWEPT,
    FrequencyBook,
)


@dataclass(frozen=True)
class AdaptiveFrequency(Filtered):
    """Visit every id as often as its gains deserve, and filter ids by dependency.

    A worker with d active ids visits d ids in a sweep. An id that lowers the objective by more than
    the others on average is visited more often in later sweeps, up to 20 times as often as it would
    be in turn, and one that lowers it by less is visited less often, down to a twentieth. Nothing
    is sorted and no tree is kept. The exact rule is in
    :mod:`strads.kernels.scheduling.frequencies`.

    Kernels say in ``gain`` by how much each update lowered the objective. Where the push has no
    such parameter, half the square of ``change`` stands for it.

    Parameters
    ----------
    axis : str
    lease, micro, rho, coupling
        See :class:`Priority`. Where a worker moves several ids at a time that do not see each
        other, an id is in a lease at most once; else it may be there several times.
    max_deferrals : int
        An id that is deferred this often in a row gets a micro-round of its own.

    References
    ----------
    Glasmachers, Dogan. Accelerated coordinate descent with adaptive coordinate frequencies.
    ACML 2013.
    """

    max_deferrals: int = 16
    #: A lease is swept once: its visits are the sweeps.
    sweeps = 1

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if self.max_deferrals < 1:
            raise ProgramError("max_deferrals must be at least 1")

    def within(self, world: World) -> AdaptiveFrequency:
        """Return the schedule as it is in a run: with a number of micro-rounds.

        Raises
        ------
        ProgramError
            At a depth: an id could be handed out while it is in flight.
        """
        if world.depth:
            raise ProgramError(
                f"AdaptiveFrequency at depth={world.depth} would hand out ids that are still in "
                "flight; use depth=0, or Priority"
            )
        return super().within(world)

    @property
    def policy(self) -> type[FilteredPolicy]:
        """Class of the policy of a schedule in a run."""
        return FrequencyPolicy


class FrequencyPolicy(SweptPolicy):
    """State of adaptive frequencies in a run."""

    @staticmethod
    def new_book(world: World, schedule: Any) -> FrequencyBook:
        """Return the empty book of a run."""
        size, workers = max(world.partition.size, 1), world.workers
        # Ids that a worker moves at the same time must differ, unless it sees its own updates.
        repeats = schedule.per == 1 or world.sequential
        return FrequencyBook(
            active=np.empty(0, np.int64), spans=world.partition.bounds.copy(),
            visits=np.zeros(size, np.int64), preference=np.ones(size), mean=np.zeros(workers),
            queue=np.zeros((5, workers), np.int64), taken=np.zeros(size, np.int64),
            repeats=np.full(1, repeats, np.bool_), **common_book(world, schedule),
        )  # fmt: skip

    @staticmethod
    def own_nbytes(world: World) -> int:
        """Bytes of the active ids, the visits, the preferences, and when ids were handed out."""
        return 32 * world.partition.size

    def __init__(self, world: World, schedule: Any) -> None:
        super().__init__(world, schedule)
        self.book.counts[KEY] = derive(world.seed, 0xACF)

    def _weigh(self, ids: np.ndarray | None, weights: np.ndarray | None) -> None:
        book = self.book
        book.preference[:] = 1.0
        mean = 0.0 if weights is None else float(np.mean(weights))
        if weights is not None and mean > 0.0:
            book.preference[ids] = np.clip(weights / mean, LEAST, MOST)
        book.mean[:] = 0.0
        book.queue[:] = 0
        book.taken[:] = -1
        self.book = spanned(book, self.world, self._swept())

    def _swept(self) -> np.ndarray:
        """Return the active ids, as an array even if all are."""
        return np.arange(self.world.partition.size) if self.active is None else self.active

    def learns_from(self, gains: bool) -> int:
        """Return what feedback the policy learns from; `gains` says whether pushes write them."""
        return GAINS if gains else SQUARES

    def statistics(self) -> dict[str, Any]:
        """Return counts and other statistics by name."""
        return {"sweeps": int(self.book.queue[SWEPT].sum()), **super().statistics()}
