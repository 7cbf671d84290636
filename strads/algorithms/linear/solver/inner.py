"""The inner problem: the Lasso on a working set, in Gram form or in residual form.

    min_v ½‖y − X_W v‖² + penalty·Σ_j factor_j |v_j| + ½ ridge·‖v‖²

*Gram form*: ``count``, ``place``, ``gram`` compute the rows of G = X_WᵀX_W for the new members.
Then come coordinate rounds, which keep z = X_Wᵀr up to date
(:mod:`strads.algorithms.linear.solver.gram_form.rounds`).

*Residual form*: ``hold`` copies the columns of the new members; then two phases are repeated:
``sweep``, which keeps r up to date, and ``rescore``, which computes z for the gap.

*Newton's method* (:mod:`strads.algorithms.linear.solver.newton.semismooth`) solves the inner
problem in the leader, without launches, if columns are dense and have few rows.

All end when the gap of the inner problem is a given share of the gap of the whole problem. Rounds
and sweeps skip moves that are too small to matter to that gap. A solution within the tolerance is
polished to rounding where that costs little
(:mod:`strads.algorithms.linear.solver.newton.polish`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.extrapolation import Extrapolation
from strads.algorithms.linear.solver.gram_form.rounds import BURST, FUTILE, LEFT_OUT
from strads.algorithms.linear.solver.newton.leader import InLeader
from strads.algorithms.linear.solver.progress import Progress
from strads.algorithms.linear.solver.residual_form.sweeps import MOVES, SHIFT, VISITS


class LassoInner(InLeader):
    """Base of the Lasso program: solves the inner problem.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.solver.newton.leader.InLeader`.
    """

    swept: int

    def solve(self, gap: Gap, target: float) -> Iterator[str | tuple[str, int]]:
        """Lower the relative gap of the inner problem to `target`; `gap` is that of the whole."""
        if self.in_residual_form:
            yield from self.hold()
            inner = yield from self._sweep(gap.relative, target)
        elif self.by_newton:
            inner = self.newton(gap.relative, target)
        else:
            yield from self.build()
            score = self.score[self.used("members")]
            inner = yield from self.descend(score, gap.relative, target)
        if inner <= self.tol:
            self.polish()
        self.w[self.used("members")] = self.used("v")

    # -- residual form -------------------------------------------------------------------------

    def _sweep(self, inner: float, target: float) -> Generator[str | tuple[str, int], None, float]:
        """Sweep until the inner gap is small enough, and return it."""
        v, r = self.used("v"), self.r[: self.size["rows"]]
        share, burst, past = LEFT_OUT, 1, Extrapolation(v, r)
        self.begin_steps()
        progress = Progress(FUTILE)
        entries = int(self.held_end[len(v) - 1])
        while inner > target and self.may_go_on:
            self.least = share * inner * self.penalty
            left = self.max_epochs - self.epochs_used
            self.sweeps, self.visits = min(burst, left), left * len(v)
            yield from self._burst(v, r)
            if not self.report[0, MOVES]:
                share *= 0.3
            if self.ready_to_step(v):
                # Each step is followed by one sweep, in which members join and leave the support.
                yield "rescore"
                yield from self.step_on_support(v, r, self.used("z"))
                burst, past = 1, Extrapolation(v, r)
            else:
                burst = min(2 * burst, BURST)
                past.step(self.objective)
            yield "rescore"
            self.work += entries
            inner = self.inner_gap(v, self.used("z"), r)
            if progress.stuck(self.objective(v, r), inner, self.y2):
                break
        return inner

    def _burst(self, v: np.ndarray, r: np.ndarray) -> Iterator[str]:
        """Let the first worker make some sweeps, on its own copies of v and r."""
        weights, rest = self.moving[0, : len(v)], self.rest[0, : len(r)]
        weights[:], rest[:] = v, r
        yield "sweep"
        v[:], r[:] = weights, rest + self.report[0, SHIFT] * self.unit
        visits = int(self.report[0, VISITS])
        self.epochs_used, self.swept = self.epochs_used - (-visits // len(v)), self.swept + visits
        self.work += 2.0 * visits * self.held_end[len(v) - 1] / len(v)
