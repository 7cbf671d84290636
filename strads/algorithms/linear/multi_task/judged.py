"""Scores of features for several tasks, and what follows from them: norms, gap, certificate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.algorithms.linear.multi_task.by_tasks import SweepsByTasks
from strads.algorithms.linear.multi_task.kernels import push_residuals, push_statistics
from strads.algorithms.linear.solver.duality import Gap, lasso_gap
from strads.algorithms.linear.solver.matrix_passes import push_score
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, Parts, bounded, gamma
from strads.engine import Phase, control, data, derived, variable

PASSES: Mapping[str, Phase] = {
    "columns": Phase(push=push_statistics),
    "score": Phase(push=push_score, frozen=("minus_gradient",)),
    "residual": Phase(push=push_residuals, frozen=("mean", "members", "v")),
}


class TaskScores(SweepsByTasks):
    """Base of the program: scores, norms of rows for absolute values, and the gap.

    Parameters
    ----------
    tol : float
        Relative duality gap to reach.
    **given
        See :class:`~strads.algorithms.linear.multi_task.by_tasks.SweepsByTasks`.
    """

    y = data("rows", "tasks")  # Y, centred if there are intercepts
    w = variable("features", "tasks")
    minus_gradient = derived("rows", "tasks", returned=False)  # u∘R
    length = derived("features", returned=False)  # norms of the columns, not centred
    faulty = derived("features", dtype=np.int64, returned=False)  # columns that are not prepared
    score = derived("features", "tasks", returned=False)
    top = derived("features", returned=False)  # norms of scores
    alive = derived("features", dtype=np.uint8, returned=False)
    centred = control(0)  # whether there are intercepts
    together = control(1)  # the weights of a feature have one penalty
    everything = control(0)  # whether the next pass scores screened columns, too
    spread = control(0.0)  # largest ratio of ‖x‖² to the squared norm of the centred column

    tol: float

    def __init__(self, *, tol: float, **given: Any) -> None:
        super().__init__(**given)
        self.tol = tol
        self.gap: Gap | None = None
        self.proven = Certificate(np.inf, np.inf)

    def setup(self, rng: np.random.Generator) -> None:
        """Compute the scale of gaps."""
        super().setup(rng)
        y = self.state["y"]
        self.y2 = float(np.vdot(y, y))
        self.alive[:] = 1

    def rows_of(self, v: np.ndarray) -> np.ndarray:
        """Return the norm of each row of weights or scores, which may be flattened."""
        rows: np.ndarray = np.sqrt((v.reshape(-1, self.size["tasks"]) ** 2).sum(axis=1))
        return rows

    def norm_of(self, v: np.ndarray) -> float:
        """Return the sum of the norms of rows."""
        return float(self.rows_of(v).sum())

    def dual_norm_of(self, z: np.ndarray) -> float:
        """Return the largest norm of a row."""
        return float(self.rows_of(z).max(initial=0.0))

    def slope(self, v: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return by how much each member violates its optimality condition."""
        norms, rows = self.rows_of(v), z.reshape(-1, self.size["tasks"])
        held = norms > 0.0
        pull = v.reshape(rows.shape)[held] * (self.penalty / norms[held])[:, None]
        slope = np.maximum(self.rows_of(z) - self.penalty, 0.0)
        slope[held] = np.sqrt(((rows[held] - pull) ** 2).sum(axis=1))
        return slope

    def judge(self) -> Gap:
        """Return the gap at the last scores."""
        n, y = self.size["rows"], self.state["y"]
        r, v = self.r[:n], self.used("v")
        self.r2 = float(np.vdot(r, r)) + self.ridge * float(np.vdot(v, v))
        ry = float(np.vdot(r, y))
        largest = self.largest_score()
        gap = lasso_gap(self.r2, ry, self.y2, self.norm_of(v), largest, self.alpha, n)
        self.gap = gap
        proves = gap.relative <= self.tol or bool(self.everything)
        self.proven = self._proven(r, ry) if proves else Certificate(gap.relative, 0.0)
        return gap

    def scored(self) -> np.ndarray:
        """Return which features the last pass has scored."""
        p = self.size["features"]
        scored: np.ndarray = self.norm[:p] > 0.0 if self.everything else self.alive[:p] > 0
        return scored

    def largest_score(self) -> float:
        """Return the largest norm of a feature's scores."""
        return float(self.top[: self.size["features"]][self.scored()].max(initial=0.0))

    def doubtful_score(self, share: float) -> float:
        """Return the largest norm of scores whose errors are `share` times the column's norm."""
        p, scored = self.size["features"], self.scored()
        exact = 1.0 + gamma(self.size["tasks"] + 8)
        doubtful = exact * self.top[:p][scored] + share * self.length[:p][scored]
        return float(doubtful.max(initial=0.0))

    def radius(self, gap: Gap) -> float:
        """Return how far the dual solution may be from the dual point."""
        return float(np.sqrt(2.0 * self.size["rows"] * max(gap.primal - gap.dual, 0.0)))

    def _proven(self, r: np.ndarray, ry: float) -> Certificate:
        """Return the gap plus a bound on rounding errors, for the features that were scored.

        The bounds are those of the Lasso's program, with Frobenius norms for those of vectors.
        """
        n, members, v, y = self.size["rows"], self.used("members"), self.used("v"), self.state["y"]
        root, terms = np.sqrt(n), float(y.size + self.count)
        norms, shift = self.rows_of(v), np.linalg.norm(self.mean[members] @ v)
        norm_r, norm_y = np.sqrt(self.r2), np.sqrt(self.y2)
        sizes = float(norms @ np.hypot(self.length[members], root * self.mean[members]))
        error = gamma(self.count + 8) * (norm_y + root * float(shift) + sizes)
        middle = middle_y = 0.0
        if self.centred:
            middle = np.linalg.norm(self.unit @ r) + gamma(n + 8) * root * norm_r
            middle_y = np.linalg.norm(self.unit @ y) + gamma(n + 8) * root * norm_y
        middle, middle_y = float(middle) / n, float(middle_y) / n
        doubtful = self.doubtful_score(gamma(n + 16) * norm_r + middle * root)
        return bounded(
            Parts(
                r2=self.r2, ry=ry, y2=max(self.y2 - n * middle_y**2, 0.0),
                penalty=self.penalty * self.norm_of(v), slope=doubtful / self.penalty,
                bare=self.largest_score() / self.penalty,
                residual_error=error + 2.0 * UNIT * norm_y,
                ry_error=gamma(terms) * norm_r * norm_y + 2.0 * UNIT * norm_y * norm_r
                + n * middle * middle_y, terms=terms,
            )
        )  # fmt: skip
