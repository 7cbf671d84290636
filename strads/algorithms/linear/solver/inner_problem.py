"""Objective and gap of the inner problem: the Lasso on a working set.

    min_v ½‖y − X_W v‖² + penalty·‖v‖₁ + ½ ridge·‖v‖²

Newton's method, coordinate rounds and sweeps solve it.
"""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.solver.duality import lasso_gap
from strads.algorithms.linear.solver.residual_form.support_steps import SupportSteps
from strads.engine import data, derived


class InnerProblem(SupportSteps):
    """Base of the Lasso program: what every method that solves the inner problem needs.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.solver.residual_form.support_steps.SupportSteps`.
    """

    y = data("rows")
    norm = derived("features", private=True, returned=False)
    score = derived("features", private=True, returned=False)
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

    def gap_at(self, v: np.ndarray, z: np.ndarray, r2: float, ry: float) -> float:
        """Return the relative gap of the inner problem.

        Parameters
        ----------
        v, z : ndarray
            Weights of the members, and their scores.
        r2, ry : float
            Squared norm of the residual, and its product with y.
        """
        largest = float(z.max() if self.positive else np.abs(z).max())
        n, l1 = self.size["rows"], float(np.abs(v).sum())
        return lasso_gap(r2, ry, self.y2, l1, largest, self.alpha, n).relative

    def inner_gap(self, v: np.ndarray, z: np.ndarray, r: np.ndarray) -> float:
        """Return the relative gap of the inner problem, from the residual of v."""
        return self.gap_at(v, z, self.squared(v, r), float(r @ self.y))
