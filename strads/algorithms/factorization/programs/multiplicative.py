"""Multiplicative updates: all rows of W with H frozen, then all rows of H with W frozen.

The update of a row is in :mod:`strads.kernels.factors.multiplicative`; the rows of one side do not
depend on each other. The objective is a β-divergence between X, whose entries that are not stored
are zeros, and WHᵀ, with penalties. Numbers, and the test of convergence after every
:data:`LOOK`-th epoch, are those of scikit-learn's ``solver="mu"``. The results are bit for bit the
same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.factorization.programs.factors import Factorization
from strads.algorithms.factorization.programs.rows import BLOCKS, SIDES
from strads.engine import Phase, data, derived, kernel, scratch, sound
from strads.kernels.factors.gram_rows import gram_rows
from strads.kernels.factors.multiplicative import (
    BETA,
    CUT,
    GAMMA,
    L1,
    L2,
    STEP,
    WORK,
    multiply_row,
    row_divergence,
)

#: The divergence is computed, and convergence tested, after so many epochs.
LOOK = 10
#: Smallest entry of a factor that is not set to 0, where β makes that necessary.
TINY = float(np.finfo(np.float64).eps)


class MultiplicativeFactorization(Factorization):
    """Multiplicative updates; see the module's docstring.

    Parameters
    ----------
    X : sparse matrix of shape (users, items)
        Non-negative entries, which the program stores by rows and by columns.
    beta : float
        β of the divergence.
    penalty, l1 : (float, float)
        λ₂ and λ₁ of W and of H.
    both : bool
        Whether to update H, too. If not, only the rows of W are computed (fold-in).
    tol : float
        Stop once the square root of twice the divergence has fallen by less than this share of its
        first value since the last test; 0: never.
    **given
        See :class:`~strads.algorithms.factorization.programs.factors.Factorization`. W and H are
        needed, as zeros would stay.
    """

    R = data("users", "items", layout="csr", dtype=np.float32)
    C = data("items", "users", layout="csr", dtype=np.float32)
    S = derived("rank", "rank", dtype=np.float32)  # what updates read of the whole frozen side
    grams = derived("blocks", "rank", "rank", dtype=np.float32)
    step = derived("step_", dtype=np.float32)
    work = scratch("work_rows", "rank", dtype=np.float32)
    value = derived("users")  # divergence of every row
    costs = {"users": "user_costs", "items": "item_costs"}

    phases: Mapping[str, Phase] = {
        "gram_users": Phase(push="push_gram", where=SIDES["users"], frozen=("W",)),
        "gram_items": Phase(push="push_gram", where=SIDES["items"], frozen=("H",)),
        "users": Phase(where=SIDES["users"], frozen=("H", "S", "step")),
        "items": Phase(where=SIDES["items"], frozen=("W", "S", "step")),
        "look": Phase(push="push_look", frozen=("W", "H", "S", "step")),
    }

    def __init__(
        self, *, X: Any, beta: float, penalty: tuple[float, float], l1: tuple[float, float],
        both: bool = True, **given: Any,
    ) -> None:  # fmt: skip
        rows = sp.csr_array(sound(X))
        super().__init__(
            R=rows, C=rows.tocsc().T, blocks=BLOCKS, step_=STEP, work_rows=WORK, **given
        )
        self.beta, self.penalty, self.l1, self.both = float(beta), penalty, l1, both
        self.done = 0
        self._before: tuple[int, int] | None = None  # epochs and looks before the present epoch
        self.errors: list[float] = []  # the square root of twice the divergence, at every look

    def user_costs(self) -> np.ndarray:
        """Return the cost of every row: its entries, and a constant for the row itself."""
        return np.diff(self.given["R"].indptr) + 8.0

    def item_costs(self) -> np.ndarray:
        """Return the cost of every column: its entries, and a constant for the column itself."""
        return np.diff(self.given["C"].indptr) + 8.0

    # -- the leader's part ---------------------------------------------------------------------

    def recover(self) -> Sequence[str]:
        """Begin the epoch again from the factors as they are."""
        if self._before is not None:
            self.done, looks = self._before
            del self.errors[looks:]
        return ()

    def cycle(self) -> Iterator[str]:
        """Yield the phases of W, then those of H; look at the divergence now and then."""
        self._before = self.done, len(self.errors)
        if self.done == 0:
            yield from self._look()
        if self.both:
            yield from self._read("H")
        self._take("users")
        yield "users"
        if self.both:
            yield from self._read("W")
            self._take("items")
            yield "items"
        self.done += 1
        if self.done % LOOK == 0:
            yield from self._look()

    def _look(self) -> Iterator[str]:
        """Compute the divergence at the present factors."""
        if self.both or self.done == 0:
            yield from self._read("H")
        self._take("users")
        yield "look"
        self.errors.append(float(np.sqrt(2.0 * max(float(self.value.sum()), 0.0))))

    def _read(self, name: str) -> Iterator[str]:
        """Set S to what updates of the other side read of a whole factor."""
        if self.beta == 2.0:
            yield "gram_users" if name == "W" else "gram_items"
            self.S[:] = self.grams.sum(axis=0, dtype=np.float64)
        elif self.beta == 1.0:
            self.S[0] = self.state[name].sum(axis=0, dtype=np.float64)

    def _take(self, side: str) -> None:
        """Set the numbers of the updates of a side: "users" or "items"."""
        at, beta = int(side == "items"), self.beta
        step = np.zeros(STEP)
        step[BETA], step[L1], step[L2] = beta, self.l1[at], self.penalty[at]
        # Exponents for which the divergence cannot rise (Févotte and Idier).
        step[GAMMA] = 1.0 / (2.0 - beta) if beta < 1.0 else 1.0 / max(beta - 1.0, 1.0)
        step[CUT] = TINY if beta < 1.0 or (beta == 1.0 and at) else 0.0
        self.step[:] = step

    def progress(self) -> dict[str, float]:
        """Return the divergence's root if this epoch has looked at it."""
        return {"reconstruction_err": self.errors[-1]} if self.done % LOOK == 0 else {}

    def epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Stop if the divergence has hardly fallen since the last look at it."""
        if self.tol > 0.0 and self.done % LOOK == 0:
            first, before, now = self.errors[0], *self.errors[-2:]
            if before - now < self.tol * first or first == 0.0:
                self.stop("converged")

    def save_state(self) -> dict[str, Any]:
        """Return the state of early stopping, and what was seen so far."""
        return {**super().save_state(), "done": self.done, "errors": self.errors}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        super().load_state(state)
        self.done, self.errors = state["done"], state["errors"]

    # -- kernels -------------------------------------------------------------------------------

    @kernel
    def push_gram(blocks, F, grams):
        n, count = F.shape[0], grams.shape[0]
        ones = np.ones(n, F.dtype)
        for k in range(blocks[0], blocks[1]):
            gram_rows(F, ones, k * n // count, (k + 1) * n // count, grams[k])

    @kernel
    def push(rows, X, F, G, S, step, work):
        for i in range(rows[0], rows[1]):
            lo, hi = X.indptr[i], X.indptr[i + 1]
            multiply_row(X.data, X.indices, lo, hi, F, i, G, S, step, work)

    @kernel
    def push_look(users, R, W, H, S, step, value):
        for u in range(users[0], users[1]):
            lo, hi = R.indptr[u], R.indptr[u + 1]
            value[u] = row_divergence(R.data, R.indices, lo, hi, W, u, H, S, step[BETA])
