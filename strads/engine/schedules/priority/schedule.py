"""Priority: important ids come first, and strongly dependent ids never move together.

This is the schedule of STRADS (Lee et al. 2014; Kim et al. 2016). There, ids are drawn with
probability proportional to their last change plus a floor. Going through lists of the ids that
changed most takes fewer updates, and choosing an id takes no time. An id joins a micro-round only
if no id that moves at the same time is coupled to it by ρ or more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from strads.engine.errors import ProgramError
from strads.engine.schedules.base import World
from strads.engine.schedules.priority.draws import DrawPolicy
from strads.engine.schedules.priority.filtered import Filtered
from strads.engine.schedules.priority.grouped import GroupPolicy
from strads.engine.schedules.priority.lists import ListPolicy
from strads.engine.schedules.priority.policy import FilteredPolicy
from strads.kernels.scheduling.deferral import TRIES

#: Number of ids of all workers that move together by default, by lists.
GROUP = 32
#: Most places in the groups of a lease, that is ids if all groups were full.
PLACES = 1 << 17


@dataclass(frozen=True)
class Priority(Filtered):
    """Update those ids most often that change most, and filter ids by dependency.

    Parameters
    ----------
    axis : str
    lease : int
        Largest number of ids per worker and round. Leases of the look-ahead are filled before the
        changes of earlier ones are known. So that this matters little, a lease by lists has at most
        ``active ids / (workers · 4 · look_ahead)`` ids per worker, and one by draws, of which no id
        can be drawn again before it has finished, ``active ids / (workers · (look_ahead + 2))``,
        unless `sweeps` is more than 1. The statistic ``lease`` of a run says what was used.
    micro : int, optional
        Number of micro-rounds per round, of ``lease / micro`` ids per worker. If the lease is
        smaller than asked for, there are fewer of them; by lists under a filter there are as many
        as conflicts ask for. By default 32 ids of all workers move together by lists, and by draws
        one of each worker, or eight if pushes are sequential: the more ids move together, the more
        of them conflict. Without a filter the lease is one micro-round.
    rho : float
        Two ids with a coupling of at least `rho` never share a micro-round at different workers,
        nor at one worker, unless the program's pushes are sequential. 1 switches the filter off.
        Nor is there a filter where one worker works alone: then each id gets a micro-round of its
        own, so that it sees all earlier updates.
    coupling : Correlation, Gram, Graph or Coupled, optional
        How strongly two ids depend on each other; by default all ids are independent.
    floor : float
        By lists: an id is listed if its last change is above this share of the largest. By draws:
        smallest weight of an id, relative to the largest recent change.
    max_deferrals : int
        By draws, an id that is deferred this often in a row gets a micro-round of its own. By lists
        no id waits.
    sweeps : int
        How often the workers go through the micro-rounds of a lease before the next lease.
    by : {"lists", "draws"}, optional
        How ids are chosen. By lists: each worker sweeps over all its ids, then up to ten times over
        a list of those whose last change is above `floor`, and so on. Under a filter all workers
        begin a sweep together, and ids are cut into groups that may move together, once for all
        sweeps over the same ids. By draws: ids are drawn with
        probability proportional to their last change plus the floor. By default lists, except where
        pushes do not see all earlier updates (a depth) or `sweeps` is more than 1, for which there
        are only draws.
    """

    floor: float = 0.01
    max_deferrals: int = 16
    sweeps: int = 1
    by: Literal["lists", "draws"] | None = None
    feedback: Literal["change", "gain"] = "change"

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if not self.floor > 0.0:
            raise ProgramError(f"floor={self.floor} must be positive, or ids would starve")
        if self.sweeps < 1 or self.max_deferrals < 1:
            raise ProgramError("sweeps and max_deferrals must be at least 1")
        if self.by not in ("lists", "draws", None):
            raise ProgramError(f'by={self.by!r:.60} must be "lists", "draws" or None')
        if self.by == "lists" and self.sweeps > 1:
            raise ProgramError(
                f'sweeps={self.sweeps} with by="lists": a list is swept several times as it is; '
                'leave sweeps out, or give by="draws"'
            )
        if self.feedback not in ("change", "gain"):
            raise ProgramError(f'feedback={self.feedback!r:.60} must be "change" or "gain"')

    def within(self, world: World) -> Priority:
        """Return the schedule as it is in a run: with a number of micro-rounds, by lists or draws.

        Raises
        ------
        ProgramError
            If there would be lists at a depth.
        """
        if self.by == "lists" and world.depth:
            raise ProgramError(
                f'by="lists" at depth={world.depth}: a list would hand out ids that are still in '
                'flight; use by="draws" or depth=0'
            )
        by = self.by or ("draws" if world.depth or self.sweeps > 1 else "lists")
        return replace(super().within(world), by=by)

    def together(self, world: World) -> int:
        """Number of ids of a worker that move together by default."""
        lists = self.by == "lists" or (self.by is None and not world.depth and self.sweeps == 1)
        return max(super().together(world), GROUP // world.workers if lists else 1)

    def nbytes(self, world: World) -> int:
        """Bytes of the policy's books, and of what the check of the coupling keeps."""
        found, used = super().nbytes(world), self.within(world)
        if not used.grouped:
            return found
        groups, places = used.micro_max(world), used.per * used.micros
        found -= 8 * world.workers * 2 * TRIES * places  # no id waits
        marks = 8 * groups
        return found + marks + 8 * world.workers * (groups * (used.per + 2) + 2 * places)

    def micro_least(self, world: World) -> int:
        """Number of micro-rounds that suffice: leases with fewer have fewer groups."""
        return self.within(world).micros

    @property
    def policy(self) -> type[FilteredPolicy]:
        """Class of the policy of a schedule in a run."""
        if self.by == "lists":
            return ListPolicy if self.unfiltered else GroupPolicy
        return DrawPolicy

    @property
    def grouped(self) -> bool:
        """Whether the policy of a schedule in a run puts ids into groups."""
        return self.by == "lists" and not self.unfiltered

    def micro_max(self, world: World) -> int:
        """Largest number of micro-rounds of a lease: by lists as many as its conflicts ask for."""
        used = self.within(world)
        ids = used.per * used.micros * world.workers
        if not used.grouped:
            return used.micros
        return max(used.micros, min(ids, max(64, PLACES // (world.workers * used.per))))

    def bound(self, world: World) -> Any:
        """Return the coupling bound to the run's arrays.

        Raises
        ------
        ProgramError
            If leases would be swept several times at a depth.
        """
        if not self.unfiltered and world.depth > 0 and self.sweeps > 1:
            raise ProgramError(
                f"Priority with sweeps={self.sweeps} at depth={world.depth}: a lease's last and "
                "first micro-rounds would move together unchecked; use sweeps=1 or depth=0"
            )
        return super().bound(world)
