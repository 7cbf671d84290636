"""The span of columns without a penalty, which the residual must be orthogonal to.

In the dual problem of the Lasso a column without a penalty is a constraint: its score X_jᵀθ is
zero. As for the intercept, the weights of these columns minimise the loss, given those of all other
columns: the residual is projected on the orthogonal complement of their span. What rounding leaves
of it in the span is bounded by the scores, and by the smallest singular value of the columns.
Columns that depend on others but for rounding, such as the last of the indicators of a category,
count as dependent exactly.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.linalg

from strads.algorithms.linear.solver.rounding import UNIT, gamma

#: A column counts as a combination of others, and adds nothing, if what is left of it beside them
#: is shorter than this many units of rounding for each entry of all columns.
DEPENDENT: Final = 16.0


class Span:
    """The span of some columns.

    Parameters
    ----------
    columns : ndarray of shape (n, k)
        None of them zero.

    Attributes
    ----------
    columns : ndarray
    smallest : float
        A lower bound on the smallest singular value of the columns that span it, each of length 1.
    """

    def __init__(self, columns: np.ndarray) -> None:
        self.columns = columns
        self._norms = np.linalg.norm(columns, axis=0)
        q, r, pivots = scipy.linalg.qr(columns / self._norms, mode="economic", pivoting=True)
        sizes = np.abs(np.diag(r))
        rounding = DEPENDENT * columns.size * UNIT
        rank = int(np.count_nonzero(sizes > rounding * sizes[0]))
        self._basis, self._triangle = q[:, :rank], r[:rank, :rank]
        self._kept = pivots[:rank]
        least = float(np.linalg.svd(self._triangle, compute_uv=False)[-1])
        self.smallest = least - 16.0 * len(columns) * rank**1.5 * UNIT

    def coefficients(self, r: np.ndarray) -> np.ndarray:
        """Return the weights of the columns whose sum is the part of `r` in the span."""
        found = np.zeros(self.columns.shape[1])
        part = scipy.linalg.solve_triangular(self._triangle, self._basis.T @ r)
        found[self._kept] = part / self._norms[self._kept]
        return found

    def without(self, r: np.ndarray) -> np.ndarray:
        """Return `r` without its part in the span; twice, since rounding leaves some of it."""
        for _ in range(2):
            r = r - self._basis @ (self._basis.T @ r)
        return r

    def left_in(self, r: np.ndarray) -> float:
        """Return an upper bound on the length of the part of `r` in the span."""
        if not self.smallest > 0.0:
            return np.inf
        scores = (self.columns[:, self._kept].T @ r) / self._norms[self._kept]
        doubt = np.sqrt(len(scores)) * gamma(len(r) + 16) * float(np.linalg.norm(r))
        return (float(np.linalg.norm(scores)) + doubt) / self.smallest


def what_is_left(left: float, norm_y: float, longest: float) -> float:
    """Bound what the dual loses because the dual point is not orthogonal to the span.

    With the optimal weights w* of all columns, of which U have no penalty, it is at most
    |θᵀX_U w*_U| ≤ ‖P_U θ‖·‖X_U w*_U‖. The objective at w* is at most ½‖y‖², that of w = 0. Hence
    ‖y − Xw*‖ ≤ ‖y‖, and the other columns have ‖Σ x_j w*_j‖ ≤ max(‖x_j‖ / penalty_j)·½‖y‖².

    Parameters
    ----------
    left : float
        Bound on ‖P_U θ‖.
    norm_y : float
    longest : float
        The largest ‖x_j‖ / penalty_j of the columns with a penalty.
    """
    return left * (2.0 * norm_y + 0.5 * longest * norm_y**2)
