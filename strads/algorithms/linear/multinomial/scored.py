"""Scores of all pairs, and what follows from them: gap, certificate, screening, the penalty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.multinomial.expansion import Expansion
from strads.algorithms.linear.multinomial.gap import Reached
from strads.algorithms.linear.multinomial.intercepts import best_intercepts
from strads.algorithms.linear.multinomial.softmax import SoftmaxLoss
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.matrix_passes import push_lengths, push_score
from strads.algorithms.linear.solver.rounding import Certificate
from strads.engine import Phase, control, data, derived

SCORING: Mapping[str, Phase] = {
    "lengths": Phase(push=push_lengths),
    "score": Phase(push=push_score, frozen=("minus_gradient",)),
}


class Scored(Expansion):
    """Base of the program: weights, the loss at their predictions, and the scores there.

    Parameters
    ----------
    label : ndarray of int, shape (n,)
        Numbers of the labels, each of which has weight.
    alpha : float
        Weight of ‖W‖₁.
    tol : float
        Relative duality gap to reach.
    **given
        See :class:`~strads.algorithms.linear.multinomial.expansion.Expansion`.
    """

    label = data("rows", dtype=np.int64)
    importance = data("features")  # by which the priority of each feature is multiplied
    minus_gradient = derived("rows", "classes", returned=False)  # ω∘θ
    length = derived("features", returned=False)  # norms of columns
    score = derived("features", "classes", returned=False)
    top = derived("features", returned=False)  # largest |score| of a column
    alive = derived("features", dtype=np.uint8, returned=False)
    together = control(0)  # each weight has a penalty of its own
    everything = control(0)  # whether the next pass scores screened columns, too

    local: Local  # the loss at the predictions
    tol: float

    def __init__(self, *, label: np.ndarray, alpha: float, tol: float, **given: Any) -> None:
        n = len(label)
        super().__init__(label=label, classes=int(label.max()) + 1, penalty=n * alpha, **given)
        self.loss = SoftmaxLoss()
        self.alpha, self.tol, self.final = alpha, tol, n * alpha
        self.gap: Gap | None = None
        self.proven = Certificate(np.inf, np.inf)
        self.predicted = True  # whether predictions are XW as computed, or a mixture of such

    def setup(self, rng: np.random.Generator) -> None:
        """Choose the best model without features, and its value as the scale of gaps."""
        y, weight = self.state["label"], self.state["row_weight"]
        none = np.zeros((len(y), self.size["classes"]))
        self.intercepts = self.loss.constant(y, weight) if self.centred else none[0]
        at_zero = float(weight @ self.loss.value(none + self.intercepts, y))
        self.y2 = 2.0 * at_zero  # gaps are relative to ½ y2, as in the Lasso
        self.alive[:] = 1
        self.expand_at(none)

    def predict(self) -> Iterator[str]:
        """Compute XW from the weights as they are, and take the loss there."""
        yield "predict"
        self.expand_at(self.predictions[: self.size["rows"]])
        self.predicted = True

    def expand_at(self, xw: np.ndarray) -> None:
        """Take the loss at predictions, with the best intercepts."""
        n, y, weight = self.size["rows"], self.state["label"], self.state["row_weight"]
        self.predictions[:n] = xw
        if self.centred:
            self.intercepts, self.local = best_intercepts(self.loss, xw, y, weight, self.intercepts)
        else:
            self.local = self.loss.at(xw, y)
        self.minus_gradient[:n] = weight[:, None] * self.local.theta

    def carriers(self) -> np.ndarray:
        """Return the features that may have weights."""
        return np.flatnonzero(self.carrying[: self.size["features"]])

    def largest_score(self) -> float:
        """Return the largest score of the columns that screening has left."""
        p = self.size["features"]
        scored = self.top[:p] if self.everything else self.top[:p][self.alive[:p] > 0]
        return float(scored.max(initial=0.0))

    def reached(self, penalty: float) -> Reached:
        """Return what the gap for a penalty is computed from, after a full pass."""
        return Reached(
            self.loss, self.state["label"], self.state["row_weight"], self.local,
            w=self.w[self.carriers()], intercepts=self.intercepts, centred=bool(self.centred),
            penalty=penalty, ridge=self.ridge, largest=self.largest_score(),
            longest=float(self.length[: self.size["features"]].max(initial=0.0)),
            at_zero=0.5 * self.y2,
        )  # fmt: skip

    def judge(self) -> Gap:
        """Compute the gap at the last scores; return that for the penalty so far."""
        now = self.reached(self.penalty).gap()
        self.gap = self.reached(self.final).gap() if self.penalty > self.final else now
        self.proven = Certificate(self.gap.relative, 0.0)
        if self.gap.relative <= self.tol or self.everything:
            self.proven = self.reached(self.final).bounded()
        return now

    def judge_in_full(self) -> Iterator[str]:
        """Judge with all columns scored, from predictions as computed."""
        if not self.predicted:
            yield from self.predict()
        self.everything = 1
        yield "score"
        self.judge()
        self.everything = 0

    def screen(self, gap: Gap) -> None:
        """Leave out columns that have no weights in any solution."""
        if self.penalty > self.final:
            return
        p = self.size["features"]
        away = gap.relative * 0.5 * self.y2
        radius = np.sqrt(2.0 * self.loss.smoothness * away)
        norms = np.sqrt(self.length[:p] ** 2 + self.ridge / self.loss.smoothness)
        reach = gap.scale * self.top[:p] + radius * norms
        self.alive[:p] &= (reach >= self.penalty) | (self.carrying[:p] > 0)
