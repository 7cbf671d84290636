"""Lasso and elastic net as a program: working sets chosen by full passes, solved in several forms.

    min_w ‖y − Xw‖² / 2n + α‖w‖₁ + β‖w‖² / 2

One cycle:

1. ``score`` computes x_jᵀr of all columns in parallel; they give the gap, and so whether to stop.
2. ``nearest`` screens columns and chooses those that join the working set W.
3. The problem on W is solved: :mod:`strads.algorithms.linear.solver.inner`.
4. ``residual`` computes r anew, so that errors do not add up: a Gram matrix in single precision
   limits the accuracy of step 3, not that of the result.

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
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.solver.duality import Gap, lasso_gap
from strads.algorithms.linear.solver.full_pass import (
    ALIVE,
    LONGEST,
    NEAREST,
    SPREAD_DOUBLE,
    SPREAD_SINGLE,
    TOP,
    UNPREPARED,
    VIOLATORS,
    WORDS,
    push_columns,
    push_nearest,
    push_residual,
    push_score,
)
from strads.algorithms.linear.solver.inner import DEFAULT, GRAM_ROUNDS, HARM, LassoInner
from strads.algorithms.linear.solver.members.working_set import DENSE, SPARSE
from strads.algorithms.linear.solver.progress import Progress
from strads.algorithms.linear.solver.residual_form.held_columns import MOST_ROWS, SWEEPING
from strads.algorithms.linear.solver.residual_form.support_steps import STEPPING
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, Parts, bounded, gamma
from strads.engine import Phase, Schedule, control, derived

__all__ = ["DEFAULT", "WorkingSetLasso"]

#: Size of the first working set, and the largest growth in a cycle as a multiple of the size.
FIRST, GROWTH = 128, 1
#: Equal columns have scores that agree to this share of them.
SAME = 1e-10
#: Largest working set in Gram form.
MOST = 1 << 17
#: After this many cycles without progress, rounding errors prevent any more.
FUTILE = 4


class WorkingSetLasso(LassoInner):
    """The Lasso by working sets; see the module's docstring.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
        As it was given: rows are multiplied by √sample_weight on the fly.
    y : ndarray
        Centred if there is an intercept, times √sample_weight.
    unit : ndarray
        √sample_weight.
    alpha, beta : float
        Weights of ‖w‖₁ and of ½‖w‖².
    tol : float
        Relative duality gap to reach.
    max_epochs : int
        Largest number of epochs of coordinate rounds and sweeps.
    centred : bool
        Whether there is an intercept.
    positive : bool
        Whether the weights are constrained to w ≥ 0.
    schedule : Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"``; if one is given, the Gram form is
        kept.
    form : {"gram", "residual"}, optional
        Form of the inner problems. None: Newton's method for dense columns of few rows; else Gram
        form, until the working set has outgrown it.
    w : ndarray, optional
        Weights to start from.
    budget : float
        Work after which the run stops, in visits of entries of columns.
    """

    alive = derived("features", dtype=np.int64, private=True, returned=False)
    nearest = derived("features", dtype=np.int64, private=True, returned=False)
    distance = derived("features", private=True, returned=False)
    tally = derived("words", replicated=True)
    minus_gradient = derived("rows", returned=False)  # u∘r: of the loss, in the predictions
    centred = control(0)
    spread = control(0.0)  # largest ratio of ‖x‖² to the squared norm of the centred column
    everything = control(0)  # whether the next pass scores screened columns, too
    scale = control(0.0)
    radius = control(0.0)
    wanted = control(0)

    phases: Mapping[str, Phase] = {
        "columns": Phase(push=push_columns, frozen=("minus_gradient",)),
        "residual": Phase(push=push_residual, frozen=("mean", "members", "v")),
        "score": Phase(push=push_score, frozen=("minus_gradient", "norm", "inside")),
        "nearest": Phase(push=push_nearest, frozen=("norm", "inside", "score")),
    }

    objective_at_start: float

    def __init__(
        self, *, X: Any, alpha: float, beta: float = 0.0, tol: float, max_epochs: int,
        schedule: Schedule | None = None, w: np.ndarray | None = None, form: str | None = None,
        budget: float = np.inf,
        **given: Any,
    ) -> None:  # fmt: skip
        if w is not None:
            given["w"] = w
        if schedule is not None and form is None:
            form = "gram"  # only the Gram form has rounds, which the given schedule is to fill
        single = sp.issparse(X) or X.dtype == np.float32
        spread = SPREAD_SINGLE if single else SPREAD_DOUBLE
        super().__init__(
            X=X, form=form, penalty=X.shape[0] * alpha, ridge=X.shape[0] * beta, spread=spread,
            words=WORDS, **given,
        )  # fmt: skip
        self.alpha, self.tol, self.max_epochs = alpha, tol, max_epochs
        if not self.by_newton:  # which needs no more than the full passes
            rounds = GRAM_ROUNDS if schedule is None else replace(GRAM_ROUNDS, schedule=schedule)
            steps = {**SPARSE, **SWEEPING, **STEPPING} if self.sparse else DENSE
            self.phases = {**type(self).phases, "descend": rounds, **steps}
        self.epochs_used = 0
        self.work, self.budget = 0.0, budget
        self.swept = 0  # visits of members by sweeps
        self.restraints = 0  # times that the schedule was told to let fewer ids move together
        self.gap: Gap | None = None
        self.proven = Certificate(np.inf, np.inf)
        self.progressing = Progress(FUTILE)
        self.best: tuple[float, np.ndarray] = np.inf, np.empty(0)
        self.objective_at_start = np.nan

    def setup(self, rng: np.random.Generator) -> None:
        """Start from r = y, which is the residual of w = 0."""
        super().setup(rng)
        self.r[: self.size["rows"]] = self.y
        self.minus_gradient[: self.size["rows"]] = self.unit * self.y
        self.y2 = float(self.y @ self.y)

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields and the policy's state."""
        return {
            "gap": None if self.gap is None else list(astuple(self.gap)),
            "objective_at_start": self.objective_at_start,
            "epochs_used": self.epochs_used,
            "restraints": self.restraints,
            "built": self.built,
            "held": self.held,
            "resting": self.resting,
            "in_residual_form": self.in_residual_form,
            "swept": self.swept,
            "work": self.work,
            "newton_systems": self.newton_systems,
            "polished": self.polished,
            "products_made": self.products_made,
            "step_length": self.step_length,
            "best": list(self.best),
            "progressing": vars(self.progressing),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.gap = None if state["gap"] is None else Gap(*state["gap"])
        self.objective_at_start = state["objective_at_start"]
        self.epochs_used, self.built = state["epochs_used"], state["built"]
        self.restraints, self.swept = state["restraints"], state["swept"]
        self.work = state["work"]
        self.newton_systems = state["newton_systems"]
        self.polished = state["polished"]
        self.products_made, self.step_length = state["products_made"], state["step_length"]
        self.held, self.in_residual_form = state["held"], state["in_residual_form"]
        self.resting = np.asarray(state["resting"], np.bool_)
        self.best = float(state["best"][0]), np.asarray(state["best"][1])
        vars(self.progressing).update(state["progressing"])

    # -- the leader's part ---------------------------------------------------------------------

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One working set."""
        if self.gap is None:
            yield "columns"
            if self.tally[:, UNPREPARED].any():
                return self.stop("unprepared")
            self.w[self.norm == 0.0] = 0.0  # a weight from before would only be penalised
            support = np.flatnonzero(self.w)
            if len(support):
                self.join(support)
                yield "residual"
        if self.gap is not None or self.count:
            yield self.first_pass()
        gap, hopeless = self._judge(), False
        if not gap.primal <= self.best[0] + HARM * self.y2 / self.samples:
            hopeless = not self._may_leave_gram_form()
            yield from self._take_back()
            gap = self._judge()
        if gap.relative <= self.tol and self._screened():
            self.everything = 1
            yield "score"
            self.everything = 0
            gap = self._judge()
        if gap.relative <= self.tol:
            yield from self._settle_on_first()
            return self.accepted()
        if self.epochs_used >= self.max_epochs:
            return self.stop("epochs")
        if hopeless or self.progressing.stuck(gap.primal, gap.relative, self.objective_at_start):
            return self.stop("precision")
        self.best = gap.primal, self.used("v").copy()
        yield "nearest"
        self._take_nearest()
        yield from self.solve(gap, grows=self.wanted > 0)
        if self.newton_failed and self.epochs_used < self.max_epochs:
            return self.stop("rounds")
        if self.work >= self.budget:
            return self.stop("long")
        yield "residual"
        return None

    def first_pass(self) -> str:
        """Return the phase that begins a cycle: it scores the columns."""
        return "score"

    def accepted(self) -> None:
        """Do what is to be done when the gap is within the tolerance: end."""
        self.stop()

    def _settle_on_first(self) -> Iterator[str]:
        """Let the first of equal columns carry the weight, if it has not joined the working set.

        Equal columns have equal scores, so only columns with the score of a member need a look.
        """
        if self.ridge > 0.0:  # equal columns share the weight
            return
        before = self.used("v").copy()
        active = np.sort(np.abs(self.score[self.used("members")[before != 0.0]]))
        score = np.abs(self.score[: self.size["features"]])
        if len(active) == 0:
            return
        outside = (score >= 0.5 * active[0]) & (self.inside[: len(score)] == 0)
        found = np.flatnonzero(outside)
        self.join(found[near(score[found], active, SAME)])
        v = self.used("v")
        self.w[self.used("members")] = v
        if not np.array_equal(before, v[: len(before)]):
            yield "residual"
            yield "score"
            self._judge()

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
        yield "residual"
        yield "score"

    def progress(self) -> dict[str, float]:
        """Return gap, objective and counts at the last full pass."""
        return {
            "certificate": self.proven.gap,
            "rounding": self.proven.rounding,
            "objective": np.nan if self.gap is None else self.gap.primal,
            "nonzeros": float(np.count_nonzero(self.used("v"))),
            "working_set": float(self.count),
            "alive": float(self.tally[:, ALIVE].sum()),
            "epochs": float(self.epochs_used),
            "restraints": float(self.restraints),
            "residual_form": float(self.in_residual_form),
            "swept": float(self.swept),
            "products": float(self.products_made),
            "newton_systems": float(self.newton_systems),
            "polished": float(self.polished),
        }

    def _screened(self) -> bool:
        usable = int(np.count_nonzero(self.norm[: self.size["features"]]))
        return int(self.tally[:, ALIVE].sum()) < usable

    def _judge(self) -> Gap:
        """Return the gap at the last scores; set the controls of the screening that follows."""
        r = self.r[: self.size["rows"]]
        self.r2 = self.squared(self.used("v"), r)
        self.work += self.entries * float(self.tally[:, ALIVE].sum()) / self.size["features"]
        n, l1 = self.size["rows"], float(np.abs(self.used("v")).sum())
        largest = float(self.tally[:, TOP].max())
        gap = lasso_gap(self.r2, float(r @ self.y), self.y2, l1, largest, self.alpha, n)
        violators = int(self.tally[:, VIOLATORS].sum())
        self.scale = gap.scale
        self.radius = np.sqrt(2.0 * n * max(gap.primal - gap.dual, 0.0))
        most = self.size["features"] if self.in_residual_form else MOST
        room = min(max(FIRST, GROWTH * self.count), most - self.count)
        self.wanted = min(max(violators, FIRST // 2), room) if violators else 0
        if self.gap is None:
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
        return bounded(
            Parts(
                r2=self.r2, ry=float(r @ y), y2=max(self.y2 - n * middle_y**2, 0.0), penalty=l1,
                slope=(max(largest, 0.0) + doubt) / self.penalty,
                bare=max(largest, 0.0) / self.penalty,
                residual_error=error + y_error, terms=float(n + self.count),
                ry_error=gamma(n + 8) * norm_r * norm_y + norm_r * y_error + n * middle * middle_y,
            )
        )  # fmt: skip

    def _take_nearest(self) -> None:
        """Merge the candidates of all workers; the nearest ones join the working set."""
        bounds = self.partitions["features"].bounds[:-1]
        found = self.tally[:, NEAREST].astype(np.int64)
        parts = [slice(lo, lo + n) for lo, n in zip(bounds, found, strict=True)]
        ids = np.concatenate([self.nearest[part] for part in parts])
        away = np.concatenate([self.distance[part] for part in parts])
        if len(ids) > self.wanted:
            ids = ids[np.argpartition(away, self.wanted - 1)[: self.wanted]]
        if len(ids):
            self.join(np.sort(ids))


def near(values: np.ndarray, others: np.ndarray, share: float) -> np.ndarray:
    """Return which positive values agree with one of the sorted others, to a share of them."""
    above = np.searchsorted(others, values * (1.0 - share))
    found: np.ndarray = np.append(others, np.inf)[above] <= values * (1.0 + share)
    return found
