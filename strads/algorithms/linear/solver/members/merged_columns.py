"""A working set of which parallel columns are merged: one carries the weight of all.

Of parallel columns the longest can carry all of the weight at the least L1 penalty; of equally long
ones the first does. With a ridge the optimum is unique and spreads the weight over all of them, so
nothing is merged. Coordinate descent would not need that. But systems on the support are singular
otherwise, small weights of copies cut steps short, and which copy gets the weight would depend on
the form of the data and on the number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from strads.algorithms.linear.solver.members.parallel_columns import ParallelColumns
from strads.algorithms.linear.solver.members.working_set import WorkingSet


class MergedColumns(WorkingSet):
    """Base of programs on a working set without parallel columns.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    **given
        See :class:`~strads.algorithms.linear.solver.members.working_set.WorkingSet`.

    Attributes
    ----------
    even : bool
        Whether all columns have one penalty. If not, none are merged.
    resting : ndarray of bool
        Members that are parallel to another one, which carries their weight: theirs stays zero.
    """

    even = True

    def __init__(self, *, X: Any, **given: Any) -> None:
        super().__init__(X=X, **given)
        self.resting = np.zeros(0, np.bool_)
        self._parallel: ParallelColumns | None = None  # made when the first members join

    def join(self, added: np.ndarray) -> None:
        """Take ids into the working set; one of parallel columns gets the weights of all."""
        super().join(added)
        fresh = self.count - len(self.resting)
        self.resting = np.append(self.resting, np.zeros(fresh, np.bool_))
        if self.ridge > 0.0 or not self.even:
            return
        if self._parallel is None:
            signed = bool(self.positive)
            self._parallel = ParallelColumns(self.X, self.size["rows"], signed=signed)
        for kept, other, ratio in self._parallel.among(self.used("members")):
            self.resting[other] = True
            self.v[kept] += ratio * self.v[other]
            self.v[other] = 0.0

    def empty(self) -> None:
        """Take all members out, with the weights that they have."""
        super().empty()
        self.resting, self._parallel = np.zeros(0, np.bool_), None

    def build(self) -> Iterator[str]:
        """Yield the phases that compute the products of the new members with all members."""
        yield from super().build()
        self.curvature[: self.count][self.resting] = 0.0  # coordinate rounds skip these
