"""Generalised linear models by proximal Newton: working sets, each step a Lasso of weighted rows.

    min_{w,b} Σ_i ω_i φ(f_i, y_i) / n + α‖w‖₁ + β‖w‖² / 2,    f = Xw + b,  Σ ω_i = n

One cycle:

1. ``score`` computes the scores X_jᵀ(ω∘θ) − nβ w_j of all columns, with θ = −φ'(f, y). They give
   the gap, and so whether to stop; b has been chosen so that Σ ω_i θ_i = 0.
2. ``nearest`` screens columns and chooses those that join the working set W.
3. The loss is replaced by its second-order expansion at f. With h = ω∘φ''(f, y) and u = √h, that is
   the squared error of the Lasso with rows weighted by u and the residual ω∘θ / u. Its scores at w
   are those of step 1. ``weigh`` computes the means and norms of the members' columns with these
   weights, and the Lasso's inner methods solve it on W
   (:mod:`strads.algorithms.linear.solver.inner`).
4. ``predict`` computes Xw of the new weights. On the way from the old ones to these, the point is
   taken at which the objective falls enough, with the best b at each.

The dual point is s·θ with s ≤ 1 such that |x_jᵀ(ω∘sθ) − s nβ w_j| ≤ nα for all j:

    D = Σ ω_i (−φ*(−sθ_i, y_i)) / n − s² β‖w‖² / 2

Screening, for an L-smooth φ alone: φ* is strongly convex with modulus 1 / L, so the optimal θ is
within √(2L n·gap) of this point, in the norm weighted by ω. The rows that a ridge adds have the
modulus 1, so in the norms that screening uses the ridge counts 1 / L times.

Source: Lee, Sun, Saunders, Proximal Newton-type methods for minimizing composite functions, SIAM J.
Optim. 24 (2014); Ndiaye, Fercoq, Gramfort, Salmon 2017, eq. 8–9.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.full_pass import UNPREPARED
from strads.algorithms.linear.solver.proximal_newton.judged import JudgedLoss
from strads.algorithms.linear.solver.proximal_newton.kernels import push_predict, push_weigh
from strads.algorithms.linear.solver.proximal_newton.line_search import Line
from strads.algorithms.linear.solver.proximal_newton.rows import reading_rows
from strads.engine import Phase

#: A row's curvature counts at least a share of the largest of any row: the first number to begin
#: with. After a step of which only a small part could be taken, the share is raised, so that the
#: next one is shorter; after others it is lowered, down to the second number.
FLOOR, LEAST_FLOOR = 1e-6, 1e-12
#: Such a part; the factor by which the share is raised then, and by which it is lowered else.
SMALL_PART, RAISED, LOWERED = 0.1, 30.0, 0.1
#: The rows keep their weights while φ'' has changed by less than this share of its sum.
STALE: Final = 0.1
#: … and while each step divides the gap by at least so much.
FASTER: Final = 10.0
#: Largest number of epochs of a step.
EPOCHS: Final = 300
#: The Gram matrix is made anew at nearly every step, so it pays only while the members have at most
#: so many entries for each row. Fourteen fits of texts, web pages and drug data: 20 takes 0.75 to
#: 1.05 of the time without this limit; 10 doubles that of w8a.
ROW_ENTRIES: Final = 20
#: A Lasso is solved to this share of the outer gap. After a step without new members that has not
#: divided the gap as above, the share is multiplied by the second number, down to the third.
ACCURACY, TIGHTER, LEAST_ACCURACY = 0.1, 0.1, 1e-6


class ProximalNewton(JudgedLoss):
    """Generalised linear model with the penalty of an elastic net; see the module's docstring.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.solver.proximal_newton.judged.JudgedLoss`.
    """

    phases: Mapping[str, Phase] = {
        **JudgedLoss.phases,
        "weigh": Phase(push=push_weigh, frozen=("members", "weight")),
        "predict": Phase(push=push_predict, frozen=("members", "v")),
    }

    remembered: ClassVar[tuple[str, ...]] = (
        *JudgedLoss.remembered, "intercept", "steps", "predicted", "weighed", "gap_before",
        "count_before", "accuracy", "floor", "y2",
    )  # fmt: skip

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.steps = 0  # of proximal Newton
        self.gap_before, self.count_before = np.inf, 0  # at the last step
        self.accuracy, self.floor = ACCURACY, FLOOR
        self.weighed = 0  # number of members whose statistics are those of the current weights
        self.phases = {name: reading_rows(phase) for name, phase in self.phases.items()}

    # -- the leader's part ---------------------------------------------------------------------

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One step of proximal Newton."""
        if self.gap is None and not (yield from self._begin_at_start()):
            return
        if self.gap is not None or self.count:
            yield self.first_pass()
        gap = self.judge()
        if gap.relative <= self.tol:
            gap = yield from self.judged_in_full()
        if gap.relative <= self.tol and (self.first_carries() or not self.predicted):
            yield from self._predict()
            yield "score"
            gap = self.judge()
        if gap.relative <= self.tol:
            self.accepted()
            return
        if self.epochs_used >= self.max_epochs:
            self.stop("epochs")
            return
        if self.progressing.stuck(gap.primal, gap.relative, self.objective_at_start):
            self.stop("precision")
            return
        yield "nearest"
        self._take_nearest()
        yield from self._step(gap)
        if self.newton_failed and self.epochs_used < self.max_epochs:
            self.stop("rounds")
            return
        if self.work >= self.budget:
            self.stop("long")

    def _begin_at_start(self) -> Generator[str, None, bool]:
        """Compute statistics of columns, and first predictions; return whether they serve."""
        ridge = self.ridge
        self.ridge = ridge / self.loss.smoothness  # for screening: see the module's docstring
        try:
            yield "columns"
        finally:  # also if a process dies in this phase
            self.ridge = ridge
        if self.tally[:, UNPREPARED].any():
            self.stop("unprepared")
            return False
        self.w[self.norm == 0.0] = 0.0
        support = np.flatnonzero(self.w)
        if len(support):
            self.join(support)
            yield from self._predict()
        return True

    def recover(self) -> Sequence[str]:
        """Begin from the weights as they are, with rows that count as they are given."""
        n = self.size["rows"]
        self.unit[:n], self.weight[:n], self.y[:n] = np.sqrt(self.row_weight), self.row_weight, 0.0
        self.samples, self.floor = float(n), FLOOR
        self.weighed = self.count_before = 0
        self.predicted = True
        return super().recover()

    def restart(self) -> None:
        """Forget what is known of the progress, because another penalty begins."""
        super().restart()
        self.gap_before, self.accuracy = np.inf, ACCURACY

    def outgrown(self, entries: int) -> bool:
        """Whether residual form is better for the members, which have so many entries in all."""
        return entries > ROW_ENTRIES * self.size["rows"] or super().outgrown(entries)

    # -- a step --------------------------------------------------------------------------------

    def _step(self, gap: Gap) -> Iterator[str | tuple[str, int]]:
        """Solve the second-order expansion on the working set, and go towards its solution."""
        v, n = self.used("v"), self.size["rows"]
        before, xw = v.copy(), self.predictions[:n].copy()
        faster, self.gap_before = FASTER * gap.relative <= self.gap_before, gap.relative
        joined, self.count_before = self.count > self.count_before, self.count
        if not (faster or joined):
            self.accuracy = max(TIGHTER * self.accuracy, LEAST_ACCURACY)
        yield from self._expand(xw, fresh=not faster)
        most, self.max_epochs = self.max_epochs, min(self.max_epochs, self.epochs_used + EPOCHS)
        try:
            yield from self.solve(gap, self.accuracy * max(gap.relative, self.tol))
        finally:  # also if a process dies in a phase of it
            self.max_epochs = most
        self.steps += 1
        yield "predict"
        self._search(before, v.copy(), xw, self.predictions[:n].copy())
        self.w[self.used("members")] = v

    def _expand(self, xw: np.ndarray, *, fresh: bool) -> Iterator[str]:
        """Make the rows of the Lasso those of the expansion at the current predictions."""
        n = self.size["rows"]
        curvature = self.local.curvature
        smooth = self.loss.smoothness if np.isfinite(self.loss.smoothness) else 0.0
        largest = float(curvature[self.row_weight > 0.0].max())
        least = self.floor * max(largest, LEAST_FLOOR * smooth)
        h = self.row_weight * np.maximum(curvature, least)
        old = self.weight[:n]
        if self.weighed == 0 or fresh or np.abs(h - old).sum() > STALE * old.sum():
            self.unit[:n], self.weight[:n] = np.sqrt(h), h
            self.samples = float(h.sum())
            self.weighed = self.built = self.held = 0
            self.forget_columns()
        self.fresh, self.until = self.weighed, self.count
        yield "weigh"
        self.weighed = self.count
        u, theta = self.unit[:n], self.row_weight * self.local.theta
        rest = np.divide(theta, u, out=np.zeros(n), where=u > 0.0)
        v, members = self.used("v"), self.used("members")
        self.r[:n] = rest
        self.y[:n] = rest + u * (xw - float(self.mean[members] @ v))
        self.r2 = self.squared(v, rest)

    def _search(
        self, before: np.ndarray, after: np.ndarray, old: np.ndarray, new: np.ndarray
    ) -> None:
        """Go from weights with predictions `old` through others with `new`, to the minimum."""
        v, along = self.used("v"), new - old
        h = self.weight[: len(old)]
        moved = along - float(h @ along) / self.samples if self.centred else along
        line = Line(
            self.loss, self.target, self.row_weight, old + self.intercept, moved,
            self.local.theta, before, after - before, self.penalty * self.used("factor"),
            self.ridge, bool(self.positive),
        )  # fmt: skip
        t = line.minimiser(float(self.row_weight @ self.local.value) + self._cost(before))
        v[:] = after if t == 1.0 else before + t * (after - before)
        if self.positive:
            np.maximum(v, 0.0, out=v)  # rounding
        if t < SMALL_PART:
            self.floor = min(RAISED * self.floor, 1.0)
        else:
            self.floor = max(LOWERED * self.floor, LEAST_FLOOR)
        self.intercept += t * float(moved[0] - along[0])
        self._expand_at(new if t == 1.0 else old + t * along)
        self.predicted = t == 1.0 and not self.positive

    def progress(self) -> dict[str, float]:
        """Return gap, objective and counts at the last full pass."""
        return {**super().progress(), "steps": float(self.steps)}
