"""Linear models with a concave penalty, as sequences of models with L1 penalties of their own.

    min_w F(Xw) / n + Σ_j ρ(|w_j|)

A concave ρ lies below each of its tangents. At weights w' the tangent of ρ(|w_j|) is a constant
plus ρ'(|w'_j|)·|w_j|, so the model whose features have the L1 penalties ρ'(|w'_j|) bounds the
objective from above, and touches it at w'. Whatever lowers the objective of that model lowers that
of the problem. The first of these models has the penalty ρ'(0) for all features.

A cycle is that of the program for L1 penalties, with three changes:

* The factors of the members' penalties are renewed before the inner solve, which is short.
* After it come steps on the support (:mod:`strads.algorithms.linear.concave.support`), which know
  how the slope of ρ changes; without them the tangents would have to be renewed hundreds of times.
* In place of the gap stands the *stationarity residual*: the largest violation of a feature's
  optimality condition, as a share of nρ'(0), with s_j = −X_jᵀF'(Xw):

    |s_j − nρ'(|w_j|)·sign(w_j)|  where w_j ≠ 0,    max(|s_j| − nρ'(0), 0)  elsewhere.

The problem is not convex. A point where the residual is zero is stationary, as a rule a local
minimum; nothing bounds how far its objective is from the least one, and no feature can be screened.

Source: Zou, Li, One-step sparse estimates in nonconcave penalized likelihood models, Ann. Stat. 36,
2008; Fan, Xue, Zou, Strong oracle optimality of folded concave penalized estimation, Ann. Stat. 42,
2014, on why to begin with the L1 penalty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from strads.algorithms.linear.concave.concave_penalty import ConcavePenalty
from strads.algorithms.linear.concave.support import Concave, steepest_slope, steps_on_support
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.full_pass import ALIVE
from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso
from strads.algorithms.linear.solver.proximal_newton.program import ProximalNewton
from strads.algorithms.linear.solver.rounding import Certificate
from strads.algorithms.linear.solver.working_set_program import WorkingSetProgram

#: An inner problem is solved to this share of the gap that it begins with, if that is above the
#: second number; below, rounding decides.
SHARE, LEAST = 0.3, 1e-15
#: The products of the support's columns may take so many multiplications (some hundredths of a
#: second), or more in large data: see `AFFORDABLE`.
ALWAYS: Final = 1e8
#: The system of a support of k members is factorised if k³ is at most so many times the entries of
#: their columns; else it is solved by conjugate gradients, which visit all entries at each product.
FACTORED: Final = 1000


class Reweighted(WorkingSetProgram):
    """Base of the programs; the other base minimises the same loss with an L1 penalty.

    Parameters
    ----------
    rho : ConcavePenalty
    alpha : float
        Its weight.
    tol : float
        Stationarity residual to reach.
    **given
        Parameters of the other base.
    """

    def __init__(self, *, rho: ConcavePenalty, alpha: float, **given: Any) -> None:
        steepest = steepest_slope(rho, alpha)
        super().__init__(alpha=steepest, **given)
        self.concave = Concave(rho, alpha, len(given["y"]))
        self.cautious = False  # whether the next inner solve keeps to its tangents

    def recover(self) -> Sequence[str]:
        """Begin from the weights as they are."""
        self.cautious = False
        return super().recover()

    def loss_sum(self) -> float:
        """Return F at the last full pass."""
        raise NotImplementedError  # abstract

    def judge(self) -> Gap:
        """Return the objective, and the stationarity residual in place of the gap."""
        v = self.used("v")
        self.work += self.entries * float(self.tally[:, ALIVE].sum()) / self.size["features"]
        height = self.loss_sum() + self.concave.cost(v)
        self.scale, self.radius = 1.0, np.inf  # nothing is screened
        self._make_room()
        self.gap = Gap(height / self.size["rows"], -np.inf, self._stationarity(v), 1.0)
        if np.isnan(self.objective_at_start):
            self.objective_at_start = self.gap.primal
        self.proven = Certificate(self.gap.relative, 0.0)
        return self.gap

    def _stationarity(self, v: np.ndarray) -> float:
        """Return the stationarity residual at the last scores."""
        p, score = self.size["features"], self.score[self.used("members")]
        outside = np.where(self.inside[:p], 0.0, self.score[:p])
        outside = outside if self.positive else np.abs(outside)
        off = self.concave.violation(v, score, positive=bool(self.positive))
        off[self.resting] = 0.0  # parallel to another member, which carries the weight of both
        largest = float(outside.max(initial=0.0)) - self.penalty
        return max(largest, float(off.max(initial=0.0)), 0.0) / self.penalty

    def solve(self, gap: Gap, target: float) -> Iterator[str | tuple[str, int]]:
        """Lower the objective on the working set, with the expansion of the loss."""
        v, r = self.used("v"), self.r[: self.size["rows"]]
        self.used("factor")[:] = self.concave.slope(v) / self.penalty
        self.r2 = self.squared(v, r)
        begins = self.gap_at(v, self.score[self.used("members")], self.r2, float(r @ self.y))
        if begins > LEAST:
            begun = Gap(gap.primal, gap.dual, begins, 1.0)
            yield from super().solve(begun, max(SHARE * begins, LEAST))
        if not self.cautious:
            self._step_on_support()

    def polish(self) -> None:
        """Leave the solution as it is: the steps on the support follow."""

    def _costs_little(self, multiplications: float) -> bool:
        return multiplications <= ALWAYS or super()._costs_little(multiplications)

    def _step_on_support(self) -> None:
        v = self.used("v")
        support = np.flatnonzero(v)
        if len(support) == 0:
            return
        columns, system = self._columns_of(support), None
        if len(support) ** 3 <= FACTORED * columns.entries:
            system = self._system(columns, support)
        v[support] = steps_on_support(columns, system, v[support], self.concave)
        self.w[self.used("members")] = v


class ReweightedLasso(Reweighted, WorkingSetLasso):
    """Least squares with a concave penalty."""

    def loss_sum(self) -> float:
        """Return half the squared norm of the residual."""
        r = self.r[: self.size["rows"]]
        return 0.5 * float(r @ r)


class ReweightedNewton(Reweighted, ProximalNewton):
    """A smooth loss with a concave penalty: each inner problem expands the loss."""

    remembered: ClassVar[tuple[str, ...]] = (*ProximalNewton.remembered, "cautious")

    def loss_sum(self) -> float:
        """Return the sum of the losses of the samples."""
        return float(self.row_weight @ self.local.value)

    def _search(
        self, before: np.ndarray, after: np.ndarray, old: np.ndarray, new: np.ndarray
    ) -> None:
        """Go towards new weights, for which the tangents at the old ones are the penalties.

        Steps on the support leave these tangents, and may go where hardly a part of the way can be
        taken. Then the next inner solve does without them.
        """
        floor = self.floor
        super()._search(before, after, old, new)
        self.cautious = self.floor > floor
