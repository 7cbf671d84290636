"""A loss at the predictions of the weights, and the gap there, for proximal Newton."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from strads.algorithms.linear.losses.loss import Local, Loss
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.full_pass import ALIVE, LONGEST, TOP
from strads.algorithms.linear.solver.proximal_newton.gap import (
    Reached,
    balanced,
    largest_curvature,
)
from strads.algorithms.linear.solver.proximal_newton.intercept import best_intercept
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, gamma
from strads.algorithms.linear.solver.working_set_program import WorkingSetProgram
from strads.engine import derived


class JudgedLoss(WorkingSetProgram):
    """Base of the program: predictions, the loss there with the best intercept, and the gap.

    Parameters
    ----------
    loss : Loss
    y : ndarray
        Targets as the loss takes them.
    row_weight : ndarray
        ω: weights of the samples, whose sum is the number of rows.
    **given
        See :class:`~strads.algorithms.linear.solver.working_set_program.WorkingSetProgram`.
    """

    y = derived("rows", returned=False)  # target of the expansion
    unit = derived("rows", returned=False)
    weight = derived("rows", returned=False)
    predictions = derived("rows", returned=False)  # Xw

    local: Local  # the loss at the predictions

    def __init__(self, *, loss: Loss, y: np.ndarray, row_weight: np.ndarray, **given: Any) -> None:
        super().__init__(y=np.zeros(len(y)), unit=np.sqrt(row_weight), **given)
        self.loss, self.target, self.row_weight = loss, y, row_weight
        self.intercept = 0.0
        self.predicted = True  # whether predictions are Xw as computed, or a mixture of such

    def setup(self, rng: np.random.Generator) -> None:
        """Choose the best model without features, and its value as the scale of gaps."""
        super().setup(rng)
        n = self.size["rows"]
        none = np.zeros(n)
        start = self.loss.constant(self.target, self.row_weight) if self.centred else 0.0
        at_zero = self.row_weight @ self.loss.value(none + start, self.target)
        self.y2 = 2.0 * float(at_zero)  # gaps are relative to ½ y2, as in the Lasso
        self._expand_at(none)

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        super().load_state(state)
        predicted = self.predictions[: self.size["rows"]] + self.intercept
        self.local = self.loss.at(predicted, self.target)

    def _predict(self) -> Iterator[str]:
        """Compute Xw from the weights as they are, and take the loss there."""
        yield "predict"
        self._expand_at(self.predictions[: self.size["rows"]])
        self.predicted = True

    def _expand_at(self, xw: np.ndarray) -> None:
        """Take the loss at predictions, with the best intercept."""
        n = self.size["rows"]
        self.predictions[:n] = xw
        self.intercept, self.local = self._local(xw, self.intercept)
        self.minus_gradient[:n] = self.row_weight * self.local.theta

    def _local(self, xw: np.ndarray, intercept: float) -> tuple[float, Local]:
        if not self.centred:
            return 0.0, self.loss.at(xw, self.target)
        return best_intercept(self.loss, xw, self.target, self.row_weight, intercept)

    def judge(self) -> Gap:
        """Return the gap at the last scores; set the controls of the screening that follows."""
        n, v, weight = self.size["rows"], self.used("v"), self.row_weight
        self.work += self.entries * float(self.tally[:, ALIVE].sum()) / self.size["features"]
        primal = float(weight @ self.local.value) + self._cost(v)
        largest = float(self.tally[:, TOP].max())
        scale = min(1.0, self.penalty / largest) if largest > 0.0 else 1.0
        dual = float(weight @ self.loss.dual(scale * self.local.theta, self.target))
        dual -= 0.5 * scale * scale * self.ridge * float(v @ v)
        away = max(primal - dual, 0.0)
        relative = away / (0.5 * self.y2) if self.y2 > 0.0 else (np.inf if away else 0.0)
        gap = Gap(primal / n, dual / n, relative, scale)
        smooth = self.loss.smoothness
        self.radius = np.sqrt(2.0 * smooth * away) if np.isfinite(smooth) else np.inf
        self.scale = scale
        self._make_room()
        if np.isnan(self.objective_at_start):
            self.objective_at_start = gap.primal
        self.gap = gap
        self.proven = self._proven(largest) if relative <= self.tol else Certificate(relative, 0.0)
        return gap

    def _proven(self, largest: float) -> Certificate:
        """Return the gap plus a bound on rounding errors, for the columns that were scored."""
        n, v, theta = self.size["rows"], self.used("v"), self.local.theta
        even = balanced(theta, self.row_weight) if self.centred else theta
        longest = float(self.tally[:, LONGEST].max())
        norm = float(np.sqrt(self.row_weight @ theta**2))
        uneven = float(np.sqrt(self.row_weight @ (theta - even) ** 2))
        doubt = longest * (gamma(n + 16) * norm + uneven)
        doubt += 8.0 * UNIT * (largest + self.ridge * float(np.abs(v).max(initial=0.0)))
        sizes = longest * float(np.abs(v).sum()) + abs(self.intercept) * np.sqrt(n)
        error = gamma(self.count + 8) * sizes
        least = float(self.row_weight[self.row_weight > 0.0].min())
        reach = error / np.sqrt(least)  # `error` bounds a norm that is weighted by ω
        curvature = largest_curvature(self.loss, self.local, self.row_weight, reach)
        return Reached(
            self.loss, self.target, self.row_weight, self.local,
            error=norm * error + 0.5 * curvature * error**2, theta=even,
            largest=largest / self.penalty, doubt=(largest + doubt) / self.penalty,
            cost=self._cost(v), shrunk2=self.ridge * float(v @ v), terms=float(n + self.count),
            at_zero=0.5 * self.y2,
        ).bounded()  # fmt: skip

    def _cost(self, v: np.ndarray) -> float:
        """Return the penalty of weights, times n."""
        return self.penalty * self.norm_of(v) + 0.5 * self.ridge * float(v @ v)
