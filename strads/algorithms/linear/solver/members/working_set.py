"""A working set of columns and its Gram matrix, which grows with the set.

The base class holds the members of the working set, G = X_WᵀX_W of their columns u∘x_j − x̄_j u,
and the phases that compute the rows and columns of G for new members
(:mod:`strads.algorithms.linear.solver.members.gram`). Any problem with a quadratic loss can use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.solver.gram_form.rounds import GramRounds
from strads.algorithms.linear.solver.members.gram import (
    MOST_FRESH,
    dense_columns,
    push_count,
    push_gram,
    push_gram_dense,
    push_panel,
    push_place,
    push_products,
)
from strads.engine import Phase, control, data, derived, scratch, sound, variable

#: Number of members for which memory is reserved; pages are touched only as the set grows. It is
#: not a power of two, because then the columns of G would all fall into the same cache sets.
CAPACITY = 16384 + 80

#: Phases that bring the Gram matrix up to date, for sparse and for dense columns.
SPARSE: Mapping[str, Phase] = {
    "panel": Phase(push=push_panel, frozen=("dense",)),
    "products": Phase(push=push_products, frozen=("members", "panel")),
    "count": Phase(push=push_count, frozen=("members", "slot")),
    "place": Phase(push=push_place, frozen=("members", "slot", "row_start")),
    "gram": Phase(
        push=push_gram,
        frozen=("mean", "members", "slot", "products", "row_start", "row_end", "column", "value"),
    ),
}
DENSE: Mapping[str, Phase] = {"gram": Phase(push=push_gram_dense, frozen=("mean", "members"))}


class WorkingSet(GramRounds):
    """Base of programs on a working set of the columns of X.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    unit : ndarray
        √sample_weight; row i of X counts as ``unit[i]`` times itself. X is not changed.
    **given
        See :class:`strads.Program`. A subclass computes ``mean``, the means of the columns.
    """

    members_of: ClassVar[Mapping[str, tuple[str, str]]] = {"chosen": ("features", "members")}

    X = data("rows", "features", layout="csc")
    unit = data("rows")  # u
    weight = data("rows")  # u²
    w = variable("features")
    mean = derived("features", private=True)
    inside = derived("features", dtype=np.uint8, returned=False)  # members of the working set
    members = derived("chosen", dtype=np.int64)
    fresh = control(0)  # the next stages compute the products of members fresh … until−1
    until = control(0)
    dense = derived("slots", dtype=np.int64, returned=False)  # ids of the columns in the panel
    panel = derived("rows", "slots", dtype=np.float32, returned=False)
    slot = derived("features", dtype=np.int16, returned=False)  # place in the panel; −1: none
    products = derived("known", "slots", dtype=np.float32, returned=False)
    row_start = derived("rows", dtype=np.int64, returned=False)  # entries of fresh members by row
    row_end = derived("rows", dtype=np.int64, returned=False)
    column = derived("entries", dtype=np.uint16, returned=False)
    value = derived("entries", dtype=np.float32, returned=False)
    sums = scratch("known")

    def __init__(self, *, X: Any, unit: np.ndarray, **given: Any) -> None:
        n, p = X.shape
        self.sparse = sp.issparse(X)
        n_dense = 0
        if self.sparse:
            X = sp.csc_array(sound(X))
            n_dense = len(dense_columns(X.indptr, n))
        super().__init__(
            X=X,
            unit=unit,
            weight=unit**2,
            samples=float(n),
            chosen=0,
            known=0,
            entries=0,
            slots=n_dense,
            **given,
        )
        self.reserve = {"chosen": min(p, CAPACITY), "known": min(p, CAPACITY)}
        if self.sparse:
            self.reserve["entries"] = max(X.nnz, 1)
        self.built = 0  # number of members whose products are known

    def setup(self, rng: np.random.Generator) -> None:
        """Assign the dense columns to slots of the panel."""
        self.slot[:] = self.dense[:] = -1
        if self.sparse:
            ids = dense_columns(self.X.indptr, self.size["rows"])[: self.size["slots"]]
            self.dense[: len(ids)] = ids
            self.slot[ids] = np.arange(len(ids))

    def join(self, added: np.ndarray) -> None:
        """Take ids into the working set, with their current weights."""
        first, total = self.count, self.count + len(added)
        self.grow("chosen", total)
        self.members[first:total] = added
        self.v[first:total] = self.w[added]
        self.factor[first:total] = 1.0
        self.inside[added] = 1
        self.count = total

    def empty(self) -> None:
        """Take all members out, with the weights that they have; a weight that is NaN stays old."""
        members, v = self.used("members"), self.used("v")
        self.w[members] = np.where(np.isfinite(v), v, self.w[members])
        self.inside[:] = 0
        self.count = self.built = 0

    def build(self) -> Iterator[str]:
        """Yield the phases that compute the products of the new members with all members."""
        self.grow("known", self.count)
        if self.built == 0 and self.size["slots"]:
            yield "panel"
        while self.built < self.count:
            until = min(self.count, self.built + MOST_FRESH)
            self.fresh, self.until = self.built, until
            if self.sparse:
                yield "count"
                n = self.size["rows"]
                ends = np.cumsum(self.row_end[:n])
                self.row_start[0] = 0
                self.row_start[1:n] = ends[:-1]
                self.grow("entries", max(int(ends[-1]), 1))
                yield "place"
                if self.size["slots"]:
                    yield "products"
            yield "gram"
            self.built = until
