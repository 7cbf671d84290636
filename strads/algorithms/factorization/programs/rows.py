"""Factorisation row by row: all users with the items frozen, then all items.

    Σ_j φ of the rows (:mod:`strads.kernels.factors.row_terms`) + Σ_u λ_u (‖w_u‖² + b_u²)
                                                       + Σ_i λ_i (‖h_i‖² + c_i²)

Rows of one side do not depend on each other while the other is frozen, so any number of workers
computes the same bits: sums over rows are taken row by row on the leader, Gram matrices in
:data:`BLOCKS` blocks of rows that are the same for all.

Figures come from the rows of the items' half as it meets them: ``objective`` is that of the new
users with the old items, ``train_rmse`` (where entries are ratings) as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from strads.algorithms.factorization.programs.factors import NONE, Entries, Factorization
from strads.engine import Phase, control, data, derived, kernel, sound, variable
from strads.kernels.factors.gram_rows import gram_rows
from strads.kernels.factors.row_terms import Q0, Q1, T0, TERMS, dot_rows

#: Blocks of rows whose Gram matrices are computed one by one.
BLOCKS = 64
#: The preconditioner inverts the mean matrix plus this share of its trace: with more components
#: than rows it is singular, and single precision must not blow up what is left.
RIDGE = 1e-6
#: Width of the first factors.
WIDTH = 0.5


class Model(NamedTuple):
    """What an entry means; see :mod:`strads.kernels.factors.row_terms`.

    Attributes
    ----------
    terms : tuple of float
        q₀, q₁, t₀, t₁, weights of t² and of t in the value.
    everything : bool
        Absent entries count, as zeros.
    scaled : bool
        Penalties are multiplied by the number of a row's entries.
    biased : bool
        Rows have biases.
    """

    terms: tuple[float, float, float, float, float, float]
    everything: bool = False
    scaled: bool = False
    biased: bool = False


class RowwiseFactorization(Factorization):
    """Base of the solvers that go row by row.

    Parameters
    ----------
    X : sparse matrix of shape (users, items)
        Kept by rows and by columns.
    model : Model
    penalty : (float, float)
        λ of users and of items.
    held : Entries, optional
    **given
        See :class:`~strads.algorithms.factorization.programs.factors.Factorization`.
    """

    R = data("users", "items", layout="csr", dtype=np.float32)
    C = data("users", "items", layout="csc", dtype=np.float32)
    user_weight = data("users", dtype=np.float32)  # Σ q over the entries of a user
    item_weight = data("items", dtype=np.float32)
    b = variable("users", dtype=np.float32)
    c = variable("items", dtype=np.float32)
    S = derived("rank", "rank", dtype=np.float32)  # of the frozen side
    P = derived("rank", "rank", dtype=np.float32)  # its preconditioner
    grams = derived("blocks", "rank", "rank", dtype=np.float32)
    means = derived("blocks", "rank", "rank", dtype=np.float32)
    user_cost = derived("users")  # λ_u (‖w_u‖² + b_u²) after the users' half
    item_cost = derived("items")  # before the items'
    item_value = derived("items")  # φ before the items' half, without the penalty
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
        rows = sp.csr_array(sound(X))
        super().__init__(
            components=components, held=held, R=rows, C=rows.tocsc(), blocks=BLOCKS,
            penalty=np.array(penalty), everything=int(model.everything), scaled=int(model.scaled),
            biased=int(model.biased), terms_=TERMS, **given,
        )  # fmt: skip
        self.watched = "objective" if model.everything else "train_rmse"
        self.model_ = model
        self.entries = rows.nnz
        if model.biased and "mean" not in given:
            average = float(rows.data.mean(dtype=np.float64)) if rows.nnz else 0.0
            self.given["mean"] = average

    def user_costs(self) -> np.ndarray:
        """Entries of every user, and some for the row itself."""
        return np.diff(self.given["R"].indptr) + 8.0

    def item_costs(self) -> np.ndarray:
        """Entries of every item, and some for the row itself."""
        return np.diff(self.given["C"].indptr) + 8.0

    # -- the leader's part ---------------------------------------------------------------------

    def setup(self, rng: np.random.Generator) -> None:
        """Start the factors; weigh rows for the preconditioner."""
        super().setup(rng)
        terms = np.array(self.model_.terms)
        terms[T0] -= self.mean  # targets are what the mean leaves
        self.terms[:] = terms
        self.start(rng)
        for weight, matrix in ((self.user_weight, self.R), (self.item_weight, self.C)):
            entries = np.diff(matrix.indptr)
            sums = np.zeros(len(entries))
            some = entries > 0
            if some.any():
                sums[some] = np.add.reduceat(matrix.data, matrix.indptr[:-1][some], dtype=float)
            weight[:] = terms[Q0] * entries + terms[Q1] * sums

    def start(self, rng: np.random.Generator) -> None:
        """Fill factors that were not given."""
        self.start_factor("W", rng, WIDTH)
        self.start_factor("H", rng, WIDTH)

    def take(self, side: str) -> None:
        """Sum the blocks' Gram matrices of the frozen side; invert the mean of what rows solve."""
        users = side == "users"
        frozen = self.item_weight if users else self.user_weight
        rows = np.count_nonzero(np.diff((self.R if users else self.C).indptr)) or 1
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
        """Objective half-way; errors, where entries are ratings."""
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
    def push_gram_items(blocks, H, item_weight, everything, grams, means):
        grams_of(blocks, H, item_weight, everything, grams, means)

    @kernel
    def push_gram_users(blocks, W, user_weight, everything, grams, means):
        grams_of(blocks, W, user_weight, everything, grams, means)

    @kernel
    def measure(held, held_user, held_item, held_value, W, H, b, c, mean):
        squares = 0.0
        for t in range(held[0], held[1]):
            u, i = held_user[t], held_item[t]
            error = held_value[t] - mean - b[u] - c[i] - dot_rows(W, u, H, i)
            squares += error * error
        return squares


@kernel
def grams_of(blocks, F, weight, everything, grams, means):
    """Gram matrices of a worker's blocks of rows: weighted and, if absent entries count, plain."""
    n, count = F.shape[0], grams.shape[0]
    ones = np.ones(n if everything else 0, F.dtype)
    for k in range(blocks[0], blocks[1]):
        lo, hi = k * n // count, (k + 1) * n // count
        if everything:
            gram_rows(F, ones, lo, hi, grams[k])
        gram_rows(F, weight, lo, hi, means[k])


GRAM_PHASES = {
    "gram_items": Phase(push="push_gram_items", frozen=("H",)),
    "gram_users": Phase(push="push_gram_users", frozen=("W",)),
}


def alternate(program: RowwiseFactorization) -> Iterator[str]:
    """One epoch: the users' half, then the items'."""
    yield "gram_items"
    program.take("users")
    yield "users"
    yield "gram_users"
    program.take("items")
    yield "items"
