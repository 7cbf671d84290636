"""The inner problem: the Lasso on a working set, in Gram form or in residual form.

    min_v ½‖y − X_W v‖² + penalty·‖v‖₁ + ½ ridge·‖v‖²

*Gram form*: ``count``, ``place``, ``gram`` compute the rows of G = X_WᵀX_W for the new members.
Then ``descend`` is repeated: coordinate rounds dispatched by the schedule, which keep z = X_Wᵀr up
to date.

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

from strads.algorithms.linear.solver.descent import pull_descend, push_descend
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.extrapolation import Extrapolation
from strads.algorithms.linear.solver.newton.leader import InLeader
from strads.algorithms.linear.solver.progress import Progress
from strads.algorithms.linear.solver.residual_form.sweeps import MOVES, SHIFT, VISITS
from strads.engine import Gram, Phase, Priority, control, outbox

#: Largest number of epochs of coordinate rounds between two checks of the inner gap; such a run of
#: epochs is a burst (docs/design.md).
BURST = 8
#: A burst is harmful if the objective rises by more than this share of ‖y‖²; less may be rounding.
HARM = 1e-9
#: After this many harmful bursts, each of which is undone, the inner solve ends.
PATIENCE = 8
#: After this many bursts without progress, rounding errors prevent any more.
FUTILE = 64
#: Work of an update in Gram form: of drawing an id, and for each entry of its row of G. A unit is
#: the visit of an entry of a column, some three nanoseconds with all that belongs to it.
DRAW, ROW = 100.0, 0.03
#: A coordinate is not moved if it violates its optimality condition by less than this share of the
#: inner gap.
LEFT_OUT = 0.3

#: Measured on text, genotypes, gene expressions and others (docs/evidence.md): with so few ids in a
#: micro-round, ρ hardly matters on two workers; on eight, a filter of 0.3 saves up to half of the
#: updates.
DEFAULT = Priority(
    "chosen", rho=0.3, coupling=Gram("G", "curvature"), lease=256, micro=32, sweeps=4
)
GRAM_ROUNDS = Phase(
    push=push_descend, pull=pull_descend, schedule=DEFAULT, frozen=("G", "curvature"),
    sequential=True,
)  # fmt: skip


class LassoInner(InLeader):
    """Base of the Lasso program: solves the inner problem.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.solver.newton.leader.InLeader`.
    """

    least = control(0.0)  # smaller changes of a coordinate are skipped
    delta = outbox("block")

    swept: int
    restraints: int
    r2: float  # squared norm of the residual at the last scores

    def solve(self, gap: Gap, target: float) -> Iterator[str | tuple[str, int]]:
        """Lower the relative gap of the inner problem to `target`; `gap` is that of the whole."""
        if self.in_residual_form:
            yield from self.hold()
            inner = yield from self._sweep(gap.relative, target)
        elif self.by_newton:
            inner = self.newton(gap.relative, target)
        else:
            yield from self.build()
            inner = yield from self._descend(gap.relative, target)
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

    # -- Gram form -----------------------------------------------------------------------------

    def _descend(self, inner: float, target: float) -> Generator[tuple[str, int], None, float]:
        """Run coordinate rounds until the inner gap is small enough, and return it."""
        v, z = self.used("v"), self.used("z")
        self._enter()
        share, burst, harmed = LEFT_OUT, 1, 0
        past, height = Extrapolation(v, z), self._gram_objective(v, z)
        progress = Progress(FUTILE)
        while inner > target and self.may_go_on and harmed <= PATIENCE:
            # The gap that a violation of the optimality conditions causes is first-order in it.
            self.least = share * inner * self.penalty
            before = v.copy(), z.copy()
            yield "descend", burst
            self.epochs_used += burst
            self.work += burst * len(v) * (DRAW + ROW * len(v))
            burst = min(2 * burst, BURST, max(self.max_epochs - self.epochs_used, 1))
            if np.array_equal(before[0], v):
                share *= 0.3
            reached = self._gram_objective(v, z)
            if not reached <= height + HARM * self.y2:
                # Too many dependent coordinates moved at once: undo the burst.
                v[:], z[:], burst = *before, 1
                self.tell("descend", "restrain", 0.3)
                past = Extrapolation(v, z)
                self.restraints, harmed = self.restraints + 1, harmed + 1
            else:
                height = reached
                past.step(self._gram_objective)
            r2 = self._gram_r2(v, z)
            inner = self.gap_at(v, z, r2, r2 + float(v @ z))
            if progress.stuck(height, inner, self.y2):
                break
        return inner

    def _enter(self) -> None:
        """Begin an inner solve: take z from the scores, and compute the priorities from z."""
        v, z, members = self.used("v"), self.used("z"), self.used("members")
        z[:] = self.score[members]
        self.v0, self.z0 = v.copy(), z.copy()
        excess = np.sign(z) * np.maximum(np.abs(z) - self.penalty, 0.0)
        slope = np.where(v != 0.0, z - np.sign(v) * self.penalty, excess)
        if self.positive:
            slope = np.where((v == 0.0) & (z < 0.0), 0.0, slope)
        weights = np.abs(slope) / self.norm[members]
        self.tell("descend", "activate", None, weights + 1e-3 * weights.max(initial=1e-30))

    def _gram_r2(self, v: np.ndarray, z: np.ndarray) -> float:
        """Return ‖r‖² at v, from its value at v0 and the scores at both."""
        return self.r2 - float((v - self.v0) @ (self.z0 + z))

    def _gram_objective(self, v: np.ndarray, z: np.ndarray) -> float:
        """Return the objective times n, from v and z alone."""
        return self.penalised(v, self._gram_r2(v, z))
