"""The inner problem: the Lasso on a working set, in Gram form or in residual form.

    min_v ½‖y − X_W v‖² + penalty·‖v‖₁

*Gram form*: ``count``, ``place``, ``gram`` compute the rows of G = X_WᵀX_W for the new members.
Then ``descend`` is repeated: coordinate rounds dispatched by the schedule, which keep z = X_Wᵀr up
to date.

*Residual form*: ``hold`` copies the columns of the new members; then two phases are repeated:
``sweep``, which keeps r up to date, and ``rescore``, which computes z for the gap.

*Newton's method* (:mod:`strads.algorithms.lasso.solver.newton`) solves the inner problem in the
leader, without launches, if columns are dense and have few rows.

All end when the gap of the inner problem is a given share of the gap of the whole problem,
and skip moves that are too small to matter to that gap.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import LinAlgError

from strads.algorithms.lasso.solver.descent import pull_descend, push_descend
from strads.algorithms.lasso.solver.duality import Gap, lasso_gap
from strads.algorithms.lasso.solver.extrapolation import Extrapolation
from strads.algorithms.lasso.solver.newton import Newton, Point
from strads.algorithms.lasso.solver.products import Products
from strads.algorithms.lasso.solver.progress import Progress
from strads.algorithms.lasso.solver.residual_form.support_steps import SupportSteps
from strads.algorithms.lasso.solver.residual_form.sweeps import MOVES, SHIFT, VISITS
from strads.engine import Gram, Phase, Priority, control, data, derived, outbox

#: Largest number of epochs of coordinate rounds between two checks of the inner gap; such a run of
#: epochs is a burst (docs/design.md).
BURST = 8
#: A burst is harmful if the objective rises by more than this share of ‖y‖²; less may be rounding.
HARM = 1e-9
#: After this many harmful bursts, each of which is undone, the inner solve ends.
PATIENCE = 8
#: The inner problem is solved to this share of the outer gap.
INNER = 0.3
#: Newton's method is used for dense columns of at most this many rows. Its systems cost products of
#: columns, k²n for a support of k, which the Gram matrix of coordinate rounds needs only once.
NEWTON_ROWS = 4096
#: After this many bursts without progress, rounding errors prevent any more.
FUTILE = 64
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


class LassoInner(SupportSteps):
    """Base of the Lasso program: solves the inner problem.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.lasso.solver.residual_form.support_steps.SupportSteps`.
    """

    y = data("rows")
    norm = derived("features", private=True, returned=False)
    score = derived("features", private=True, returned=False)
    penalty = control(0.0)  # nα
    least = control(0.0)  # smaller changes of a coordinate are skipped
    z = derived("chosen", private=True)
    delta = outbox("block")

    by_newton = False  # whether Newton's method solves the inner problems
    newton_systems = 0
    _copies = np.empty((0, 0))  # of the members' centred columns, in the leader's memory
    _copied = 0
    _products: Products
    alpha: float
    tol: float
    max_epochs: int
    epochs_used: int
    swept: int
    restraints: int
    r2: float  # ‖r‖² at the last scores
    y2: float

    def solve(self, gap: Gap, *, grows: bool) -> Iterator[str | tuple[str, int]]:
        """Lower the inner gap; if the working set still grows, only to a share of the outer gap."""
        target = max(INNER * gap.relative if grows else 0.0, 0.5 * self.tol)
        if self.in_residual_form:
            yield from self.hold()
            yield from self._sweep(gap.relative, target)
        elif self.by_newton:
            self._newton(gap.relative, target)
        else:
            yield from self.build()
            yield from self._descend(gap.relative, target)
        self.w[self.used("members")] = self.used("v")

    # -- residual form -------------------------------------------------------------------------

    def _sweep(self, inner: float, target: float) -> Iterator[str | tuple[str, int]]:
        """Sweep until the inner gap is small enough; with one worker the objective cannot rise."""
        v, r = self.used("v"), self.r[: self.size["rows"]]
        share, burst, past = LEFT_OUT, 1, Extrapolation(v, r)
        self.failures, self.pause, self.signs = 0, 0, np.empty(0)
        progress = Progress(FUTILE)
        while inner > target and self.epochs_used < self.max_epochs:
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
                past.step(self._objective)
            yield "rescore"
            inner = self._gap(self.used("z"), float(r @ r), float(r @ self.y))
            if progress.stuck(self._objective(v, r), inner, self.y2):
                break

    def _burst(self, v: np.ndarray, r: np.ndarray) -> Iterator[str]:
        """Let the first worker make some sweeps, on its own copies of v and r."""
        weights, rest = self.moving[0, : len(v)], self.rest[0, : len(r)]
        weights[:], rest[:] = v, r
        yield "sweep"
        v[:], r[:] = weights, rest + self.report[0, SHIFT] * self.unit
        visits = int(self.report[0, VISITS])
        self.epochs_used, self.swept = self.epochs_used - (-visits // len(v)), self.swept + visits

    def _objective(self, v: np.ndarray, r: np.ndarray) -> float:
        """Return the objective times n, from v and r."""
        return self._penalised(v, float(r @ r))

    # -- Newton's method -----------------------------------------------------------------------

    def _newton(self, inner: float, target: float) -> None:
        """Solve the inner problem in the leader; if that fails, leave it to coordinate rounds."""
        v, members = self.used("v"), self.used("members")
        method = Newton(
            self._columns_of(members), self.y, self.norm[members] ** 2, self.penalty,
            positive=bool(self.positive), products=self._products,
            threads=self.partitions["features"].workers,
        )  # fmt: skip
        start = Point(v.copy(), self.r[: self.size["rows"]].copy(), self.score[members])
        try:
            found = method.minimise(
                start, inner, self._gap_of, target, self.max_epochs - self.epochs_used
            )
        except LinAlgError:  # rounding has made a system singular
            found = start
        self.by_newton = found is not start
        v[:] = found.w
        self.newton_systems += method.systems
        self.epochs_used += method.systems

    def _gap_of(self, point: Point) -> float:
        """Return the gap of the inner problem at a point."""
        self.used("v")[:] = point.w
        return self._gap(point.z, float(point.r @ point.r), float(point.r @ self.y))

    def _columns_of(self, members: np.ndarray) -> np.ndarray:
        """Return the members' centred columns, which are copied together as they join."""
        n, old = self.size["rows"], self._copied
        if len(members) > self._copies.shape[1]:
            copies = np.empty((n, 2 * len(members)), order="F")
            if old:
                copies[:, :old] = self._copies[:, :old]
            self._copies = copies
        fresh = members[old:]
        self._copies[:, old : len(members)] = self.X[:, fresh]
        self._copies[:, old : len(members)] -= np.outer(self.unit, self.mean[fresh])
        self._copied = len(members)
        return self._copies[:, : len(members)]

    # -- Gram form -----------------------------------------------------------------------------

    def _descend(self, inner: float, target: float) -> Iterator[tuple[str, int]]:
        """Run coordinate rounds until the inner gap is small enough."""
        v, z = self.used("v"), self.used("z")
        self._enter()
        share, burst, harmed = LEFT_OUT, 1, 0
        past, height = Extrapolation(v, z), self._gram_objective(v, z)
        progress = Progress(FUTILE)
        while inner > target and self.epochs_used < self.max_epochs and harmed <= PATIENCE:
            # The gap that a violation of the optimality conditions causes is first-order in it.
            self.least = share * inner * self.penalty
            before = v.copy(), z.copy()
            yield "descend", burst
            self.epochs_used += burst
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
            inner = self._gap(z, r2, r2 + float(v @ z))
            if progress.stuck(height, inner, self.y2):
                break

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
        return self._penalised(v, self._gram_r2(v, z))

    # -- both forms ----------------------------------------------------------------------------

    def _penalised(self, v: np.ndarray, r2: float) -> float:
        """Return the objective times n, from v and ‖r‖²; infinite if v violates v ≥ 0."""
        if self.positive and v.min(initial=0.0) < 0.0:
            return np.inf
        return 0.5 * r2 + self.penalty * float(np.abs(v).sum())

    def _gap(self, z: np.ndarray, r2: float, ry: float) -> float:
        """Return the gap of the inner problem, from the scores of the members."""
        largest = float(z.max() if self.positive else np.abs(z).max())
        n, l1 = self.size["rows"], float(np.abs(self.used("v")).sum())
        return lasso_gap(r2, ry, self.y2, l1, largest, self.alpha, n).relative
