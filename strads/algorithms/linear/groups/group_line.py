"""The line search of proximal Newton with norms of groups for absolute values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from strads.algorithms.linear.solver.proximal_newton.line_search import Line


@dataclass(kw_only=True)
class GroupLine(Line):
    """The objective along a direction; see :class:`Line`. Weights are of shape (m, K).

    Attributes
    ----------
    first : ndarray of int
        Where each group of members begins.
    limit : ndarray
        Weights of the groups in the penalty.
    """

    first: np.ndarray
    limit: np.ndarray

    def _sums(self, products: np.ndarray) -> np.ndarray:
        sums: np.ndarray = np.add.reduceat(products.sum(axis=1), self.first)
        return sums

    def cost(self, t: float, side: float) -> float:
        """Return the slope of the penalty on one side of t."""
        v = self.v + t * self.d
        lengths, sizes = np.sqrt(self._sums(v * v)), np.sqrt(self._sums(self.d * self.d))
        inner = self._sums(v * self.d)
        slopes = np.divide(inner, lengths, out=side * sizes, where=lengths > 0.0)
        return float(self.penalty * (self.limit @ slopes)) + self.ridge * float(np.vdot(v, self.d))
