"""Factorisation row by row: all users with the items frozen, then all items with the users frozen.

    Σ_j φ of the rows (:mod:`strads.kernels.factors.row_terms`) + Σ_u λ_u (‖w_u‖² + b_u²)
                                                       + Σ_i λ_i (‖h_i‖² + c_i²)

While one side is frozen, the rows of the other do not depend on each other. The results are bit for
bit the same for any number of workers, since the leader sums over rows one by one, and Gram
matrices are summed in :data:`BLOCKS` blocks of rows, whatever the number of workers.

The items' half computes the figures from each row before it updates the row. So ``objective`` and
``train_rmse`` (if entries are ratings) are those of the updated users with the old items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from strads.algorithms.factorization.programs.factors import NONE, Entries, Factorization
from strads.engine import Phase, control, data, derived, kernel, sound, variable
from strads.kernels.factors.gram_rows import gram_rows
from strads.kernels.factors.row_terms import Q0, Q1, T0, TERMS, dot_rows

#: Number of blocks of rows for the Gram matrices.
BLOCKS = 64
#: The preconditioner is the inverse of the mean matrix plus this share of its mean diagonal entry:
#: with more components than rows the mean matrix is singular, and its rounding errors in single
#: precision would be amplified.
RIDGE = 1e-6
#: What the parameters of a kernel stand for when it works on the users' rows, and on the items':
#: the rows' entries, factors and biases are X, F and beta; G and gamma are the frozen side's.
SIDES: Mapping[str, Mapping[str, str]] = {
    "users": {
        "rows": "users", "X": "R", "F": "W", "beta": "b", "G": "H", "gamma": "c",
        "weight": "user_weight", "cost": "user_cost", "value": "user_value", "moved": "user_moved",
    },
    "items": {
        "rows": "items", "X": "C", "F": "H", "beta": "c", "G": "W", "gamma": "b",
        "weight": "item_weight", "cost": "item_cost", "value": "item_value", "moved": "item_moved",
    },
}  # fmt: skip
#: The cost of a row without entries, in entries.
EMPTY = 8.0
#: Width of the range of the random start values.
WIDTH = 0.5


class Model(NamedTuple):
    """The meaning of an entry in the objective; see :mod:`strads.kernels.factors.row_terms`.

    Attributes
    ----------
    terms : tuple of float
        q₀, q₁, t₀, t₁, and the weights of t² and of t in the value.
    everything : bool
        Whether entries that are not stored count, as zeros.
    scaled : bool
        Whether the penalty of a row is multiplied by the number of its entries.
    biased : bool
        Whether rows have biases.
    """

    terms: tuple[float, float, float, float, float, float]
    everything: bool = False
    scaled: bool = False
    biased: bool = False


class RowwiseFactorization(Factorization):
    """Base of the solvers that update the factors row by row.

    Parameters
    ----------
    X : sparse matrix of shape (users, items)
        Entries, which the program stores by rows and by columns.
    model : Model
        The meaning of an entry.
    penalty : (float, float)
        λ of users and of items.
    held : Entries, optional
        Held-out ratings.
    **given
        See :class:`~strads.algorithms.factorization.programs.factors.Factorization`.
    """

    R = data("users", "items", layout="csr", dtype=np.float32)
    C = data("items", "users", layout="csr", dtype=np.float32)
    user_weight = data("users", dtype=np.float32)  # Σ q over the entries of a user
    item_weight = data("items", dtype=np.float32)
    b = variable("users", dtype=np.float32)
    c = variable("items", dtype=np.float32)
    S = derived("rank", "rank", dtype=np.float32)  # Gram matrix of the frozen side
    P = derived("rank", "rank", dtype=np.float32)  # preconditioner
    grams = derived("blocks", "rank", "rank", dtype=np.float32)
    means = derived("blocks", "rank", "rank", dtype=np.float32)
    user_cost = derived("users")  # λ_u (‖w_u‖² + b_u²) after the users' half
    item_cost = derived("items")  # λ_i (‖h_i‖² + c_i²) before the items' half
    user_value = derived("users", returned=False)  # φ before the users' half
    item_value = derived("items")  # φ before the items' half
    terms = derived("terms_", dtype=np.float32)
    penalty = control(np.zeros(2))
    mean = control(0.0)
    everything = control(0)
    scaled = control(0)
    biased = control(0)
    costs = {"users": "user_costs", "items": "item_costs"}

    def __init__(
        self, *, X: Any, model: Model, penalty: tuple[float, float], components: int,
        held: Entries = NONE, **given: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            components=components, held=held, **self.stored(X), blocks=BLOCKS,
            penalty=np.array(penalty), everything=int(model.everything), scaled=int(model.scaled),
            biased=int(model.biased), terms_=TERMS, **given,
        )  # fmt: skip
        self.watched = "objective" if model.everything else "train_rmse"
        self.model_ = model
        if model.biased and "mean" not in given:
            self.given["mean"] = self.average()

    def stored(self, X: Any) -> dict[str, Any]:
        """Return the entries as values of fields, and set their number, ``entries``."""
        rows = sp.csr_array(sound(X))
        self.entries = rows.nnz
        return {"R": rows, "C": rows.tocsc().T}

    def average(self) -> float:
        """Return the mean of the entries."""
        values = self.given["R"].data
        return float(values.mean(dtype=np.float64)) if self.entries else 0.0

    def counts_and_sums(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """Return numbers and sums of the entries of all rows of a side: "users" or "items"."""
        matrix = self.R if side == "users" else self.C
        entries = np.diff(matrix.indptr)
        sums = np.zeros(len(entries))
        some = entries > 0
        if some.any():
            sums[some] = np.add.reduceat(matrix.data, matrix.indptr[:-1][some], dtype=float)
        return entries, sums

    def user_costs(self) -> np.ndarray:
        """Return the cost of every user: its entries, and a constant for the row itself."""
        return np.diff(self.given["R"].indptr) + EMPTY

    def item_costs(self) -> np.ndarray:
        """Return the cost of every item: its entries, and a constant for the row itself."""
        return np.diff(self.given["C"].indptr) + EMPTY

    # -- the leader's part ---------------------------------------------------------------------

    def setup(self, rng: np.random.Generator) -> None:
        """Set the start values of the factors, and the weights of rows for the preconditioner."""
        super().setup(rng)
        terms = np.array(self.model_.terms)
        terms[T0] -= self.mean  # targets are the entries minus the mean
        self.terms[:] = terms
        self.start(rng)
        for weight, side in ((self.user_weight, "users"), (self.item_weight, "items")):
            entries, sums = self.counts_and_sums(side)
            weight[:] = terms[Q0] * entries + terms[Q1] * sums

    def start(self, rng: np.random.Generator) -> None:
        """Fill factors that were not given."""
        self.start_factor("W", rng, WIDTH)
        self.start_factor("H", rng, WIDTH)

    def take(self, side: str) -> None:
        """Sum the blocks' Gram matrices of the frozen side, and compute the preconditioner.

        The preconditioner is the inverse of the mean of the matrices of the rows' equations.
        """
        users = side == "users"
        frozen = self.item_weight if users else self.user_weight
        costs = self.user_costs() if users else self.item_costs()
        rows = np.count_nonzero(costs > EMPTY) or 1
        gram = self.grams.sum(axis=0, dtype=np.float64)
        mean = self.means.sum(axis=0, dtype=np.float64)
        self.S[:] = gram if self.everything else 0.0
        mean /= (frozen.sum(dtype=np.float64) or 1.0) if self.scaled else rows
        if self.everything:
            mean += gram
        k = self.components
        mean = mean[:k, :k]
        ridge = self.penalty[0 if users else 1] + RIDGE * (np.trace(mean) / k + 1e-30)
        self.P[:] = 0.0
        self.P[:k, :k] = np.linalg.inv(mean + ridge * np.eye(k))

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Return the objective before the items' half; errors, if entries are ratings."""
        value = float(self.item_value.sum())
        found = {"objective": value + float(self.item_cost.sum() + self.user_cost.sum())}
        if not self.everything:
            found["train_rmse"] = float(np.sqrt(max(value, 0.0) / max(self.entries, 1)))
        if self.size["held"]:
            found["validation_rmse"] = float(np.sqrt(parts.sum() / self.size["held"]))
        if self.ranking is not None:
            found["validation_ndcg"] = self.ranking(self.W, self.H)
        return found

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def push_gram(blocks, F, weight, everything, grams, means):
        n, count = F.shape[0], grams.shape[0]
        ones = np.ones(n if everything else 0, F.dtype)
        for k in range(blocks[0], blocks[1]):
            lo, hi = k * n // count, (k + 1) * n // count
            if everything:
                gram_rows(F, ones, lo, hi, grams[k])
            gram_rows(F, weight, lo, hi, means[k])

    @kernel
    def measure(held, held_user, held_item, held_value, W, H, b, c, mean):
        squares = 0.0
        for t in range(held[0], held[1]):
            u, i = held_user[t], held_item[t]
            error = held_value[t] - mean - b[u] - c[i] - dot_rows(W, u, H, i)
            squares += error * error
        return squares


#: Gram matrices of blocks of rows: weighted and, if all entries count, plain.
GRAM_PHASES = {
    "gram_items": Phase(push="push_gram", where=SIDES["items"], frozen=("H",)),
    "gram_users": Phase(push="push_gram", where=SIDES["users"], frozen=("W",)),
}


def alternate(program: RowwiseFactorization) -> Iterator[str]:
    """Yield the phases of an epoch: the users' half, then the items' half."""
    yield "gram_items"
    program.take("users")
    yield "users"
    yield "gram_users"
    program.take("items")
    yield "items"
