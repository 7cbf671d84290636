"""Lasso and elastic net as a program: working sets chosen by full passes, solved in several forms.

    min_w ‖y − Xw‖² / 2n + α Σ_j factor_j |w_j| + β‖w‖² / 2

One cycle:

1. ``score`` computes x_jᵀr of all columns in parallel; they give the gap, and so whether to stop.
2. ``nearest`` screens columns and chooses those that join the working set W.
3. The problem on W is solved: :mod:`strads.algorithms.linear.solver.inner`.
4. ``residual`` computes r anew, so that errors do not add up: a Gram matrix in single precision
   limits the accuracy of step 3, not that of the result. Weights of features without a penalty
   (factor 0), which are always in W, are then made the best ones for all others.

The ridge is the same as more rows of data, with ridge = nβ: √ridge times the unit matrix, with
targets of zero. They are not stored. r is the residual of the rows of X, and what is computed from
it is completed: ‖r‖² by ridge·‖w‖², the score x_jᵀr by −ridge·w_j, ‖x_j‖² by ridge. With that, gap,
screening and all inner methods are those of the Lasso of the longer data.

Weights of samples and centring are implicit: with u = √sample_weight (ones without), column j
stands for u∘x_j − x̄_j u, with the weighted mean x̄_j. Since r ⟂ u, the score x_jᵀ(u∘r) needs no
correction, and r = y − u∘(Xw) + (x̄ᵀw) u. If implicit centring
loses too many digits of a column, the first pass counts it as `UNPREPARED`, and the run stops at
once with the status "unprepared" and an infinite gap.

A run on one worker may have a budget of work, which is counted, not timed. A run that exceeds it
stops with the status "long": another run, on more workers, is to go on from its weights.

If Newton's method fails, the run stops with the status "rounds": another run, in Gram form, is to
go on from its weights.

The status "precision" says that rounding errors keep the weights from coming closer to the optimum.
The figure ``certificate`` is the gap plus a bound on all rounding errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from strads.algorithms.linear.solver.duality import Gap, lasso_gap
from strads.algorithms.linear.solver.full_pass import (
    ALIVE,
    LONGEST,
    TOP,
    UNPREPARED,
    push_residual,
)
from strads.algorithms.linear.solver.gram_form.rounds import DEFAULT, HARM
from strads.algorithms.linear.solver.residual_form.held_columns import MOST_ROWS
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, Parts, bounded, gamma
from strads.algorithms.linear.solver.without_penalty import WithoutPenalty
from strads.engine import Phase

__all__ = ["DEFAULT", "WorkingSetLasso"]

#: The inner problem is solved to this share of the outer gap while the working set grows, and at
#: the end to this share of the tolerance.
INNER, FINAL = 0.3, 0.5


class WorkingSetLasso(WithoutPenalty):
    """The Lasso by working sets; see the module's docstring.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.solver.working_set_program.WorkingSetProgram`.
    """

    phases: Mapping[str, Phase] = {
        **WithoutPenalty.phases,
        "residual": Phase(push=push_residual, frozen=("mean", "members", "v")),
    }

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.best: tuple[float, np.ndarray] = np.inf, np.empty(0)

    def setup(self, rng: np.random.Generator) -> None:
        """Start from r = y, which is the residual of w = 0."""
        super().setup(rng)
        self.r[: self.size["rows"]] = self.y
        self.minus_gradient[: self.size["rows"]] = self.unit * self.y
        self.y2 = float(self.y @ self.y)

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields and the policy's state."""
        return {**super().save_state(), "best": list(self.best)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        super().load_state(state)
        self.best = float(state["best"][0]), np.asarray(state["best"][1])

    # -- the leader's part ---------------------------------------------------------------------

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One working set."""
        if self.gap is None:
            yield "columns"
            if self.tally[:, UNPREPARED].any():
                return self.stop("unprepared")
            self.w[self.norm == 0.0] = 0.0  # a weight from before would only be penalised
            support = np.flatnonzero((self.w != 0.0) | self.without_penalty())
            if len(support):
                self.join(support)
                yield from self.compute_residual()
        if self.gap is not None or self.count:
            yield self.first_pass()
        gap, hopeless = self.judge(), False
        if not gap.primal <= self.best[0] + HARM * self.y2 / self.samples:
            hopeless = not self._may_leave_gram_form()
            yield from self._take_back()
            gap = self.judge()
        if gap.relative <= self.tol:
            gap = yield from self.judged_in_full()
        if gap.relative <= self.tol:
            if self.first_carries():
                yield from self.compute_residual()
                yield "score"
                self.judge()
            return self.accepted()
        if self.epochs_used >= self.max_epochs:
            return self.stop("epochs")
        if hopeless or self.progressing.stuck(gap.primal, gap.relative, self.objective_at_start):
            return self.stop("precision")
        self.best = gap.primal, self.used("v").copy()
        yield "nearest"
        self._take_nearest()
        grows = self.wanted > 0
        yield from self.solve(gap, max(INNER * gap.relative if grows else 0.0, FINAL * self.tol))
        if self.newton_failed and self.epochs_used < self.max_epochs:
            return self.stop("rounds")
        if self.work >= self.budget:
            return self.stop("long")
        yield from self.compute_residual()
        return None

    def restart(self) -> None:
        """Forget what is known of the progress, because another penalty begins."""
        super().restart()
        self.best = np.inf, np.empty(0)

    def _may_leave_gram_form(self) -> bool:
        """Change to residual form if possible, since sweeps in double precision cannot do harm."""
        may = self.sparse and self.form is None and not self.in_residual_form
        self.in_residual_form |= may and self.size["rows"] <= MOST_ROWS
        return may and self.in_residual_form

    def _take_back(self) -> Iterator[str]:
        """Undo the last inner solve, which was harmful: return to the weights before it."""
        v, before = self.used("v"), self.best[1]
        v[: len(before)], v[len(before) :] = before, 0.0
        self.w[self.used("members")] = v
        yield from self.compute_residual()
        yield "score"

    def judge(self) -> Gap:
        """Return the gap at the last scores; set the controls of the screening that follows."""
        r = self.r[: self.size["rows"]]
        self.r2 = self.squared(self.used("v"), r)
        self.work += self.entries * float(self.tally[:, ALIVE].sum()) / self.size["features"]
        n, l1 = self.size["rows"], self.norm_of(self.used("v"))
        largest = float(self.tally[:, TOP].max())
        gap = lasso_gap(self.r2, float(r @ self.y), self.y2, l1, largest, self.alpha, n)
        self.scale = gap.scale
        self.radius = np.sqrt(2.0 * n * max(gap.primal - gap.dual, 0.0))
        self._make_room()
        if np.isnan(self.objective_at_start):
            self.objective_at_start = gap.primal
        self.gap, self.proven = gap, self._proven(r, gap, largest)
        return gap

    def _proven(self, r: np.ndarray, gap: Gap, largest: float) -> Certificate:
        """Return the gap plus a bound on rounding errors, for the columns that were scored.

        The error bounds are those of :mod:`strads.algorithms.linear.certified.certificate`, from
        the norms of columns that are not centred, with the rows that the ridge adds.
        """
        n, members, v = self.size["rows"], self.used("members"), self.used("v")
        y, root = self.y, np.sqrt(n)
        sizes = np.hypot(self.norm[members], root * self.mean[members])
        shift = abs(float(self.mean[members] @ v))
        norm_r, norm_y = np.sqrt(self.r2), np.sqrt(self.y2)
        error = gamma(self.count + 8) * (norm_y + root * shift + float(np.abs(v) @ sizes))
        middle = middle_y = 0.0
        if self.centred:
            middle = (abs(float(r @ self.unit)) + gamma(n + 8) * root * norm_r) / n
            middle_y = (abs(float(y @ self.unit)) + gamma(n + 8) * root * norm_y) / n
        longest = float(self.tally[:, LONGEST].max())
        doubt = longest * (gamma(n + 8) * norm_r + middle * root)
        l1 = (gap.primal - self.r2 / (2 * n)) * n
        y_error = 2.0 * UNIT * norm_y
        found = bounded(
            Parts(
                r2=self.r2, ry=float(r @ y), y2=max(self.y2 - n * middle_y**2, 0.0), penalty=l1,
                slope=(max(largest, 0.0) + doubt) / self.penalty,
                bare=max(largest, 0.0) / self.penalty,
                residual_error=error + y_error, terms=float(n + self.count),
                ry_error=gamma(n + 8) * norm_r * norm_y + norm_r * y_error + n * middle * middle_y,
            )
        )  # fmt: skip
        return found.plus(self.lost_by_rounding(r, float(norm_y), longest) / (0.5 * self.y2 or 1.0))
