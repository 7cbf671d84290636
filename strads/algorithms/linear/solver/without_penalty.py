"""Features without a penalty: they are always members, and have the best weights for all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from strads.algorithms.linear.solver.members.parallel_columns import weighted_columns
from strads.algorithms.linear.solver.members.span import Span, what_is_left
from strads.algorithms.linear.solver.working_set_program import WorkingSetProgram


class WithoutPenalty(WorkingSetProgram):
    """Base of the Lasso's program: what is special about features of penalty factor 0.

    A subclass has the phase ``"residual"``.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.solver.working_set_program.WorkingSetProgram`.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._spanned: Span | None = None  # made when it is needed

    def without_penalty(self) -> np.ndarray:
        """Return which features have no penalty, and are not zero."""
        found: np.ndarray = (self.penalty_factor == 0.0) & (self.norm > 0.0)
        return found

    def _free_members(self) -> np.ndarray:
        """Return the places of these features among the members, in the order of the features."""
        free = np.flatnonzero(self.used("factor") == 0.0)
        return free[np.argsort(self.members[free])]

    def _span(self) -> Span:
        """Return the span of the features without a penalty, with the rows that the ridge adds."""
        if self._spanned is None:
            ids = np.flatnonzero(self.without_penalty())
            columns = weighted_columns(self.X, ids, self.unit)
            columns = columns if isinstance(columns, np.ndarray) else columns.toarray()
            columns = columns - np.outer(self.unit, self.mean[ids])
            if self.ridge > 0.0:
                columns = np.vstack([columns, np.sqrt(self.ridge) * np.eye(len(ids))])
            self._spanned = Span(columns)
        return self._spanned

    def _with_ridge(self, r: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Return a residual with the entries of the rows that the ridge adds for some members."""
        return np.append(r, -np.sqrt(self.ridge) * self.v[free]) if self.ridge > 0.0 else r

    def compute_residual(self) -> Iterator[str]:
        """Compute the residual; make the weights without a penalty the best ones for the others."""
        yield "residual"
        if self.even or not self.without_penalty().any():
            return
        free, r = self._free_members(), self.r[: self.size["rows"]]
        for _ in range(2):
            moved = self._span().coefficients(self._with_ridge(r, free))
            self.v[free] += moved
            r -= self._span().columns[: len(r)] @ moved
        self.w[self.members[free]] = self.v[free]
        self.minus_gradient[: len(r)] = self.unit * r

    def lost_by_rounding(self, r: np.ndarray, norm_y: float, longest: float) -> float:
        """Return a bound on what the dual loses, as the residual is not orthogonal to the span."""
        if self.even or not self.without_penalty().any():
            return 0.0
        left = self._span().left_in(self._with_ridge(r, self._free_members()))
        return what_is_left(left, norm_y, longest / self.penalty)
