"""Second-order steps in residual form: conjugate gradients on the support, signs held.

Where the signs s of the weights do not change, the objective on the support S is quadratic, and its
minimum lies at v_S + d with

    (X_SᵀX_S) d = X_Sᵀr − penalty·s

Coordinate descent comes to it linearly, slowly where columns are strongly correlated; conjugate
gradients need a number of products that grows with the square root of the condition number, and all
workers share each product (:mod:`strads.algorithms.lasso.solver.conjugate`). A weight that would
change its sign is set to zero, and the step is halved until the objective falls: projected
back-tracking (Bertsekas 1982). Sweeps in between let members join and leave the support.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from strads.algorithms.lasso.solver.conjugate import (
    DONE,
    GOAL,
    MADE,
    RZ,
    pull_step,
    push_count_rows,
    push_place_rows,
    push_step,
    push_try,
)
from strads.algorithms.lasso.solver.held_columns import HELD, HeldColumns
from strads.engine import Phase, control, data, derived

#: Conjugate gradients end when the residual of the equations is below this share of its start.
ACCURACY: Final = 0.03
#: Number of steps at first, and the largest number.
FIRST_STEPS, MOST_STEPS = 16, 512
#: The shortest trial step, as a share of the whole one.
SHORTEST: Final = 0.05
DAMPING: Final = 1e-6
#: How often the equations are solved on without weights that would have crossed zero.
CROSSINGS: Final = 5
#: Shares of the support: with fewer crossings the next step takes twice as many products, with more
#: half as many.
FEW_CROSSED, MANY_CROSSED = 0.01, 0.05

_TURNED = ("row_end", "turned_at", "turned_value", "place")
STEPPING: Mapping[str, Phase] = {
    "count_rows": Phase(push=push_count_rows, frozen=(*HELD, "place")),
    "place_rows": Phase(push=push_place_rows, frozen=(*HELD, "place", "row_end")),
    "conjugate": Phase(
        push=push_step, pull=pull_step,
        frozen=(*HELD, *_TURNED, "place_end", "held_mean", "held_norm2", "inverse"),
    ),
    "try": Phase(push=push_try, frozen=(*_TURNED, "held_mean", "trial")),
}  # fmt: skip


class SupportSteps(HeldColumns):
    """Base of programs that take conjugate-gradient steps on the support of a working set.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.lasso.solver.held_columns.HeldColumns`.
    """

    unit = data("rows")  # u: the direction that centring projects out of the columns
    size_of_support = control(0)
    damping = control(0.0)  # the multiple of the diagonal that is added to X_SᵀX_S
    most = control(0)  # largest number of steps in the next stage
    place = derived("support", dtype=np.int64, returned=False)  # where its members stand in W
    place_end = derived("support", dtype=np.int64, returned=False)  # entries of the support so far
    row_count = derived("rows", dtype=np.int64, returned=False)
    row_end = derived("rows", dtype=np.int64, returned=False)  # entries of the support by row
    turned_at = derived("turned", dtype=np.int32, returned=False)  # their places in the support
    turned_value = derived("turned", returned=False)
    image = derived("rows", returned=False)
    product = derived("support", returned=False)
    inverse = derived("support", returned=False)  # of the diagonal; 0: the member stays at zero
    trial = derived("support", returned=False)
    solution = derived("support", replicated=True, returned=False)
    direction = derived("support", replicated=True, returned=False)
    remainder = derived("support", replicated=True, returned=False)
    steps = derived("words", replicated=True, returned=False)

    penalty: Any

    def __init__(self, **given: Any) -> None:
        super().__init__(support=0, turned=0, **given)
        self.reserve["support"] = self.reserve["chosen"]
        if self.sparse:
            self.reserve["turned"] = self.reserve["held"]
        self.steps_made = 0
        self._length = FIRST_STEPS

    def step_on_support(
        self, v: np.ndarray, r: np.ndarray, z: np.ndarray, height: float
    ) -> Iterator[str | tuple[str, int]]:
        """Lower the objective by a step on the support; v and r are changed in place.

        Parameters
        ----------
        v, r : ndarray
            Weights of the members, and the residual.
        z : ndarray
            Scores X_Wᵀr of the members.
        height : float
            The objective, times the number of samples, at v.
        """
        signs = np.sign(v)
        slope = z - self.penalty * signs
        # A weight that its own next move sets to zero would only cut the step of all others short.
        stays = (v * self.held_norm2[: len(v)] + slope) * signs > 0.0
        support = np.flatnonzero((v != 0.0) & stays)
        if len(support) == 0:
            return
        yield from self._turn(support)
        yield from self._solve(v[support], slope[support])
        yield from self._move(support, v, r, height)

    def _move(
        self, support: np.ndarray, v: np.ndarray, r: np.ndarray, height: float
    ) -> Iterator[str]:
        """Go along the step as far as the objective falls, with weights that stop at zero."""
        old, step, share = v[support], self.solution[0, : len(support)].copy(), 1.0
        while share >= SHORTEST:
            new = stopped_at_zero(old, share * step)
            self.trial[: len(support)] = new - old
            yield "try"
            rest = r - self.image[: len(r)]
            if 0.5 * float(rest @ rest) + self.penalty * float(np.abs(new).sum()) < height:
                v[support], r[:] = new, rest
                return
            share *= 0.4
        self._length = max(self._length // 4, FIRST_STEPS)

    def _turn(self, support: np.ndarray) -> Iterator[str]:
        """Copy the entries of the support by rows."""
        k, n = len(support), self.size["rows"]
        self.grow("support", k)
        self.place[:k] = support
        self.place_end[:k] = np.cumsum(self.held_end[support] - self.held_start[support])
        self.size_of_support = k
        self.grow("turned", max(int(self.place_end[k - 1]), 1))
        yield "count_rows"
        np.cumsum(self.row_count[:n], out=self.row_end[:n])
        yield "place_rows"

    def _solve(self, old: np.ndarray, slope: np.ndarray) -> Iterator[tuple[str, int]]:
        """Solve for the step by conjugate gradients.

        Weights that would change their sign stop at zero and leave the equations, which are then
        solved on.
        """
        k = len(slope)
        solution, diagonal = np.zeros(k), self.held_norm2[self.place[:k]]
        inverse, remainder, crossed = 1.0 / diagonal, slope, 0
        goal = ACCURACY**2 * float(slope**2 @ inverse)
        for _ in range(CROSSINGS + 1):
            self.inverse[:k] = inverse
            self._begin(solution, inverse * remainder, remainder, goal)
            yield "conjugate", self.most + 1  # the last one only takes the last step
            self.steps_made += int(self.steps[0, MADE])
            solution = self.solution[0, :k].copy()
            crosses = (inverse > 0.0) & ((old + solution) * old < 0.0)
            if not crosses.any():
                break
            crossed += int(np.count_nonzero(crosses))
            solution[crosses], inverse = -old[crosses], np.where(crosses, 0.0, inverse)
            self._begin(solution, solution, remainder, goal)
            yield "conjugate", 1  # only the product with the solution so far
            remainder = slope - self.product[:k]
        self.solution[0, :k] = solution
        self._adapt(crossed / k)

    def _begin(
        self, solution: np.ndarray, direction: np.ndarray, remainder: np.ndarray, goal: float
    ) -> None:
        """Give all workers the state of the method at its start."""
        k = len(solution)
        self.solution[:, :k], self.direction[:, :k] = solution, direction
        self.remainder[:, :k] = remainder
        self.steps[:, RZ], self.steps[:, GOAL] = float(remainder @ direction), goal
        self.steps[:, MADE] = self.steps[:, DONE] = 0.0
        self.most, self.damping = self._length, DAMPING

    def _adapt(self, crossed: float) -> None:
        """Take more steps next time if hardly any weight crossed zero, fewer if many did."""
        if crossed < FEW_CROSSED:
            self._length = min(2 * self._length, MOST_STEPS)
        elif crossed > MANY_CROSSED:
            self._length = max(self._length // 2, FIRST_STEPS)


def stopped_at_zero(old: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the weights after a step; those that would change their sign are zero."""
    new = old + step
    new[new * old < 0.0] = 0.0
    return new
