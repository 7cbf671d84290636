"""Auto: what is updated, and how often, follows from the gains of earlier sweeps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.schedules.base import World
from strads.engine.schedules.priority.filtered import Filtered
from strads.engine.schedules.priority.frequencies import FrequencyPolicy
from strads.engine.schedules.priority.policy import FilteredPolicy
from strads.kernels.scheduling.frequencies import SWEPT
from strads.kernels.scheduling.plans import (
    ALARMS,
    BINS,
    FREQUENT,
    KIND,
    LEAST_VISITS,
    LIST,
    LISTED,
    LOGGED,
    PASS,
    SWEEPS_OF,
    UNLISTED,
    UNVISITED,
    VISITS_OF,
    WHOLE,
    PlanBook,
)

#: Where at most so many ids move together, the first ρ is `LOOSE`, else `STRICT`.
FEW: Final = 16
LOOSE, STRICT = 0.3, 0.1
#: A round costs about as much as updates of so many non-zeros; and as so many updates, where it is
#: not known what an update costs.
ROUND_WORK: Final = 4_000.0
ROUND_VISITS: Final = 128.0
#: Kinds of sweeps by name.
KINDS: Final = {WHOLE: "whole", LIST: "list", FREQUENT: "frequencies"}


@dataclass(frozen=True)
class Auto(Filtered):
    """Choose ids by what earlier updates gained, and correct that while running.

    Each worker begins with a sweep over its ids. If a few of them made nearly all of the gain, it
    sweeps over these at adaptive frequencies (:class:`AdaptiveFrequency`) as long as that pays,
    and then over all again. If nearly all ids matter, it sweeps over all of them, once each or at
    adaptive frequencies, whichever gains more a visit. Nothing is decided by a clock: the same
    seed and the same workers give the same bits. The rule is in
    :mod:`strads.kernels.scheduling.plans`. The statistics of a run have what was decided, and
    :class:`Replay` hands the rounds of a recorded run out again.

    Kernels say in ``gain`` by how much each update lowered the objective. Where the push has no
    such parameter, half the square of ``change`` stands for it.

    Parameters
    ----------
    axis : str
    lease, micro, coupling
        See :class:`Priority`.
    rho : float, optional
        Two ids with a coupling of at least `rho` never move together. By default 0.3 where at most
        16 ids move together, else 0.1. It becomes smaller if a sweep over all ids gains
        twice as much as any before: joint updates have then undone each other.
    max_deferrals : int
        An id that is deferred this often in a row gets a micro-round of its own.
    cover : float
        A list has the ids that together made this share of the gain of the last sweep over all.
    most_listed : float
        If that takes more than this share of the ids, all ids matter, and there is no list.
    worth : float
        A list is left once a visit gains less than this share of what a visit of the last sweep
        over all ids gained.
    shuffle : bool
        Whether sweeps over all ids are in random order. By default they are in the order of memory:
        at random, a light update takes up to half as long again, and there are not fewer of them.
    """

    rho: float | None = None  # type: ignore[assignment]
    max_deferrals: int = field(default=16, kw_only=True)
    cover: float = field(default=0.999, kw_only=True)
    most_listed: float = field(default=0.8, kw_only=True)
    worth: float = field(default=0.3, kw_only=True)
    shuffle: bool = field(default=False, kw_only=True)
    #: A lease is swept once.
    sweeps = 1

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.rho is None:
            replace(self, rho=STRICT)  # checks the rest
            return
        super().__post_init__()
        if self.max_deferrals < 1:
            raise ProgramError("max_deferrals must be at least 1")
        for name in ("cover", "most_listed", "worth"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ProgramError(f"{name}={getattr(self, name)} must be above 0 and at most 1")

    @property
    def unfiltered(self) -> bool:
        """Whether all ids may move together."""
        return self.coupling is None or (self.rho is not None and self.rho >= 1.0)

    def within(self, world: World) -> Auto:
        """Return the schedule as it is in a run: with a number of micro-rounds, and a ρ.

        Raises
        ------
        ProgramError
            At a depth: an id could be handed out while it is in flight.
        """
        if world.depth:
            raise ProgramError(
                f"Auto at depth={world.depth} would hand out ids that are still in flight; use "
                "depth=0, or Priority"
            )
        used = super().within(world)
        rho = LOOSE if world.workers * used.per <= FEW else STRICT
        return replace(used, rho=rho if self.rho is None else self.rho)

    def make(self, world: World) -> dict[str, Any]:
        """Compute the conflict graph of a user's coupling."""
        if self.rho is None:
            return self.within(world).make(world)
        return super().make(world)

    @property
    def policy(self) -> type[FilteredPolicy]:
        """Class of the policy of a schedule in a run."""
        return AutoPolicy


class AutoPolicy(FrequencyPolicy):
    """State of an automatic schedule in a run."""

    levels = FilteredPolicy.levels | {"decisions"}

    @staticmethod
    def new_book(world: World, schedule: Any) -> Any:
        """Return the empty book of a run."""
        size, workers, s = max(world.partition.size, 1), world.workers, schedule
        frequencies = FrequencyPolicy.new_book(world, schedule)._asdict()
        settings = (s.cover, s.most_listed, s.worth, float(s.shuffle), 1.0)
        return PlanBook(
            **frequencies, listed=np.zeros(size, np.int64), gain=np.full(size, UNVISITED),
            bins=np.zeros(BINS), plan=np.zeros((12, workers), np.int64),
            rate=np.zeros((4, workers)),
            settings=np.array(settings), log=np.zeros((LOGGED, 5)),
        )  # fmt: skip

    @staticmethod
    def own_nbytes(world: World) -> int:
        """Bytes of what adaptive frequencies keep, of the lists, and of the gains of all ids."""
        return FrequencyPolicy.own_nbytes(world) + 16 * world.partition.size

    def _weigh(self, ids: np.ndarray | None, weights: np.ndarray | None) -> None:
        super()._weigh(ids, weights)
        book = self.book
        book.gain[:] = UNVISITED
        if weights is not None:
            book.gain[ids] = 0.5 * np.square(weights)
            book.queue[SWEPT] = 1  # as if a sweep over all ids had told so
        book.settings[LEAST_VISITS] = min(self.per * self.micro, _round_visits(self.world))
        book.rate[:] = 0.0
        book.plan[[KIND, PASS, UNLISTED, LISTED]] = 0  # the counts go on

    def _totals(self) -> np.ndarray:
        """Return the numbers of sweeps and of visits by kind, and of alarms."""
        totals: np.ndarray = self.book.plan[SWEEPS_OF : ALARMS + 1].sum(axis=1)
        return totals

    def statistics(self) -> dict[str, Any]:
        """Return counts and other statistics by name, and the sweeps that were begun last."""
        totals = self._totals().tolist()
        counts = {f"{name}_sweeps": totals[kind] for kind, name in KINDS.items()}
        counts |= {f"{name}_visits": totals[len(KINDS) + kind] for kind, name in KINDS.items()}
        return {
            **counts, "alarms": totals[ALARMS - SWEEPS_OF], "decisions": self.decisions(),
            **super().statistics(),
        }  # fmt: skip

    def decisions(self) -> list[dict[str, Any]]:
        """Return the sweeps that were begun last, in order: what each worker did, and why."""
        begun = int(self.book.plan[SWEEPS_OF:VISITS_OF].sum())
        rows = [self.book.log[k % LOGGED] for k in range(max(begun - LOGGED, 0), begun)]
        return [
            {"worker": int(w), "sweep": int(n), "kind": KINDS[int(k)], "visits": int(v),
             "gain_before": float(g)}
            for w, n, k, v, g in rows
        ]  # fmt: skip


def _round_visits(world: World) -> float:
    """Return the number of updates that take as long as a round does by itself."""
    costs = world.costs
    if costs is None or not len(costs) or np.all(costs == costs[0]):  # equal ones tell nothing
        return ROUND_VISITS
    return ROUND_WORK / max(float(np.mean(costs)), 1.0)
