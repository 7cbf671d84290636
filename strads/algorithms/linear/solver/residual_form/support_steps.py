"""Second-order steps in residual form: conjugate gradients on the support, signs held.

Where the signs s of the weights do not change, the objective on the support S is quadratic, and its
minimum lies at v_S + d with

    (M + δ·diag(M)) d = X_Sᵀr − ridge·v_S − penalty·factor_S·s,    M = X_SᵀX_S + ridge·I

for δ = 0. A tiny δ keeps d short in directions that M maps to almost nothing. Coordinate descent
comes to the minimum linearly, and slowly where columns are strongly correlated. Conjugate gradients
need a number of products that grows with the square root of the condition number, and all workers
share each product (:mod:`strads.algorithms.linear.solver.residual_form.conjugate`).

A weight that the step would take across zero stops at zero and leaves the equations, which are then
solved on without it. If the objective does not fall at the end of the step, the step is shortened
(projected back-tracking, Bertsekas 1982). Sweeps in between let members join and leave the support.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final

import numpy as np

from strads.algorithms.linear.solver.residual_form.conjugate import (
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
from strads.algorithms.linear.solver.residual_form.held_columns import HELD, HeldColumns
from strads.engine import Phase, control, derived

#: Conjugate gradients end when the residual of the equations, in the norm of the preconditioner, is
#: below this share of its start. More accurate steps took more products in all on news20 (a share
#: of 0.001: 5,900, of 0.03: 4,000, of 0.1: 4,400).
ACCURACY: Final = 0.03
#: δ, the share of the diagonal that is added to it.
DAMPING: Final = 1e-6
#: Number of products of a step at first, and the largest number.
FIRST_LENGTH, MOST_LENGTH = 16, 512
#: How often the equations are solved on without weights that would have crossed zero.
CROSSINGS: Final = 5
#: Shares of the support: with fewer crossings the next step takes twice as many products, with more
#: half as many. While many signs still change, an accurate step is wasted.
FEW_CROSSED, MANY_CROSSED = 0.01, 0.05
#: The support has settled if a burst of sweeps changes at most this share of its signs.
SETTLED: Final = 0.1
#: The largest number of bursts of sweeps between a step that failed and the next one.
MOST_PAUSE: Final = 16
#: A step that does not lower the objective is multiplied by the first number, until it is shorter
#: than the second.
SHORTENED, SHORTEST = 0.4, 0.05

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
        See :class:`~strads.algorithms.linear.solver.residual_form.held_columns.HeldColumns`.
    """

    support_size = control(0)
    damping = control(0.0)  # δ
    most = control(0)  # largest number of products in the next stage
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
    progressed = derived("words", replicated=True, returned=False)  # words of conjugate.py

    def __init__(self, **given: Any) -> None:
        super().__init__(support=0, turned=0, **given)
        if self.sparse:
            self.reserve["support"] = self.reserve["chosen"]
            self.reserve["turned"] = self.reserve["held"]
        self.products_made = 0
        self.step_length = FIRST_LENGTH  # products of the next step
        self.begin_steps()

    def squared(self, v: np.ndarray, r: np.ndarray) -> float:
        """Return the squared norm of the residual, with the rows that the ridge adds."""
        return float(r @ r) + self.ridge * float(v @ v)

    def objective(self, v: np.ndarray, r: np.ndarray) -> float:
        """Return the objective times n, from v and the residual of the rows of X."""
        return self.penalised(v, self.squared(v, r))

    def begin_steps(self) -> None:
        """Begin an inner solve: forget what is known of the support and of failed steps."""
        self.failures = self.pause = 0  # failed steps in a row; bursts of sweeps before the next
        self.signs = np.empty(0)  # of the members after the last burst

    def step_on_support(
        self, v: np.ndarray, r: np.ndarray, z: np.ndarray
    ) -> Iterator[str | tuple[str, int]]:
        """Lower the objective by a step on the support; v and r are changed in place.

        Parameters
        ----------
        v, r : ndarray
            Weights of the members, and the residual.
        z : ndarray
            Scores X_Wᵀr of the members.
        """
        signs = np.sign(v)
        slope = z - self.penalty * self.used("factor") * signs
        # A weight that its own next move sets to zero would only cut the step of all others short.
        stays = (v * self.held_norm2[: len(v)] + slope) * signs > 0.0
        support = np.flatnonzero((v != 0.0) & stays)
        if len(support) == 0:
            return
        yield from self._copy_rows(support)
        found = yield from self._solve(v[support], slope[support])
        for step in found:
            if (yield from self._move(support, step, v, r)):
                self.failures = self.pause = 0
                return
        self.step_length = max(self.step_length // 4, FIRST_LENGTH)
        self.failures += 1
        self.pause = min(2**self.failures, MOST_PAUSE)

    def ready_to_step(self, v: np.ndarray) -> bool:
        """Whether to take a step after this burst of sweeps.

        The support must have settled: hardly any sign has changed since the last burst. After steps
        that failed, some bursts go by without.
        """
        signs = np.sign(v)
        before, self.signs = self.signs, signs
        if len(before) != len(signs):
            return False
        changed = np.count_nonzero(before != signs)
        self.pause -= 1
        return bool(changed <= SETTLED * np.count_nonzero(signs)) and self.pause < 0

    def _copy_rows(self, support: np.ndarray) -> Iterator[str]:
        """Copy the entries of the support by rows."""
        k, n = len(support), self.size["rows"]
        self.grow("support", k)
        self.place[:k] = support
        self.place_end[:k] = np.cumsum(self.held_end[support] - self.held_start[support])
        self.support_size = k
        self.grow("turned", max(int(self.place_end[k - 1]), 1))
        yield "count_rows"
        np.cumsum(self.row_count[:n], out=self.row_end[:n])
        yield "place_rows"

    def _solve(
        self, old: np.ndarray, slope: np.ndarray
    ) -> Generator[tuple[str, int], None, list[np.ndarray]]:
        """Return steps to try, best first: without weights that cross zero, and the first one."""
        k = len(slope)
        inverse = 1.0 / self.held_norm2[self.place[:k]]
        step, remainder, crossed, first = np.zeros(k), slope, 0, None
        goal = ACCURACY**2 * float(slope**2 @ inverse)
        for _ in range(CROSSINGS + 1):
            self.inverse[:k] = inverse
            self._begin(step, inverse * remainder, remainder, goal)
            yield "conjugate", self.most + 1  # the last epoch only takes the last step
            self.products_made += int(self.progressed[0, MADE])
            self.work += 2.0 * self.progressed[0, MADE] * self.place_end[k - 1]
            step = self.solution[0, :k].copy()
            crosses = (inverse > 0.0) & ((old + step) * old < 0.0)
            if not crosses.any():
                break
            first = step.copy() if first is None else first
            crossed += int(np.count_nonzero(crosses))
            step[crosses], inverse = -old[crosses], np.where(crosses, 0.0, inverse)
            self._begin(step, step, remainder, goal)
            yield "conjugate", 1  # only the product with the step so far
            remainder = slope - self.product[:k]
        self._choose_length(crossed / k)
        return [step] if first is None else [step, first]

    def _begin(
        self, solution: np.ndarray, direction: np.ndarray, remainder: np.ndarray, goal: float
    ) -> None:
        """Give all workers the state of the method at its start."""
        k = len(solution)
        self.solution[:, :k], self.direction[:, :k] = solution, direction
        self.remainder[:, :k] = remainder
        self.progressed[:, RZ], self.progressed[:, GOAL] = float(remainder @ direction), goal
        self.progressed[:, MADE] = self.progressed[:, DONE] = 0.0
        self.most, self.damping = self.step_length, DAMPING

    def _choose_length(self, crossed: float) -> None:
        """Take more products next time if hardly any weight crossed zero, fewer if many did."""
        if crossed < FEW_CROSSED:
            self.step_length = min(2 * self.step_length, MOST_LENGTH)
        elif crossed > MANY_CROSSED:
            self.step_length = max(self.step_length // 2, FIRST_LENGTH)

    def _move(
        self, support: np.ndarray, step: np.ndarray, v: np.ndarray, r: np.ndarray
    ) -> Generator[str, None, bool]:
        """Go along a step as far as the objective falls; return whether it does."""
        old, share = v[support], 1.0
        height = self.objective(v, r)
        while share >= SHORTEST:
            new = stopped_at_zero(old, share * step)
            self.trial[: len(support)] = new - old
            yield "try"
            rest = r - self.image[: len(r)]
            v[support] = new
            if self.objective(v, rest) < height:
                r[:] = rest
                return True
            v[support] = old
            share *= SHORTENED
        return False


def stopped_at_zero(old: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the weights after a step; those that would change their sign are zero."""
    new = old + step
    new[new * old < 0.0] = 0.0
    return new
