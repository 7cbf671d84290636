"""The multi-task Lasso as a program: working sets chosen by full passes.

    min_W ‖Y − XW‖² / 2n + α Σ_j ‖w_j‖ + β‖W‖² / 2

with a column of Y and of W for each task, and the norm of every row w_j of W. One cycle:

1. ``score`` computes X_jᵀR − nβ w_j of all features. Their norms give the gap, and so whether to
   stop: it is that of the Lasso with ‖w_j‖ for |w_j|, and with the largest norm of a score.
2. Features are screened as for the Lasso, and those nearest to their constraints join the working
   set. Its Gram matrix is that of the Lasso, too (`solver.members`): tasks share it.
3. ``descend``: coordinate rounds, in which an id is a feature and moves its weights for all tasks;
   or, once the working set has outgrown its Gram matrix, ``sweep``
   (:mod:`strads.algorithms.linear.multi_task.sweeps`; for dense X
   :mod:`strads.algorithms.linear.multi_task.by_tasks`); or, where sweeps would take long, Newton's
   method in the leader (:mod:`strads.algorithms.linear.multi_task.leader`).
4. ``residual`` computes R anew.

Weights of samples, centring and ridge are implicit, as in the Lasso's program.

Source: Obozinski, Taskar, Jordan, Joint covariate selection and joint subspace selection for
multiple classification problems, Stat. Comput. 20 (2010); Ndiaye, Fercoq, Gramfort, Salmon 2017.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.for_features import sooner
from strads.algorithms.linear.multi_task.by_tasks import SHARED
from strads.algorithms.linear.multi_task.judged import PASSES
from strads.algorithms.linear.multi_task.leader import TasksInLeader
from strads.algorithms.linear.multi_task.rows import pull_rows, push_rows
from strads.algorithms.linear.multi_task.sweeps import SWEEPING
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.full_pass import SPREAD_DOUBLE, SPREAD_SINGLE
from strads.algorithms.linear.solver.gram_form.rounds import DEFAULT, GRAM_ROUNDS, HARM
from strads.algorithms.linear.solver.members.working_set import DENSE, SPARSE
from strads.algorithms.linear.solver.progress import Progress, Remembering
from strads.engine import Phase, Schedule, data

#: Smallest growth of the working set, if there are so many candidates.
FIRST: Final = 64
#: The inner problem is solved to this share of the outer gap while the working set grows, and at
#: the end to this share of the tolerance.
INNER, FINAL = 0.3, 0.5
#: After this many cycles without progress, rounding errors prevent any more.
FUTILE: Final = 4

#: By lists, which need fewer updates than draws (bench/groups); draws sweep a lease several times.
TASKS: Final = replace(DEFAULT, sweeps=1)

PHASES: Mapping[str, Phase] = {
    **PASSES,
    "descend": replace(GRAM_ROUNDS, push=push_rows, pull=pull_rows, schedule=TASKS),
    **SWEEPING,
}


class MultiTaskProgram(Remembering, TasksInLeader):
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
    importance : ndarray of shape (p,), optional
        By which the priority of each feature is multiplied, above 0; None: 1 for all.
    **given
        See :class:`~strads.algorithms.linear.solver.members.working_set.WorkingSet`.
    """

    remembered: ClassVar[tuple[str, ...]] = (
        "objective_at_start", "epochs_used", "restraints", "work", "built", "lowest",
        "before", "by_newton", "newton_allowed", "newton_systems",
        "swept_from",
    )  # fmt: skip

    objective_at_start: float

    importance = data("features")

    def __init__(
        self, *, X: Any, y: np.ndarray, alpha: float, beta: float, tol: float, max_epochs: int,
        schedule: Schedule | None = None, w: np.ndarray | None = None,
        importance: np.ndarray | None = None, **given: Any,
    ) -> None:  # fmt: skip
        if w is not None:
            given["w"] = w
        given["importance"] = np.ones(X.shape[1]) if importance is None else importance
        n = len(y)
        single = sp.issparse(X) or X.dtype == np.float32
        super().__init__(
            X=X, y=y, tol=tol, penalty=n * alpha, ridge=n * beta,
            spread=SPREAD_SINGLE if single else SPREAD_DOUBLE, schedule=schedule, **given,
        )  # fmt: skip
        self.phases = {**PHASES, **(SPARSE if self.sparse else {**DENSE, **SHARED})}
        if schedule is not None:
            self.phases["descend"] = replace(PHASES["descend"], schedule=schedule)
        self.alpha, self.max_epochs = alpha, max_epochs
        self.epochs_used = self.restraints = 0
        self.work, self.budget = 0.0, np.inf
        self.progressing = Progress(FUTILE)
        self.lowest = self.objective_at_start = np.inf
        self.before = np.zeros((0, y.shape[1]))  # weights of the members before the last cycle

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
            "newton_systems": float(self.newton_systems),
        }

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields and the policy's state."""
        return {**super().save_state(), "products": self.kept_products}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        super().load_state(state)
        self.recall_products(state["products"])

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
        if not np.isfinite(self.objective_at_start):
            self.objective_at_start = gap.primal
        if gap.relative <= self.tol:
            gap = yield from self.judge_in_full()
        if gap.relative <= self.tol:
            return self.stop()
        if self.epochs_used >= self.max_epochs:
            return (yield from self.give_up("epochs"))
        harmful = gap.primal > self.lowest + HARM * self.y2 / self.samples
        if harmful:
            yield from self._take_back()
            gap = self.judge()
        hopeless = harmful and "sweep" not in self.phases
        if hopeless or self.progressing.stuck(gap.primal, gap.relative, self.objective_at_start):
            return (yield from self.give_up("precision"))
        self.lowest, self.before = gap.primal, self.used("v").copy()
        grows = self._grow_working_set(gap)
        target = max(INNER * gap.relative if grows else 0.0, FINAL * self.tol)
        if not (grows or harmful):
            self.choose_method(gap.relative)
        self.swept_from = np.inf
        if self.by_newton and not harmful:
            self.newton(gap.relative, target)
        elif self.outgrown or harmful:
            self.swept_from = gap.relative
            yield from self.sweep(gap.relative)
        else:
            yield from self.build()
            yield from self.descend(self.score[self.used("members")], gap.relative, target)
        self.w[self.used("members")] = self.used("v")
        yield "residual"
        return None

    def recover(self) -> Sequence[str]:
        """Begin from the weights as they are, without members; nothing has to be run for that."""
        self.empty()
        self.everything, self.gap = 0, None
        self.lowest, self.before = np.inf, self.before[:0]
        self.progressing = Progress(FUTILE)
        self.setup(np.random.default_rng(0))
        return ()

    def judge_in_full(self) -> Generator[str, None, Gap]:
        """Score the features that screening has dropped, too, and return the gap of all."""
        self.everything = 1
        yield "score"
        gap = self.judge()
        self.everything = 0
        return gap

    def give_up(self, status: str) -> Iterator[str]:
        """Stop short of the tolerance, with the gap of all features."""
        yield from self.judge_in_full()
        self.stop(status)

    def ranks(self) -> np.ndarray:
        """Return by what the priority of each member is multiplied."""
        ranks: np.ndarray = self.importance[self.used("members")]
        return ranks

    def _take_back(self) -> Iterator[str]:
        """Return to the weights before the last cycle, which did harm."""
        self.be_cautious()
        v = self.used("v")
        v[: len(self.before)], v[len(self.before) :] = self.before, 0.0
        self.w[self.used("members")] = v
        yield "residual"
        yield "score"

    def _grow_working_set(self, gap: Gap) -> bool:
        """Screen features; those nearest to their constraints join; return whether any did."""
        p = self.size["features"]
        norm, inside = self.norm[:p], self.inside[:p] > 0
        slack = self.penalty - gap.scale * self.top[:p]
        self.alive[:p] &= (slack <= self.radius(gap) * norm) | inside
        found = np.flatnonzero((self.alive[:p] > 0) & ~inside)
        away = sooner(slack[found] / norm[found], self.importance[found])
        found = nearest(found, away, self.top[found] > self.penalty, self.count)
        if len(found):
            self.join(np.sort(found))
        return len(found) > 0


def nearest(ids: np.ndarray, away: np.ndarray, violates: np.ndarray, count: int) -> np.ndarray:
    """Return those ids that join a working set, the nearest to their constraints.

    Parameters
    ----------
    ids : ndarray of int
        Candidates.
    away : ndarray
        Their distances.
    violates : ndarray of bool
        Whether they violate their constraints. If none does, none joins.
    count : int
        Number of ids in the working set, which at most doubles.
    """
    violators = int(np.count_nonzero(violates))
    wanted = min(max(violators, FIRST // 2), max(FIRST, count)) if violators else 0
    return ids[np.argpartition(away, wanted)[:wanted]] if len(ids) > wanted else ids
