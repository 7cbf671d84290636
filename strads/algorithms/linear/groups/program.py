"""The group Lasso as a program: the multi-task Lasso with groups of features for features.

    min_W ‖Y − XW‖² / 2n + α Σ_g weight_g ‖W_g‖ + β‖W‖² / 2

with the rows W_g of the features of group g, and ordinarily a single task. Full passes, residuals
and the Gram matrix are those of the multi-task Lasso; norms, screening and the working set are
those of groups. As groups join, their blocks of the Gram matrix and the largest eigenvalues λ of
these are computed; and in Gram form the couplings ‖G_gh‖ / √(λ_g λ_h), at which the schedule looks.

Source: Yuan, Lin, Model selection and estimation in regression with grouped variables, J. R. Stat.
Soc. B 68 (2006); Ndiaye, Fercoq, Gramfort, Salmon 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np

from strads.algorithms.linear.for_features import sooner
from strads.algorithms.linear.groups.blocks import GroupBlocks
from strads.algorithms.linear.groups.groups import Groups
from strads.algorithms.linear.groups.rounds import (
    pull_group_sweep,
    pull_groups,
    push_group_sweep,
    push_groups,
)
from strads.algorithms.linear.multi_task.judged import PASSES
from strads.algorithms.linear.multi_task.program import MultiTaskProgram, nearest
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.members.working_set import DENSE, SPARSE
from strads.algorithms.linear.solver.rounding import gamma
from strads.engine import (
    Auto,
    Gram,
    Phase,
    Priority,
    Random,
    RoundRobin,
    Schedule,
    derived,
    outbox,
    scratch,
    variable,
)

#: By lists, which need fewer updates than draws (bench/groups). A worker moves one group at a time.
GROUPS: Final = Priority(
    "blocks", rho=0.3, coupling=Gram("coupling", "largest"), lease=256, micro=256
)
#: Schedules by name; sweeps have the last one.
NAMED: Final[Mapping[str, Schedule]] = {
    "auto": Auto("blocks", coupling=Gram("coupling", "largest"), lease=256, micro=256),
    "priority": GROUPS,
    "random": Random("blocks", lease=256, micro=256),
    "round-robin": RoundRobin("blocks", lease=256, micro=256),
}


def named_group_schedule(schedule: str | Schedule | None) -> Schedule | None:
    """Return the schedule of a name; a schedule, or None for the default, stays as it is."""
    return NAMED[schedule] if isinstance(schedule, str) else schedule


#: What the rounds read of the groups in the working set.
BLOCKS: Final = ("first", "end", "limit", "largest", "own", "own_start")


class GroupLassoProgram(GroupBlocks):
    """Group Lasso; see the module's docstring.

    Parameters
    ----------
    groups : Groups
    schedule : Schedule, optional
        Schedule of the coordinate rounds, over axis ``"blocks"``.
    **given
        See :class:`~strads.algorithms.linear.multi_task.program.MultiTaskProgram`.
    """

    remembered: ClassVar[tuple[str, ...]] = (*MultiTaskProgram.remembered, "joined")

    v = variable("chosen", "tasks")
    z = derived("chosen", "tasks")
    delta = outbox("block", width="width")
    row = scratch("width")
    rest = scratch("twice")

    def __init__(
        self, *, groups: Groups, y: np.ndarray, schedule: Schedule | None = None, **given: Any
    ) -> None:
        width = groups.widest * y.shape[1]
        if given.get("w") is not None:
            given["w"] = np.where(np.isinf(groups.weights)[groups.of, None], 0.0, given["w"])
        super().__init__(y=y, width=width, twice=2 * width, schedule=schedule, **given)
        self.reserve["blocks"] = min(groups.count, self.reserve["chosen"])
        self.phases: Mapping[str, Phase] = {
            **PASSES,
            **(SPARSE if self.sparse else DENSE),
            "descend": Phase(
                push=push_groups, pull=pull_groups, schedule=schedule or GROUPS,
                frozen=(*BLOCKS, "G"),
            ),
            "sweep": Phase(
                push=push_group_sweep, pull=pull_group_sweep,
                schedule=NAMED["round-robin"],
                frozen=(*BLOCKS, "members", "mean"),
            ),
        }  # fmt: skip
        self.groups = groups

    # -- norms of groups for those of rows -----------------------------------------------------

    def _sums(self, v: np.ndarray) -> np.ndarray:
        """Return the squared norms of the parts of members' numbers that belong to groups."""
        squares = (v.reshape(-1, self.size["tasks"]) ** 2).sum(axis=1)
        sums: np.ndarray = np.add.reduceat(squares, self._used("first"))
        return sums

    def norm_of(self, v: np.ndarray) -> float:
        """Return the weighted sum of the norms of groups."""
        if not len(self.joined):
            return 0.0
        return float(self._used("limit") @ np.sqrt(self._sums(v)))

    def _held(self, z: np.ndarray) -> np.ndarray:
        return np.maximum(z, 0.0) if self.positive else z

    def dual_norm_of(self, z: np.ndarray) -> float:
        """Return the largest norm of a group's scores, divided by its weight."""
        return float((np.sqrt(self._sums(self._held(z))) / self._used("limit")).max())

    def slope(self, v: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return by how much each group in the working set violates its optimality condition."""
        norms, limits = np.sqrt(self._sums(v)), self.penalty * self._used("limit")
        slope = np.maximum(np.sqrt(self._sums(self._held(z))) - limits, 0.0)
        sizes = self._used("end") - self._used("first")
        pull = np.divide(limits, norms, out=np.zeros(len(norms)), where=norms > 0.0)
        rows = z.reshape(-1, self.size["tasks"])
        rest = rows - np.repeat(pull, sizes)[:, None] * v.reshape(rows.shape)
        if self.positive:
            rest = np.where((v.reshape(rows.shape) == 0.0) & (rest < 0.0), 0.0, rest)
        return np.where(norms > 0.0, np.sqrt(self._sums(rest)), slope)

    def ranks(self) -> np.ndarray:
        """Return by what the priority of each group in the working set is multiplied."""
        ranks: np.ndarray = self.importance[self.members[self._used("first")]]
        return ranks

    def curvatures(self) -> np.ndarray:
        """Return the largest eigenvalue of each group in the working set."""
        return self._used("largest")

    def _group_scores(self, values: np.ndarray) -> np.ndarray:
        """Return the norms of groups of values of scored features, divided by the weights."""
        scored = np.where(self.scored(), values[: self.size["features"]], 0.0)
        scores: np.ndarray = self.groups.lengths(scored) / self.groups.weights
        return scores

    def largest_score(self) -> float:
        """Return the largest norm of a group's scores, divided by its weight."""
        return float(self._group_scores(self.top).max())

    def doubtful_score(self, share: float) -> float:
        """Return the largest such norm if scores have errors of `share` times the columns."""
        exact = 1.0 + gamma(self.size["tasks"] + self.groups.widest + 8)
        doubtful = exact * self._group_scores(self.top) + share * self._group_scores(self.length)
        return float(doubtful.max())

    # -- the working set -----------------------------------------------------------------------

    def join(self, added: np.ndarray) -> None:
        """Take features into the working set, with all others of their groups that are not zero."""
        fresh = np.setdiff1d(self.groups.of[added], self.joined)
        first, old = self.count, len(self.joined)
        parts = [self.groups.members(group) for group in fresh]
        parts = [part[self.norm[part] > 0.0] for part in parts]
        super().join(np.concatenate(parts))
        ends = first + np.cumsum([len(part) for part in parts])
        self.grow("blocks", old + len(fresh))
        self.joined = np.append(self.joined, fresh)
        self.first[old : len(self.joined)] = np.append(first, ends[:-1])
        self.end[old : len(self.joined)] = ends
        self.limit[old : len(self.joined)] = self.groups.weights[fresh]
        self.renew_blocks(old)

    def empty(self) -> None:
        """Take all groups out, with the weights that they have."""
        super().empty()
        self.joined = np.zeros(0, np.int64)

    def _grow_working_set(self, gap: Gap) -> bool:
        """Screen groups; those nearest to their constraints join; return whether any did."""
        p, groups = self.size["features"], self.groups
        inside = np.zeros(groups.count, np.bool_)
        inside[self.joined] = True
        scores, norms = self._group_scores(self.top), self._group_scores(self.norm)
        slack = self.penalty - gap.scale * scores  # all divided by the weights
        kept = ((slack <= self.radius(gap) * norms) & (norms > 0.0)) | inside
        self.alive[:p] &= kept[groups.of]
        found = np.flatnonzero(kept & ~inside)
        first = groups.order[groups.start[found]]  # a group has the importance of its features
        away = sooner(slack[found] / norms[found], self.importance[first])
        found = nearest(found, away, scores[found] > self.penalty, len(self.joined))
        if len(found):
            self.join(groups.order[groups.start[found]])
        return len(found) > 0
