"""Objective and gap of the inner problem: the Lasso on a working set.

    min_v ½‖y − X_W v‖² + penalty·Σ_j factor_j |v_j| + ½ ridge·‖v‖²

Newton's method, coordinate rounds and sweeps solve it.
"""

from __future__ import annotations

import numpy as np

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

    tol: float

    @property
    def entries(self) -> int:
        """Number of stored entries of X."""
        return len(self.X.data) if self.sparse else self.X.size

    def gap_at(self, v: np.ndarray, z: np.ndarray, r2: float, ry: float) -> float:
        """Return the relative gap; members without a penalty add what they violate."""
        gap = super().gap_at(v, z, r2, ry)
        if self.used("factor").all() or not self.y2 > 0.0:
            return gap
        norms = self.norm[self.used("members")]
        free = np.flatnonzero((self.used("factor") == 0.0) & (norms > 0.0))
        scores = z[free] / norms[free]
        return gap + float(scores @ scores) / self.y2

    def inner_gap(self, v: np.ndarray, z: np.ndarray, r: np.ndarray) -> float:
        """Return the relative gap of the inner problem, from the residual of v."""
        return self.gap_at(v, z, self.squared(v, r), float(r @ self.y))
