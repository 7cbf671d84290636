"""What the leader does by itself for several tasks, or groups: Newton's method on dense columns."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.linalg import LinAlgError

from strads.algorithms.linear.multi_task.block_newton import BlockNewton, Blocks
from strads.algorithms.linear.multi_task.judged import TaskScores
from strads.algorithms.linear.multi_task.sweeps import SWEEPS
from strads.algorithms.linear.solver.gram_form.rounds import insists
from strads.algorithms.linear.solver.newton.centred_columns import KeepsColumns
from strads.algorithms.linear.solver.newton.semismooth import Point
from strads.engine import Schedule

#: Newton's method is used for dense columns of at most this many rows.
NEWTON_ROWS: Final = 4096
#: It begins where more sweeps than this seem to be left: it takes the time of 100 to 400 of them.
MANY: Final = 100.0


class TasksInLeader(KeepsColumns, TaskScores):
    """Base of the program: solves inner problems without launches.

    Parameters
    ----------
    schedule : Schedule or None
        Schedule of the coordinate rounds; where a user asks for one, there is no Newton's method.
    **given
        See :class:`~strads.algorithms.linear.multi_task.judged.TaskScores`.

    Attributes
    ----------
    by_newton : bool
        Whether Newton's method solves the inner problems.
    newton_systems : int
        Number of systems that it has solved.
    swept_from : float
        Gap before the last sweeps, if these were the last cycle; else infinite.
    """

    max_epochs: int
    epochs_used: int

    def __init__(self, *, X: Any, schedule: Schedule | None, **given: Any) -> None:
        super().__init__(X=X, **given)
        few = X.shape[0] <= NEWTON_ROWS
        self.by_newton, self.newton_systems = False, 0
        self.newton_allowed = few and not self.sparse and not insists(schedule)
        self.swept_from = np.inf

    def choose_method(self, gap: float) -> None:
        """Go on with Newton's method if sweeps, at the rate of the last ones, would take long."""
        if not self.newton_allowed or self.by_newton or not np.isfinite(self.swept_from):
            return
        fell = np.log(self.swept_from / gap)
        left = SWEEPS * np.log(gap / self.tol) / fell if fell > 0.0 else np.inf
        self.by_newton = bool(left > MANY)

    def blocks(self) -> Blocks:
        """Return the blocks of members that have one penalty."""
        return Blocks(np.arange(self.count), np.full(self.count, self.penalty), self.count)

    def metric(self) -> np.ndarray:
        """Return a number for each member by which Newton's method measures its moves."""
        squares: np.ndarray = self.norm[self.used("members")] ** 2
        return squares

    def newton(self, inner: float, target: float) -> None:
        """Solve the inner problem; if that fails, leave it to sweeps.

        Parameters
        ----------
        inner, target : float
            Gap of the inner problem at the start; gap to reach.
        """
        v, members, columns = self.used("v"), self.used("members"), self._centred()
        method = BlockNewton(
            columns.of(members, self.mean), self.state["y"], self.metric()[:, None],
            self.blocks(), ridge=self.ridge, positive=bool(self.positive),
            products=columns.products, threads=self.partitions["features"].workers,
        )  # fmt: skip
        start = Point(v.copy(), self.r[: self.size["rows"]].copy(), self.score[members])
        try:
            found = method.minimise(
                start, inner, self._gap_of, target, self.max_epochs - self.epochs_used
            )
        except LinAlgError:  # rounding has made a system singular
            found = start
        if found is start:
            self.by_newton = self.newton_allowed = False
        v[:] = found.w
        self.newton_systems += method.systems
        self.epochs_used += method.systems

    def _gap_of(self, point: Point) -> float:
        r, v = point.r, point.w
        r2 = float(np.vdot(r, r)) + self.ridge * float(np.vdot(v, v))
        return self.gap_at(v, point.z, r2, float(np.vdot(r, self.state["y"])))

    def empty(self) -> None:
        """Take all members out, with the weights that they have."""
        super().empty()
        self.forget_columns()
