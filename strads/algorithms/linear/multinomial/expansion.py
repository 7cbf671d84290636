"""The second-order expansion of the loss on some pairs of a feature and a class.

With probabilities q and the member weights v, moved by d from the point of expansion, it is

    −zᵀd + ½ Σ_i ω_i u_iᵀ(diag(q_i) − q_i q_iᵀ)u_i,    u_i = the change of the predictions f_i

Intercepts move with the members so that the expansion is least: of the block matrix with the
intercepts, G becomes the Schur complement G − B H⁻¹ Bᵀ, and a move d changes them by −H⁻¹Bᵀd.

q is softened, (1 − μ)p + μ/K: where probabilities p are near 0 or 1, curvature is near zero, and
steps would be far too long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from strads.algorithms.linear.multinomial.gram import (
    push_count,
    push_cross,
    push_gram,
    push_place,
)
from strads.algorithms.linear.multinomial.intercepts import hessian, regular
from strads.algorithms.linear.solver.gram_form.rounds import GramRounds
from strads.algorithms.linear.solver.matrix_passes import push_predict
from strads.engine import Phase, control, data, derived, scratch, sound, variable
from strads.kernels.lanes import LANES

#: Largest number of members; pages of G are touched as their number grows. It is not a power of
#: two, because then the columns of G would all fall into the same cache sets.
MOST: Final = 8192 + 80

_LISTS = ("row_start", "row_end", "column", "value")
EXPANDING: Mapping[str, Phase] = {
    "count": Phase(push=push_count, frozen=("members",)),
    "place": Phase(push=push_place, frozen=("members", "row_start")),
    "cross": Phase(push=push_cross, frozen=("members", "softened")),
    "gram": Phase(
        push=push_gram,
        frozen=("members", "first_alike", "softened", "cross", "carried", *_LISTS),
    ),
    "predict": Phase(push=push_predict, frozen=("w", "carrying")),
}


class Expansion(GramRounds):
    """Base of the program: members, and the expansion on them.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    classes : int
        Number of classes, K.
    **given
        See :class:`strads.Program`.
    """

    X = data("rows", "features", layout="csc")
    row_weight = data("rows")
    w = variable("features", "classes")
    carrying = derived("features", dtype=np.uint8, returned=False)  # that may have weights
    predictions = derived("rows", "classes", returned=False)  # XW
    softened = derived("rows", "classes", returned=False)  # q
    members = derived("chosen", dtype=np.int64)
    first_alike = derived("chosen", dtype=np.int64, returned=False)  # first member of the class
    cross = derived("known", "classes", returned=False)  # B
    carried = derived("known", "classes", returned=False)  # BH⁻¹
    row_start = derived("rows", dtype=np.int64, returned=False)  # entries of members by row
    row_end = derived("rows", dtype=np.int64, returned=False)
    column = derived("entries", dtype=np.uint16, returned=False)
    value = derived("entries", returned=False)
    tile = scratch("rows", "lanes")  # products of a tile's members by row
    marked = scratch("rows", dtype=np.uint8)  # rows that have one
    tile_sums = scratch("known", "lanes")
    crossed = scratch("classes", "lanes")  # rows of B of a tile, turned
    centred = control(0)  # whether there are intercepts

    def __init__(self, *, X: Any, classes: int, **given: Any) -> None:
        if sp.issparse(X):
            X = sp.csc_array(sound(X))
        super().__init__(
            X=X, classes=classes, chosen=0, known=0, entries=0, lanes=LANES, **given,
        )  # fmt: skip
        most = min(X.shape[1] * classes, MOST)
        self.reserve = {"chosen": most, "known": most}

    def take(self, members: np.ndarray) -> None:
        """Make pairs the members, with their current weights.

        Parameters
        ----------
        members : ndarray of int
            Numbers of pairs, in any order.
        """
        classes, count = self.size["classes"], len(members)
        class_of = members % classes
        order = np.lexsort((members, class_of))
        members, class_of = members[order], class_of[order]
        self.grow("chosen", count)
        self.members[:count] = members
        self.first_alike[:count] = np.searchsorted(class_of, class_of)
        self.v[:count] = self.w.reshape(-1)[members]
        self.factor[:count] = self.rank[:count] = 1.0
        self.carrying[members // classes] = 1
        self.count = count

    def expand(self, probability: np.ndarray, damping: float) -> Iterator[str]:
        """Compute G and its diagonal for the members.

        Parameters
        ----------
        probability : ndarray of shape (n, K)
            p at the point of expansion.
        damping : float
            μ.
        """
        n, classes = probability.shape
        self.softened[:n] = (1.0 - damping) * probability + damping / classes
        self.grow("known", self.count)
        yield "count"
        ends = np.cumsum(self.row_end[:n])
        self.row_start[0] = 0
        self.row_start[1:n] = ends[:-1]
        self.grow("entries", max(int(ends[-1]), 1))
        yield "place"
        yield "cross"
        self.moving = np.zeros((classes, self.count))
        if self.centred:
            system = regular(hessian(self.softened[:n], self.row_weight))
            cross = self.cross[: self.count]
            self.moving = scipy.linalg.solve(system, cross.T, assume_a="pos")
            self.carried[: self.count] = self.moving.T
        yield "gram"

    def intercepts_moved(self, moved: np.ndarray) -> np.ndarray:
        """Return by how much the intercepts move when the weights of members do."""
        return -(self.moving @ moved)
