"""Logistic regression, of two classes or several, with groups of weights: proximal Newton.

    min_{W,b} Σ_i ω_i φ(f_i, y_i) / n + α Σ_g weight_g ‖W_g‖ + β‖W‖² / 2,    F = XW + b

W has a column for each class, or one alone for two classes. The weights W_g of a group are those of
its features for all classes; a group may be a single feature. One cycle:

1. ``score`` computes the scores X_jᵀ(ω∘θ) − nβ w_j of all features. They give the gap.
2. Groups are screened, and those nearest to their constraints join the working set.
3. The loss is replaced by an expansion at F whose Hessian is h_i times the unit matrix for sample
   i, with h_i at least the largest eigenvalue of its Hessian. That is the squared error of the
   group Lasso with rows weighted by √(ω h), several tasks and the residual ω∘θ / √(ω h). ``weigh``
   computes the means and norms of the members' columns with these weights, and the methods of the
   group Lasso solve it on the working set.
4. ``predict`` computes XW of the new weights. On the way to these, or beyond, the point is taken at
   which the objective falls enough. Every few steps, the last points are combined by Anderson
   extrapolation where that lowers the objective: with several classes h is larger than it would
   have to be, and the steps converge linearly.

Source: Simon, Friedman, Hastie, A blockwise descent algorithm for group-penalized multiresponse and
multinomial regression, 2013, arXiv:1311.6529; Lee, Sun, Saunders 2014.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from strads.algorithms.linear.groups.group_line import GroupLine
from strads.algorithms.linear.groups.matrix_losses import MatrixLoss, Point
from strads.algorithms.linear.groups.program import GroupLassoProgram
from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.extrapolation import Extrapolation
from strads.algorithms.linear.solver.matrix_passes import push_predict
from strads.algorithms.linear.solver.proximal_newton.kernels import push_weigh
from strads.algorithms.linear.solver.proximal_newton.rows import reading_rows
from strads.algorithms.linear.solver.rounding import Certificate
from strads.engine import Phase, derived

#: A row's curvature counts at least a share of the largest of any row: the first number to begin
#: with, raised after a step of which only a small part could be taken, else lowered.
FLOOR, LEAST_FLOOR = 1e-6, 1e-12
SMALL_PART, RAISED, LOWERED = 0.1, 30.0, 0.1
#: The rows keep their weights while these have changed by less than this share of their sum.
STALE: Final = 0.1
#: The expansion is minimised to this share of the outer gap.
ACCURACY: Final = 0.03
#: Objectives that differ by this share are equal but for rounding.
LEVEL: Final = 1e-14


class GroupNewton(GroupLassoProgram):
    """The program; see the module's docstring.

    Parameters
    ----------
    loss : MatrixLoss
    tasks : int
        Number of columns of W.
    **given
        See :class:`~strads.algorithms.linear.groups.program.GroupLassoProgram`.
    """

    y = derived("rows", "tasks", returned=False)  # of the expansion
    unit = derived("rows", returned=False)
    weight = derived("rows", returned=False)
    predictions = derived("rows", "tasks", returned=False)  # XW
    carrying = derived("features", dtype=np.uint8, returned=False)  # features that may have weights

    remembered: ClassVar[tuple[str, ...]] = (
        *GroupLassoProgram.remembered, "intercepts", "steps", "weighed", "floor", "predicted",
    )  # fmt: skip

    def __init__(self, *, loss: MatrixLoss, tasks: int, **given: Any) -> None:
        n = len(loss.y)
        super().__init__(y=np.zeros((n, tasks)), unit=np.sqrt(loss.weight), **given)
        self.loss = loss
        more = {
            "weigh": Phase(push=push_weigh, frozen=("members", "weight")),
            "predict": Phase(push=push_predict, frozen=("w", "carrying")),
        }
        phases = {**self.phases, **more}
        self.phases = {name: reading_rows(phase) for name, phase in phases.items()}
        self.intercepts = np.zeros(tasks)
        self.floor, self.steps, self.weighed = FLOOR, 0, 0
        self.predicted = True  # whether predictions are XW as computed, or a mixture of such
        self.past: Extrapolation | None = None

    def setup(self, rng: np.random.Generator) -> None:
        """Choose the best model without features, and its value as the scale of gaps."""
        super().setup(rng)
        self.intercepts, at_zero = self.loss.without_features(centred=bool(self.centred))
        self.y2 = 2.0 * at_zero  # gaps are relative to ½ y2, as in the Lasso
        self._expand_at(np.zeros((self.size["rows"], self.size["tasks"])))

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields and the policy's state."""
        past = [] if self.past is None else self.past.recorded
        return {**super().save_state(), "past": past}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`, with the loss at the predictions."""
        super().load_state(state)
        if state["past"]:
            v, xw = state["past"][-1]
            self.past = Extrapolation(np.array(v), np.array(xw))
            self.past.recall(state["past"])
        f = self.predictions[: self.size["rows"]] + self.intercepts
        self.local = self.loss.at(f, self.loss.y)

    # -- the leader's part ---------------------------------------------------------------------

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One step of proximal Newton."""
        if self.gap is None:
            ridge = self.ridge
            # For screening: the rows of a ridge have the modulus 1, those of X the one of the loss.
            self.ridge = ridge / self.loss.smoothness
            try:
                yield "columns"
            finally:  # also if a process dies in this phase
                self.ridge = ridge
            if self.faulty[: self.size["features"]].any():
                self.stop("unprepared")
                return
            yield from self._begin()
        yield "score"
        gap = self.judge()
        if not np.isfinite(self.objective_at_start):
            self.objective_at_start = gap.primal
        if gap.relative <= self.tol:
            if not self.predicted:
                yield from self._predict()
            gap = yield from self.judge_in_full()
        if self.proven.gap <= self.tol:
            self.stop()
        elif self.epochs_used >= self.max_epochs:
            yield from self.give_up("epochs")
        elif self.progressing.stuck(gap.primal, gap.relative, self.objective_at_start):
            yield from self.give_up("precision")
        else:
            self._grow_working_set(gap)
            yield from self._step(gap)

    def recover(self) -> Sequence[str]:
        """Begin from the weights as they are, with rows that count as they are given."""
        n = self.size["rows"]
        self.unit[:n], self.weight[:n] = np.sqrt(self.loss.weight), self.loss.weight
        self.samples, self.floor, self.weighed = float(n), FLOOR, 0
        self.predicted, self.past = True, None
        self.carrying[:] = 0
        return super().recover()

    def give_up(self, status: str) -> Iterator[str]:
        """Stop short of the tolerance, with the gap of all features."""
        if not self.predicted:
            yield from self._predict()
        yield from super().give_up(status)

    def _begin(self) -> Iterator[str]:
        """Take the weights to start from."""
        self.w[self.norm == 0.0] = 0.0
        self.alive[self.norm == 0.0] = 0
        support = np.flatnonzero(self.w.any(axis=1))
        if len(support):
            self.join(support)
            yield from self._predict()

    def _predict(self) -> Iterator[str]:
        """Compute XW from the weights as they are, and take the loss there."""
        self.carrying[self.used("members")] = 1
        yield "predict"
        self._expand_at(self.predictions[: self.size["rows"]])
        self.predicted = True

    def _expand_at(self, xw: np.ndarray) -> None:
        """Take the loss at predictions, with the best intercepts."""
        n = self.size["rows"]
        self.predictions[:n] = xw
        if self.centred:
            self.intercepts, self.local = self.loss.balanced(xw, self.intercepts)
        else:
            self.local = self.loss.at(xw + self.intercepts, self.loss.y)
        self.minus_gradient[:n] = self.loss.weight[:, None] * self.local.theta

    def judge(self) -> Gap:
        """Return the gap at the last scores."""
        v = self.used("v")
        point = Point(
            self.local, self.w[self.used("members")], self.intercepts, norms=self.norm_of(v),
            penalty=self.penalty, ridge=self.ridge, largest=self.largest_score(),
            doubtful=self.doubtful_score, at_zero=0.5 * self.y2,
            longest=float(self.length[: self.size["features"]].max(initial=0.0)),
        )  # fmt: skip
        self.gap = self.loss.gap(point)
        self.proven = Certificate(self.gap.relative, 0.0)
        if self.gap.relative <= self.tol or self.everything:
            with np.errstate(all="ignore"):
                self.proven = self.loss.bounded(point, centred=bool(self.centred))
        return self.gap

    def radius(self, gap: Gap) -> float:
        """Return how far the dual solution may be from the dual point."""
        return float(np.sqrt(self.loss.smoothness * gap.relative * self.y2))

    # -- a step --------------------------------------------------------------------------------

    def _step(self, gap: Gap) -> Iterator[str | tuple[str, int]]:
        """Minimise the expansion on the working set, and go towards its solution, or beyond."""
        n, v = self.size["rows"], self.used("v")
        before, old = v.copy(), self.predictions[:n].copy()
        yield from self._expand()
        if self.outgrown:
            yield from self.sweep(gap.relative)
        else:
            yield from self.build()
            score = self.score[self.used("members")]
            yield from self.descend(score, gap.relative, ACCURACY * gap.relative)
        self.steps += 1
        self.w[self.used("members")] = v
        self.carrying[self.used("members")] = 1
        yield "predict"
        self._go(before, v.copy(), old, self.predictions[:n].copy())
        self.w[self.used("members")] = v
        yield from self._extrapolate()

    def _expand(self) -> Iterator[str]:
        """Make the rows of the group Lasso those of the expansion at the current predictions."""
        n, curvature = self.size["rows"], self.local.curvature
        least = self.floor * max(float(curvature.max()), LEAST_FLOOR)
        h = self.loss.weight * np.maximum(curvature, least)
        before = self.weight[:n]
        if self.weighed == 0 or np.abs(h - before).sum() > STALE * before.sum():
            self.unit[:n], self.weight[:n], self.samples = np.sqrt(h), h, float(h.sum())
            self.weighed = self.built = 0
        self.fresh, self.until = self.weighed, self.count
        yield "weigh"
        self.renew_blocks(int(np.searchsorted(self._used("first"), self.weighed)))
        self.weighed = self.count
        unit, theta = self.unit[:n, None], self.loss.weight[:, None] * self.local.theta
        self.r[:n] = np.divide(theta, unit, out=np.zeros(theta.shape), where=unit > 0.0)
        v = self.used("v")
        self.r2 = float(np.vdot(self.r[:n], self.r[:n])) + self.ridge * float(np.vdot(v, v))

    def _go(self, before: np.ndarray, after: np.ndarray, old: np.ndarray, new: np.ndarray) -> None:
        """Go from weights with predictions `old` through others with `new`, to the minimum."""
        v, along, h = self.used("v"), new - old, self.weight[: len(old)]
        moved = along - (h @ along) / self.samples if self.centred else along
        line = GroupLine(
            self.loss, self.loss.y, self.loss.weight[:, None], old + self.intercepts, moved,
            self.local.theta, before, after - before, self.penalty, self.ridge,
            bool(self.positive), first=self._used("first"), limit=self._used("limit"),
        )  # fmt: skip
        height = self._height_of(before, self.local)
        t = line.minimiser(height)
        v[:] = after if t == 1.0 else before + t * (after - before)
        if self.positive:
            np.maximum(v, 0.0, out=v)  # rounding
        small = t < SMALL_PART
        self.floor = min(RAISED * self.floor, 1.0) if small else self.floor * LOWERED
        self.floor = max(self.floor, LEAST_FLOOR)
        self.intercepts = self.intercepts + t * (moved - along)[0]
        self._expand_at(new if t == 1.0 else old + t * along)
        self.predicted = t == 1.0 and not self.positive

    def _height_of(self, v: np.ndarray, local: Local) -> float:
        """Return the objective times n, of weights and the loss at their predictions."""
        cost = self.penalty * self.norm_of(v) + 0.5 * self.ridge * float(np.vdot(v, v))
        return float(self.loss.weight @ local.value) + cost

    def _extrapolate(self) -> Iterator[str]:
        """Combine the weights of the last steps, and their predictions, if that is lower.

        Their predictions are computed anew: the combination may multiply their errors.
        """
        n, v, members = self.size["rows"], self.used("v"), self.used("members")
        if self.past is None or len(self.past.v) != v.size:
            self.past = Extrapolation(v.ravel().copy(), self.predictions[:n].ravel().copy())
            return
        self.past.v[:], self.past.z[:] = v.ravel(), self.predictions[:n].ravel()
        old, xw = v.copy(), self.predictions[:n].copy()
        height = self._height_of(v, self.local)
        if not self.past.step(self._height_at, LEVEL * height):
            return
        v[:] = self.past.v.reshape(v.shape)
        self.w[members] = v
        yield from self._predict()
        if not self._height_of(v, self.local) < height * (1.0 + LEVEL):
            v[:], self.past = old, None
            self.w[members] = v
            self._expand_at(xw)
            self.predicted = False

    def _height_at(self, v: np.ndarray, xw: np.ndarray) -> float:
        """Return the objective times n, of weights and their predictions without intercepts."""
        if self.positive and v.min(initial=0.0) < 0.0:
            return np.inf
        f = xw.reshape(self.size["rows"], -1)
        if self.centred:
            local = self.loss.balanced(f, self.intercepts)[1]
        else:
            local = self.loss.at(f + self.intercepts, self.loss.y)
        return self._height_of(v, local)

    def progress(self) -> dict[str, float]:
        """Return gap, objective and counts at the last full pass."""
        return {**super().progress(), "steps": float(self.steps)}
