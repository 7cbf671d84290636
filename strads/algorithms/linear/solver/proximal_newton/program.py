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

from strads.algorithms.linear.losses.loss import Local, Loss
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.full_pass import ALIVE, LONGEST, TOP, UNPREPARED
from strads.algorithms.linear.solver.proximal_newton.gap import (
    Reached,
    balanced,
    largest_curvature,
)
from strads.algorithms.linear.solver.proximal_newton.intercept import best_intercept
from strads.algorithms.linear.solver.proximal_newton.kernels import push_predict, push_weigh
from strads.algorithms.linear.solver.proximal_newton.line_search import Line
from strads.algorithms.linear.solver.proximal_newton.rows import reading_rows
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, gamma
from strads.algorithms.linear.solver.working_set_program import WorkingSetProgram
from strads.engine import Phase, derived

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


class ProximalNewton(WorkingSetProgram):
    """Generalised linear model with the penalty of an elastic net; see the module's docstring.

    Parameters
    ----------
    loss : Loss
    y : ndarray
        Targets as the loss takes them.
    row_weight : ndarray
        ω: weights of the samples, whose sum is the number of rows.
    **given
        See :class:`~strads.algorithms.linear.solver.working_set_program.WorkingSetProgram`.
    """

    y = derived("rows", returned=False)  # target of the expansion
    unit = derived("rows", returned=False)
    weight = derived("rows", returned=False)
    predictions = derived("rows", returned=False)  # Xw

    phases: Mapping[str, Phase] = {
        **WorkingSetProgram.phases,
        "weigh": Phase(push=push_weigh, frozen=("members", "weight")),
        "predict": Phase(push=push_predict, frozen=("members", "v")),
    }

    remembered: ClassVar[tuple[str, ...]] = (
        *WorkingSetProgram.remembered, "intercept", "steps", "predicted", "weighed", "gap_before",
        "count_before", "accuracy", "floor", "y2",
    )  # fmt: skip

    def __init__(self, *, loss: Loss, y: np.ndarray, row_weight: np.ndarray, **given: Any) -> None:
        super().__init__(y=np.zeros(len(y)), unit=np.sqrt(row_weight), **given)
        self.loss, self.target, self.row_weight = loss, y, row_weight
        self.intercept = 0.0
        self.steps = 0  # of proximal Newton
        self.gap_before, self.count_before = np.inf, 0  # at the last step
        self.accuracy, self.floor = ACCURACY, FLOOR
        self.predicted = True  # whether predictions are Xw as computed, or a mixture of such
        self.weighed = 0  # number of members whose statistics are those of the current weights
        self.phases = {name: reading_rows(phase) for name, phase in self.phases.items()}

    def setup(self, rng: np.random.Generator) -> None:
        """Choose the best model without features, and its value as the scale of gaps."""
        super().setup(rng)
        n = self.size["rows"]
        none = np.zeros(n)
        start = self.loss.constant(self.target, self.row_weight) if self.centred else 0.0
        at_zero = self.row_weight @ self.loss.value(none + start, self.target)
        self.y2 = 2.0 * float(at_zero)  # gaps are relative to ½ y2, as in the Lasso
        self._expand_at(none)

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        super().load_state(state)
        predicted = self.predictions[: self.size["rows"]] + self.intercept
        self.local = self.loss.at(predicted, self.target)

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

    def _predict(self) -> Iterator[str]:
        """Compute Xw from the weights as they are, and take the loss there."""
        yield "predict"
        self._expand_at(self.predictions[: self.size["rows"]])
        self.predicted = True

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

    def _expand_at(self, xw: np.ndarray) -> None:
        """Take the loss at predictions, with the best intercept."""
        n = self.size["rows"]
        self.predictions[:n] = xw
        self.intercept, self.local = self._local(xw, self.intercept)
        self.minus_gradient[:n] = self.row_weight * self.local.theta

    def _local(self, xw: np.ndarray, intercept: float) -> tuple[float, Local]:
        if not self.centred:
            return 0.0, self.loss.at(xw, self.target)
        return best_intercept(self.loss, xw, self.target, self.row_weight, intercept)

    def judge(self) -> Gap:
        """Return the gap at the last scores; set the controls of the screening that follows."""
        n, v, weight = self.size["rows"], self.used("v"), self.row_weight
        self.work += self.entries * float(self.tally[:, ALIVE].sum()) / self.size["features"]
        primal = float(weight @ self.local.value) + self._cost(v)
        largest = float(self.tally[:, TOP].max())
        scale = min(1.0, self.penalty / largest) if largest > 0.0 else 1.0
        dual = float(weight @ self.loss.dual(scale * self.local.theta, self.target))
        dual -= 0.5 * scale * scale * self.ridge * float(v @ v)
        away = max(primal - dual, 0.0)
        relative = away / (0.5 * self.y2) if self.y2 > 0.0 else (np.inf if away else 0.0)
        gap = Gap(primal / n, dual / n, relative, scale)
        smooth = self.loss.smoothness
        self.radius = np.sqrt(2.0 * smooth * away) if np.isfinite(smooth) else np.inf
        self.scale = scale
        self._make_room()
        if np.isnan(self.objective_at_start):
            self.objective_at_start = gap.primal
        self.gap = gap
        self.proven = self._proven(largest) if relative <= self.tol else Certificate(relative, 0.0)
        return gap

    def _proven(self, largest: float) -> Certificate:
        """Return the gap plus a bound on rounding errors, for the columns that were scored."""
        n, v, theta = self.size["rows"], self.used("v"), self.local.theta
        even = balanced(theta, self.row_weight) if self.centred else theta
        longest = float(self.tally[:, LONGEST].max())
        norm = float(np.sqrt(self.row_weight @ theta**2))
        uneven = float(np.sqrt(self.row_weight @ (theta - even) ** 2))
        doubt = longest * (gamma(n + 16) * norm + uneven)
        doubt += 8.0 * UNIT * (largest + self.ridge * float(np.abs(v).max(initial=0.0)))
        sizes = longest * float(np.abs(v).sum()) + abs(self.intercept) * np.sqrt(n)
        error = gamma(self.count + 8) * sizes
        least = float(self.row_weight[self.row_weight > 0.0].min())
        reach = error / np.sqrt(least)  # `error` bounds a norm that is weighted by ω
        curvature = largest_curvature(self.loss, self.local, self.row_weight, reach)
        return Reached(
            self.loss, self.target, self.row_weight, self.local,
            error=norm * error + 0.5 * curvature * error**2, theta=even,
            largest=largest / self.penalty, doubt=(largest + doubt) / self.penalty,
            cost=self._cost(v), shrunk2=self.ridge * float(v @ v), terms=float(n + self.count),
            at_zero=0.5 * self.y2,
        ).bounded()  # fmt: skip

    def outgrown(self, entries: int) -> bool:
        """Whether residual form is better for the members, which have so many entries in all."""
        return entries > ROW_ENTRIES * self.size["rows"] or super().outgrown(entries)

    def _cost(self, v: np.ndarray) -> float:
        """Return the penalty of weights, times n."""
        return self.penalty * self.norm_of(v) + 0.5 * self.ridge * float(v @ v)

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
