"""Objective and gap of the inner problem: the Lasso on a working set.

    min_v ½‖y − X_W v‖² + penalty·‖v‖₁

Newton's method, coordinate rounds and sweeps solve it.
"""

from __future__ import annotations

import numpy as np

from strads.algorithms.lasso.solver.duality import lasso_gap
from strads.algorithms.lasso.solver.residual_form.support_steps import SupportSteps
from strads.engine import control, data, derived


class InnerProblem(SupportSteps):
    """Base of the Lasso program: what every method that solves the inner problem needs.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.lasso.solver.residual_form.support_steps.SupportSteps`.
    """

    y = data("rows")
    norm = derived("features", private=True, returned=False)
    score = derived("features", private=True, returned=False)
    penalty = control(0.0)  # nα
    z = derived("chosen", private=True)

    alpha: float
    tol: float
    max_epochs: int
    epochs_used: int
    y2: float
    work: float  # entries of columns that have been visited, and what takes as long
    budget: float  # of work; then the run stops

    @property
    def entries(self) -> int:
        """Number of stored entries of X."""
        return len(self.X.data) if self.sparse else self.X.size

    @property
    def may_go_on(self) -> bool:
        """Whether there are epochs left, and work within the budget."""
        return self.epochs_used < self.max_epochs and self.work < self.budget

    def penalised(self, v: np.ndarray, r2: float) -> float:
        """Return the objective times n, from v and ‖r‖²; infinite if v violates v ≥ 0."""
        if self.positive and v.min(initial=0.0) < 0.0:
            return np.inf
        return 0.5 * r2 + self.penalty * float(np.abs(v).sum())

    def inner_gap(self, v: np.ndarray, z: np.ndarray, r2: float, ry: float) -> float:
        """Return the relative gap of the inner problem.

        Parameters
        ----------
        v, z : ndarray
            Weights of the members, and their scores X_Wᵀr.
        r2, ry : float
            ‖r‖² and rᵀy.
        """
        largest = float(z.max() if self.positive else np.abs(z).max())
        n, l1 = self.size["rows"], float(np.abs(v).sum())
        return lasso_gap(r2, ry, self.y2, l1, largest, self.alpha, n).relative
