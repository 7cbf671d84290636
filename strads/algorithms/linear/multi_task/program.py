"""The multi-task Lasso as a program: working sets chosen by full passes.

    min_W ‖Y − XW‖² / 2n + α Σ_j ‖w_j‖ + β‖W‖² / 2

with a column of Y and of W for each task, and the norm of every row w_j of W. One cycle:

1. ``score`` computes X_jᵀR − nβ w_j of all features. Their norms give the gap, and so whether to
   stop: it is that of the Lasso with ‖w_j‖ for |w_j|, and with the largest norm of a score.
2. Features are screened as for the Lasso, and those nearest to their constraints join the working
   set. Its Gram matrix is that of the Lasso, too (`solver.members`): tasks share it.
3. ``descend``: coordinate rounds, in which an id is a feature and moves its weights for all tasks;
   or, once the working set has outgrown its Gram matrix, ``sweep``
   (:mod:`strads.algorithms.linear.multi_task.sweeps`).
4. ``residual`` computes R anew.

Weights of samples, centring and ridge are implicit, as in the Lasso's program.

Source: Obozinski, Taskar, Jordan, Joint covariate selection and joint subspace selection for
multiple classification problems, Stat. Comput. 20 (2010); Ndiaye, Fercoq, Gramfort, Salmon 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, replace
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.multi_task.kernels import push_residuals, push_statistics
from strads.algorithms.linear.multi_task.rows import pull_rows, push_rows
from strads.algorithms.linear.multi_task.sweeps import SWEEPING, TaskSweeps
from strads.algorithms.linear.solver.duality import Gap, lasso_gap
from strads.algorithms.linear.solver.full_pass import SPREAD_DOUBLE, SPREAD_SINGLE
from strads.algorithms.linear.solver.gram_form.rounds import GRAM_ROUNDS, HARM
from strads.algorithms.linear.solver.matrix_passes import push_score
from strads.algorithms.linear.solver.members.working_set import DENSE, SPARSE
from strads.algorithms.linear.solver.progress import Progress
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, Parts, bounded, gamma
from strads.engine import Phase, Schedule, control, data, derived, variable

#: Smallest growth of the working set, if there are so many candidates.
FIRST: Final = 64
#: The inner problem is solved to this share of the outer gap while the working set grows, and at
#: the end to this share of the tolerance.
INNER, FINAL = 0.3, 0.5
#: After this many cycles without progress, rounding errors prevent any more.
FUTILE: Final = 4
#: Attributes that change in a run.
OWN: Final = (
    "objective_at_start",
    "epochs_used",
    "restraints",
    "work",
    "built",
    "lowest",
    "before",
)

PHASES: Mapping[str, Phase] = {
    "columns": Phase(push=push_statistics),
    "score": Phase(push=push_score, frozen=("minus_gradient",)),
    "residual": Phase(push=push_residuals, frozen=("mean", "members", "v")),
    "descend": replace(GRAM_ROUNDS, push=push_rows, pull=pull_rows),
    **SWEEPING,
}


class MultiTaskProgram(TaskSweeps):
    """Multi-task Lasso; see the module's docstring.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    y : ndarray of shape (n, K)
        Targets, centred if there are intercepts, times √sample_weight.
    alpha, beta : float
        Weights of the norms, and of ½‖W‖².
    tol : float
        Relative duality gap to reach.
    max_epochs : int
        Largest number of epochs of coordinate rounds.
    schedule : Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"``.
    w : ndarray of shape (p, K), optional
        Weights to start from.
    **given
        See :class:`~strads.algorithms.linear.solver.members.working_set.WorkingSet`.
    """

    y = data("rows", "tasks")
    w = variable("features", "tasks")
    minus_gradient = derived("rows", "tasks", returned=False)  # u∘R
    length = derived("features", returned=False)  # norms of the columns, not centred
    faulty = derived("features", dtype=np.int64, returned=False)
    score = derived("features", "tasks", returned=False)
    top = derived("features", returned=False)  # norms of scores
    alive = derived("features", dtype=np.uint8, returned=False)
    centred = control(0)
    together = control(1)
    everything = control(0)
    spread = control(0.0)

    objective_at_start: float

    def __init__(
        self, *, X: Any, y: np.ndarray, alpha: float, beta: float, tol: float, max_epochs: int,
        schedule: Schedule | None = None, w: np.ndarray | None = None, **given: Any,
    ) -> None:  # fmt: skip
        if w is not None:
            given["w"] = w
        n = len(y)
        single = sp.issparse(X) or X.dtype == np.float32
        super().__init__(
            X=X, y=y, penalty=n * alpha, ridge=n * beta,
            spread=SPREAD_SINGLE if single else SPREAD_DOUBLE, **given,
        )  # fmt: skip
        self.phases = {**PHASES, **(SPARSE if self.sparse else DENSE)}
        if schedule is not None:
            self.phases["descend"] = replace(PHASES["descend"], schedule=schedule)
        self.alpha, self.tol, self.max_epochs = alpha, tol, max_epochs
        self.epochs_used = self.restraints = 0
        self.work, self.budget = 0.0, np.inf
        self.gap: Gap | None = None
        self.proven = Certificate(np.inf, np.inf)
        self.progressing = Progress(FUTILE)
        self.lowest = self.objective_at_start = np.inf
        self.before = np.zeros((0, y.shape[1]))  # weights of the members before the last cycle

    def setup(self, rng: np.random.Generator) -> None:
        """Compute the scale of gaps."""
        super().setup(rng)
        y = self.state["y"]
        self.y2 = float(np.vdot(y, y))
        self.alive[:] = 1

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields and the policy's state."""
        gap = None if self.gap is None else list(astuple(self.gap))
        own = {name: getattr(self, name) for name in OWN}
        return {**own, "gap": gap, "progressing": vars(self.progressing)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        for name in OWN:
            setattr(self, name, state[name])
        self.gap = None if state["gap"] is None else Gap(*state["gap"])
        vars(self.progressing).update(state["progressing"])

    def progress(self) -> dict[str, float]:
        """Return gap, objective and counts at the last full pass."""
        return {
            "certificate": self.proven.gap,
            "rounding": self.proven.rounding,
            "objective": np.nan if self.gap is None else self.gap.primal,
            "nonzeros": float(np.count_nonzero(self.used("v").any(axis=1))),
            "working_set": float(self.count),
            "alive": float(np.count_nonzero(self.alive[: self.size["features"]])),
            "epochs": float(self.epochs_used),
            "restraints": float(self.restraints),
        }

    # -- norms of rows for absolute values -----------------------------------------------------

    def _rows(self, v: np.ndarray) -> np.ndarray:
        rows: np.ndarray = np.sqrt((v.reshape(-1, self.size["tasks"]) ** 2).sum(axis=1))
        return rows

    def norm_of(self, v: np.ndarray) -> float:
        """Return the sum of the norms of rows."""
        return float(self._rows(v).sum())

    def dual_norm_of(self, z: np.ndarray) -> float:
        """Return the largest norm of a row."""
        return float(self._rows(z).max(initial=0.0))

    def slope(self, v: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return by how much each member violates its optimality condition."""
        norms, rows = self._rows(v), z.reshape(-1, self.size["tasks"])
        held = norms > 0.0
        pull = v.reshape(rows.shape)[held] * (self.penalty / norms[held])[:, None]
        slope = np.maximum(self._rows(z) - self.penalty, 0.0)
        slope[held] = np.sqrt(((rows[held] - pull) ** 2).sum(axis=1))
        return slope

    # -- the leader's part ---------------------------------------------------------------------

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One working set."""
        if self.gap is None:
            yield "columns"
            if self.faulty[: self.size["features"]].any():
                return self.stop("unprepared")
            self.w[self.norm == 0.0] = 0.0
            self.alive[self.norm == 0.0] = 0
            support = np.flatnonzero(self.w.any(axis=1))
            if len(support):
                self.join(support)
            yield "residual"
        yield "score"
        gap = self.judge()
        if gap.relative <= self.tol:
            self.everything = 1
            yield "score"
            gap = self.judge()
            self.everything = 0
        if gap.relative <= self.tol:
            return self.stop()
        if self.epochs_used >= self.max_epochs:
            return self.stop("epochs")
        harmful = gap.primal > self.lowest + HARM * self.y2 / self.samples
        if harmful:
            yield from self._take_back()
            gap = self.judge()
        if self.progressing.stuck(gap.primal, gap.relative, self.objective_at_start):
            return self.stop("precision")
        self.lowest, self.before = gap.primal, self.used("v").copy()
        grows = self._grow_working_set(gap)
        if self.outgrown or harmful:
            yield from self.sweep(gap.relative)
        else:
            yield from self.build()
            target = max(INNER * gap.relative if grows else 0.0, FINAL * self.tol)
            yield from self.descend(self.score[self.used("members")], gap.relative, target)
        self.w[self.used("members")] = self.used("v")
        yield "residual"
        return None

    def _take_back(self) -> Iterator[str]:
        """Return to the weights before the last cycle, which did harm."""
        self.be_cautious()
        v = self.used("v")
        v[: len(self.before)], v[len(self.before) :] = self.before, 0.0
        self.w[self.used("members")] = v
        yield "residual"
        yield "score"

    def judge(self) -> Gap:
        """Return the gap at the last scores."""
        n, y = self.size["rows"], self.state["y"]
        r, v = self.r[:n], self.used("v")
        self.r2 = float(np.vdot(r, r)) + self.ridge * float(np.vdot(v, v))
        ry = float(np.vdot(r, y))
        gap = lasso_gap(self.r2, ry, self.y2, self.norm_of(v), self._largest(), self.alpha, n)
        if self.gap is None:
            self.objective_at_start = gap.primal
        self.gap = gap
        self.proven = (
            self._proven(r, ry) if gap.relative <= self.tol else Certificate(gap.relative, 0.0)
        )
        return gap

    def _largest(self) -> float:
        p = self.size["features"]
        scored = self.norm[:p] > 0.0 if self.everything else self.alive[:p] > 0
        return float(self.top[:p][scored].max(initial=0.0))

    def _grow_working_set(self, gap: Gap) -> bool:
        """Screen features; those nearest to their constraints join; return whether any did."""
        p = self.size["features"]
        norm, inside = self.norm[:p], self.inside[:p] > 0
        slack = self.penalty - gap.scale * self.top[:p]
        radius = np.sqrt(2.0 * self.size["rows"] * max(gap.primal - gap.dual, 0.0))
        self.alive[:p] &= (slack <= radius * norm) | inside
        found = np.flatnonzero((self.alive[:p] > 0) & ~inside)
        violators = int(np.count_nonzero(self.top[found] > self.penalty))
        wanted = min(max(violators, FIRST // 2), max(FIRST, self.count)) if violators else 0
        if len(found) > wanted:
            away = slack[found] / norm[found]
            found = found[np.argpartition(away, wanted)[:wanted]]
        if len(found):
            self.join(np.sort(found))
        return len(found) > 0

    def _proven(self, r: np.ndarray, ry: float) -> Certificate:
        """Return the gap plus a bound on rounding errors, for the features that were scored.

        The bounds are those of the Lasso's program, with Frobenius norms for those of vectors.
        """
        n, members, v, y = self.size["rows"], self.used("members"), self.used("v"), self.state["y"]
        root, terms = np.sqrt(n), float(y.size + self.count)
        norms, shift = self._rows(v), np.linalg.norm(self.mean[members] @ v)
        norm_r, norm_y = np.sqrt(self.r2), np.sqrt(self.y2)
        sizes = float(norms @ np.hypot(self.length[members], root * self.mean[members]))
        error = gamma(self.count + 8) * (norm_y + root * float(shift) + sizes)
        middle = middle_y = 0.0
        if self.centred:
            middle = np.linalg.norm(self.unit @ r) + gamma(n + 8) * root * norm_r
            middle_y = np.linalg.norm(self.unit @ y) + gamma(n + 8) * root * norm_y
        middle, middle_y = float(middle) / n, float(middle_y) / n
        longest, largest = float(self.length[: self.size["features"]].max()), self._largest()
        doubt = longest * (gamma(n + 16) * norm_r + middle * root)
        doubt += gamma(y.shape[1] + 8) * largest
        return bounded(
            Parts(
                r2=self.r2, ry=ry, y2=max(self.y2 - n * middle_y**2, 0.0),
                penalty=self.penalty * float(norms.sum()), slope=(largest + doubt) / self.penalty,
                bare=largest / self.penalty, residual_error=error + 2.0 * UNIT * norm_y,
                ry_error=gamma(terms) * norm_r * norm_y + 2.0 * UNIT * norm_y * norm_r
                + n * middle * middle_y, terms=terms,
            )
        )  # fmt: skip
