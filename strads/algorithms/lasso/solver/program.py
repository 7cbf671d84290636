"""The Lasso as a program: working sets chosen by full passes, solved in Gram or residual form.

    min_w ‖y − Xw‖² / 2n + α‖w‖₁

One cycle: ``score`` (x_jᵀr, in parallel) → gap, stop → ``nearest`` (screening; who joins the
working set W) → the problem on W, see :mod:`strads.algorithms.lasso.solver.inner` → ``residual``
(computed anew, so that errors do not pile up: a Gram matrix is in single precision, which costs
inner accuracy, never the result's).

Centring is implicit: with u = √sample_weight (ones without weights) column j stands for
x_j − x̄_j u; r ⟂ u, so x_jᵀr needs no correction and r = y − Xw + (x̄ᵀw) u. What that cannot do is
noticed in the first pass, and the run stops at once (`UNPREPARED`), with nothing claimed.

Besides "converged" and "epochs" a run may end for "precision": where rounding keeps the weights
from coming nearer. The figure ``certificate`` is the gap with all rounding errors added to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.lasso.solver.duality import Gap, lasso_gap
from strads.algorithms.lasso.solver.full_pass import (
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
from strads.algorithms.lasso.solver.held_columns import MOST_ROWS, SWEEPING
from strads.algorithms.lasso.solver.inner import DEFAULT, GRAM_ROUNDS, HARM, LassoInner
from strads.algorithms.lasso.solver.progress import Progress
from strads.algorithms.lasso.solver.rounding import UNIT, Certificate, Parts, bounded, gamma
from strads.algorithms.lasso.solver.working_set import DENSE, SPARSE
from strads.engine import Phase, Schedule, control, derived

__all__ = ["DEFAULT", "WorkingSetLasso"]

#: First working set; while violators remain it grows by up to `GROWTH` times its size.
FIRST, GROWTH = 128, 1
#: Largest working set in Gram form.
MOST = 1 << 17
#: Cycles without any progress after which rounding is what is in the way.
FUTILE = 4


class WorkingSetLasso(LassoInner):
    """Lasso by working sets; see the module's docstring.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
        Rows scaled by √sample_weight.
    y : ndarray
        Centred if there is an intercept, scaled like X.
    unit : ndarray
        √sample_weight.
    alpha, tol : float
    max_epochs : int
    centred : bool
        Whether there is an intercept.
    positive : bool
    schedule : Schedule, optional
        Of the coordinate rounds, over axis ``"chosen"``, which then are in Gram form.
    form : {"gram", "residual"}, optional
        Of the inner problems; None: Gram form, until it is outgrown.
    w : ndarray, optional
        Where to start.
    """

    alive = derived("features", dtype=np.int64, private=True, returned=False)
    nearest = derived("features", dtype=np.int64, private=True, returned=False)
    distance = derived("features", private=True, returned=False)
    tally = derived("words", replicated=True)
    centred = control(0)
    spread = control(0.0)  # most of ‖x‖² for its centred part
    everything = control(0)  # the next pass looks at screened columns, too
    scale = control(0.0)
    radius = control(0.0)
    wanted = control(0)

    phases: Mapping[str, Phase] = {
        "columns": Phase(push=push_columns, frozen=("r",)),
        "residual": Phase(push=push_residual, frozen=("mean", "members", "v")),
        "score": Phase(push=push_score, frozen=("r", "norm", "inside")),
        "nearest": Phase(push=push_nearest, frozen=("norm", "inside", "score")),
        "descend": GRAM_ROUNDS,
    }

    objective_at_start: float

    def __init__(
        self, *, X: Any, alpha: float, tol: float, max_epochs: int,
        schedule: Schedule | None = None, w: np.ndarray | None = None, form: str | None = None,
        **given: Any,
    ) -> None:  # fmt: skip
        if w is not None:
            given["w"] = w
        if schedule is not None and form is None:
            form = "gram"  # one that is asked for has rounds to fill
        single = sp.issparse(X) or X.dtype == np.float32
        spread = SPREAD_SINGLE if single else SPREAD_DOUBLE
        super().__init__(
            X=X, form=form, penalty=X.shape[0] * alpha, spread=spread, words=WORDS, **given
        )
        self.alpha, self.tol, self.max_epochs = alpha, tol, max_epochs
        phases = {**type(self).phases, **({**SPARSE, **SWEEPING} if self.sparse else DENSE)}
        if schedule is not None:
            phases["descend"] = replace(phases["descend"], schedule=schedule)
        self.phases = phases
        self.epochs_used = 0
        self.swept = 0  # members that sweeps have looked at
        self.restraints = 0  # times that the schedule was told to let less move together
        self.gap: Gap | None = None
        self.proven = Certificate(np.inf, np.inf)
        self.progressing = Progress(FUTILE)
        self.best: tuple[float, np.ndarray] = np.inf, np.empty(0)
        self.objective_at_start = np.nan

    def setup(self, rng: np.random.Generator) -> None:
        """Start from r = y, which is right while w = 0."""
        super().setup(rng)
        self.r[: self.size["rows"]] = self.y
        self.y2 = float(self.y @ self.y)

    def save_state(self) -> dict[str, Any]:
        """What a resumed run needs besides fields and schedule."""
        return {
            "gap": None if self.gap is None else list(astuple(self.gap)),
            "objective_at_start": self.objective_at_start,
            "epochs_used": self.epochs_used,
            "restraints": self.restraints,
            "built": self.built,
            "held": self.held,
            "in_residual_form": self.in_residual_form,
            "swept": self.swept,
            "best": list(self.best),
            "progressing": vars(self.progressing),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.gap = None if state["gap"] is None else Gap(*state["gap"])
        self.objective_at_start = state["objective_at_start"]
        self.epochs_used, self.built = state["epochs_used"], state["built"]
        self.restraints, self.swept = state["restraints"], state["swept"]
        self.held, self.in_residual_form = state["held"], state["in_residual_form"]
        self.best = float(state["best"][0]), np.asarray(state["best"][1])
        vars(self.progressing).update(state["progressing"])

    # -- the leader's part ---------------------------------------------------------------------

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One working set."""
        if self.gap is None:
            yield "columns"
            if self.tally[:, UNPREPARED].any():
                return self.stop("unprepared")
            support = np.flatnonzero((self.w != 0.0) & (self.norm > 0.0))
            if len(support):
                self.join(support)
                yield "residual"
        if self.gap is not None or self.count:
            yield "score"
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
            return self.stop()
        if self.epochs_used >= self.max_epochs:
            return self.stop("epochs")
        if hopeless or self.progressing.stuck(gap.primal, gap.relative, self.objective_at_start):
            return self.stop("precision")
        self.best = gap.primal, self.used("v").copy()
        yield "nearest"
        self._take_nearest()
        yield from self.solve(gap, grows=self.wanted > 0)
        yield "residual"
        return None

    def _may_leave_gram_form(self) -> bool:
        """Leave the Gram form if that can be: sweeps in double precision raise no objective."""
        may = self.sparse and self.form is None and not self.in_residual_form
        self.in_residual_form |= may and self.size["rows"] <= MOST_ROWS
        return may and self.in_residual_form

    def _take_back(self) -> Iterator[str]:
        """Return to the weights before the last working set was solved: that did harm."""
        v, before = self.used("v"), self.best[1]
        v[: len(before)], v[len(before) :] = before, 0.0
        self.w[self.used("members")] = v
        yield "residual"
        yield "score"

    def progress(self) -> dict[str, float]:
        """Gap and objective at the last full pass."""
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
        }

    def _screened(self) -> bool:
        usable = int(np.count_nonzero(self.norm[: self.size["features"]]))
        return int(self.tally[:, ALIVE].sum()) < usable

    def _judge(self) -> Gap:
        """Gap at the last scores; sets up the screening and the growth that follow."""
        r = self.r[: self.size["rows"]]
        self.r2 = float(r @ r)
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
        """Gap with what rounding may have done to its parts, for the columns looked at.

        As :mod:`strads.algorithms.lasso.certified.certificate` has it, from the norms of whole columns.
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
        """Merge the workers' candidates: the nearest of all join."""
        bounds = self.partitions["features"].bounds[:-1]
        found = self.tally[:, NEAREST].astype(np.int64)
        parts = [slice(lo, lo + n) for lo, n in zip(bounds, found, strict=True)]
        ids = np.concatenate([self.nearest[part] for part in parts])
        away = np.concatenate([self.distance[part] for part in parts])
        if len(ids) > self.wanted:
            ids = ids[np.argpartition(away, self.wanted - 1)[: self.wanted]]
        if len(ids):
            self.join(np.sort(ids))
