"""Alternating least squares: every row takes preconditioned conjugate-gradient steps.

The steps of a row are in :mod:`strads.kernels.factors.row_steps`, the objective in
:mod:`strads.algorithms.factorization.programs.rows`. From the fourth epoch on, steps are
over-relaxed (made longer); in the first epochs, which only find the main directions, longer steps
do harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from strads.algorithms.factorization.programs.rows import (
    GRAM_PHASES,
    SIDES,
    RowwiseFactorization,
    alternate,
)
from strads.engine import Phase, derived, kernel, scratch
from strads.kernels.factors.row_steps import (
    BIAS,
    GRAM,
    NEW_COST,
    PENALTY,
    RELAX,
    SCALED,
    STEP,
    STEPS,
    WORK,
    row_steps,
)
from strads.kernels.factors.row_terms import Side, clear_row, dot_rows, row_penalty

#: Number of epochs without over-relaxation, and the factor of the steps afterwards.
PLAIN, RELAXATION = 3, 1.7


class AlternatingLeastSquares(RowwiseFactorization):
    """Alternating least squares; see the module's docstring.

    Parameters
    ----------
    steps : int
        Conjugate-gradient steps that a row takes in an epoch.
    relaxation : float
        Factor of the steps from the fourth epoch on, between 0 and 2.
    **given
        See :class:`~strads.algorithms.factorization.programs.rows.RowwiseFactorization`.
    """

    step = derived("step_", dtype=np.float32)
    work = scratch("work_rows", "rank", dtype=np.float32)

    phases: Mapping[str, Phase] = {
        **GRAM_PHASES,
        "users": Phase(where=SIDES["users"], frozen=("H", "c", "S", "P", "terms", "step")),
        "items": Phase(where=SIDES["items"], frozen=("W", "b", "S", "P", "terms", "step")),
    }

    def __init__(self, *, steps: int = 1, relaxation: float = RELAXATION, **given: Any) -> None:
        super().__init__(work_rows=WORK, step_=STEP, **given)
        self.steps, self.relaxation = steps, relaxation
        self.done = 0

    def cycle(self) -> Iterator[str]:
        """Yield the phases of the users' half, then those of the items' half."""
        yield from alternate(self)
        self.done += 1

    def take(self, side: str) -> None:
        """Prepare the half of a side: "users" or "items"."""
        super().take(side)
        users = side == "users"
        weight = self.user_weight if users else self.item_weight
        penalty = self.penalty[0 if users else 1]
        typical = 1.0 if self.scaled else float(weight.mean())
        step = np.zeros(STEP)
        step[PENALTY], step[SCALED], step[GRAM] = penalty, self.scaled, self.everything
        step[STEPS], step[RELAX] = self.steps, 1.0 if self.done < PLAIN else self.relaxation
        step[BIAS] = 1.0 / (typical + penalty) if self.biased and len(weight) else 0.0
        step[NEW_COST] = users
        self.step[:] = step

    def save_state(self) -> dict[str, Any]:
        """Return the state of early stopping and the number of epochs so far."""
        return {**super().save_state(), "done": self.done}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        super().load_state(state)
        self.done = state["done"]

    @kernel
    def push(rows, X, F, beta, G, gamma, S, P, terms, step, work, cost, value):
        side, x, j, at = Side(G, gamma, S), X.data, X.indices, X.indptr
        for i in range(rows[0], rows[1]):
            lo, hi = at[i], at[i + 1]
            penalty = row_penalty(step, hi - lo)
            cost[i] = penalty * (dot_rows(F, i, F, i) + beta[i] * beta[i])
            beta[i], value[i] = solve_row(x, j, lo, hi, F, i, beta[i], side, P, terms, step, work)
            if step[NEW_COST] > 0.0:
                cost[i] = penalty * (dot_rows(F, i, F, i) + beta[i] * beta[i])


@kernel
def solve_row(x, j, lo, hi, W, w, beta, side, P, terms, step, work):
    """Take the steps of a row; a row without entries becomes zero."""
    if lo == hi:
        clear_row(W, w)
        return beta * 0, 0.0
    beta, value = row_steps(x, j, lo, hi, W, w, beta, side, P, terms, step, work)
    return beta, np.float64(value)
