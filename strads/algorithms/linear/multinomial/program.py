"""Multinomial logistic regression by proximal Newton on pairs of a feature and a class.

    min_{W,b} Σ_i ω_i φ(f_i, y_i) / n + α‖W‖₁ + β‖W‖² / 2,    f_i = Wᵀx_i + b,  Σ ω_i = n

with the loss φ of :mod:`strads.algorithms.linear.multinomial.softmax`. One cycle:

1. ``score`` computes the scores X_jᵀ(ω∘θ) − nβ w_j of all pairs. They give the gap
   (:mod:`strads.algorithms.linear.multinomial.gap`), and so whether to stop.
2. Members are the pairs with weights, and those whose scores exceed the penalty most.
3. The loss is replaced by its second-order expansion on the members, with all couplings of classes
   (:mod:`strads.algorithms.linear.multinomial.expansion`). Coordinate rounds minimise it
   (:mod:`strads.algorithms.linear.solver.gram_form.rounds`).
4. ``predict`` computes XW of the new weights. On the way from the old ones to these, the point is
   taken at which the objective is least, with the best intercepts there.

*Larger penalties first.* A run from W = 0 begins with a tenth of the least penalty that allows no
weights, and goes on to a tenth of that, and so on, once the gap is below a thirtieth: far away from
the solution the expansion says little.

*Screening* is that of all smooth losses (`proximal_newton`), for all pairs of a feature at once.

Source: Lee, Sun, Saunders, SIAM J. Optim. 24 (2014); Friedman, Hastie, Tibshirani, Regularization
paths for generalized linear models via coordinate descent, J. Stat. Softw. 33 (2010), section 4,
whose expansion leaves the couplings of classes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

import numpy as np

from strads.algorithms.linear.multinomial.expansion import EXPANDING, MOST
from strads.algorithms.linear.multinomial.members import NEAR, choose_members
from strads.algorithms.linear.multinomial.scored import SCORING, Scored
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.gram_form.rounds import DEFAULT, GRAM_ROUNDS
from strads.algorithms.linear.solver.progress import Progress, Remembering
from strads.algorithms.linear.solver.proximal_newton.line_search import Line
from strads.engine import Phase, Schedule

#: A larger penalty is this share of the least one without weights, or of the one before; it is
#: left once the gap is below the second number.
LOWER, LEAVE = 0.1, 1.0 / 30.0
#: μ to begin with, and the least; by how much it grows after a step of less than `SHORT`, and falls
#: after a whole one.
DAMPING, LEAST_DAMPING = 1e-3, 1e-9
RAISED, LOWERED, SHORT = 10.0, 0.3, 0.5
#: A step solves the expansion to this share of the gap. After a step without new members that has
#: not divided the gap by `FASTER`, the share is multiplied by the second number, down to the third.
ACCURACY, TIGHTER, LEAST_ACCURACY, FASTER = 0.1, 0.1, 1e-6, 10.0
#: After this many cycles without progress, rounding errors prevent any more.
FUTILE: Final = 4
#: Pairs are dispatched by lists: a fifth to a ninth of the updates of draws (bench/multinomial).
PAIRS: Final = replace(DEFAULT, lease=512, micro=8, sweeps=1)
ROUNDS: Final = replace(GRAM_ROUNDS, schedule=PAIRS)


class MultinomialNewton(Remembering, Scored):
    """Multinomial logistic regression; see the module's docstring.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    label : ndarray of int, shape (n,)
        Numbers of the labels, each of which has weight.
    row_weight : ndarray of shape (n,)
        ω.
    alpha, beta : float
        Weights of ‖W‖₁ and of ½‖W‖².
    tol : float
        Relative duality gap to reach.
    max_epochs : int
        Largest number of epochs of coordinate rounds.
    centred : bool
        Whether there are intercepts.
    positive : bool
        Whether W is constrained to W ≥ 0.
    schedule : Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"``.
    w : ndarray of shape (p, K), optional
        Weights to start from.
    """

    phases: Mapping[str, Phase] = {**SCORING, **EXPANDING, "descend": ROUNDS}

    remembered: ClassVar[tuple[str, ...]] = (
        "objective_at_start", "epochs_used", "restraints", "work", "steps", "damping",
        "accuracy", "gap_before", "joined", "intercepts", "predicted", "alpha",
    )  # fmt: skip

    objective_at_start: float

    def __init__(
        self, *, label: np.ndarray, beta: float, max_epochs: int, schedule: Schedule | None = None,
        w: np.ndarray | None = None, importance: np.ndarray | None = None, **given: Any,
    ) -> None:  # fmt: skip
        given["importance"] = np.ones(given["X"].shape[1]) if importance is None else importance
        self.started = w is not None and bool(np.any(w))
        if w is not None:
            given["w"] = w
        n = len(label)
        super().__init__(label=label, ridge=n * beta, samples=float(n), **given)
        if schedule is not None:
            rounds = replace(ROUNDS, schedule=schedule)
            self.phases = {**type(self).phases, "descend": rounds}
        self.max_epochs = max_epochs
        self.epochs_used = self.restraints = self.steps = 0
        self.work, self.budget = 0.0, np.inf
        self.damping, self.accuracy = DAMPING, ACCURACY
        self.gap_before, self.joined = np.inf, True
        self.progressing = Progress(FUTILE)
        self.objective_at_start = np.nan

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`, with the loss at the predictions."""
        super().load_state(state)
        predictions = self.predictions[: self.size["rows"]] + self.intercepts
        self.local = self.loss.at(predictions, self.state["label"])

    def progress(self) -> dict[str, float]:
        """Return gap, objective and counts at the last full pass."""
        return {
            "certificate": self.proven.gap,
            "rounding": self.proven.rounding,
            "objective": np.nan if self.gap is None else self.gap.primal,
            "nonzeros": float(np.count_nonzero(self.w[self.carriers()])),
            "working_set": float(self.count),
            "alive": float(np.count_nonzero(self.alive[: self.size["features"]])),
            "epochs": float(self.epochs_used),
            "restraints": float(self.restraints),
            "steps": float(self.steps),
            "penalty": self.penalty / self.size["rows"],
        }

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One step of proximal Newton."""
        if self.gap is None:
            yield from self._begin()
        else:
            yield "score"
        gap = self.judge()
        if np.isnan(self.objective_at_start):
            self.objective_at_start = gap.primal
        while self.penalty > self.final and gap.relative <= LEAVE:
            self._set_penalty(max(self.final, LOWER * self.penalty))
            gap = self.judge()
        if self.proven.gap <= self.tol:
            yield from self.judge_in_full()
        if self.proven.gap <= self.tol:
            self.stop()
        elif self.epochs_used >= self.max_epochs:
            yield from self.judge_in_full()
            self.stop("epochs")
        elif self.progressing.stuck(gap.primal, gap.relative, self.objective_at_start):
            yield from self.judge_in_full()
            self.stop("precision")
        else:
            self.screen(gap)
            yield from self._step(gap)

    def _begin(self) -> Iterator[str]:
        """Score all columns at the weights to start from; choose the first penalty."""
        yield "lengths"
        self.carrying[:] = np.any(self.w, axis=1)
        if self.started:
            yield from self.predict()
        yield "score"
        if not self.started:
            self._set_penalty(max(self.final, LOWER * self.largest_score()))

    def recover(self) -> Sequence[str]:
        """Begin from the weights as they are; nothing has to be run for that."""
        members, v, w = self.used("members"), self.used("v"), self.w.reshape(-1)
        w[members] = np.where(np.isfinite(v), v, w[members])
        self.count, self.everything, self.gap = 0, 0, None
        self.started = self.predicted = self.joined = True
        self.gap_before, self.accuracy = np.inf, ACCURACY
        self.progressing = Progress(FUTILE)
        self.setup(np.random.default_rng(0))
        return ()

    def _set_penalty(self, penalty: float) -> None:
        """Go on with another penalty, and forget what is known of the progress."""
        self.penalty, self.alpha = penalty, penalty / self.size["rows"]
        self.gap_before, self.joined, self.accuracy = np.inf, True, ACCURACY
        self.progressing = Progress(FUTILE)

    # -- a step --------------------------------------------------------------------------------

    def _step(self, gap: Gap) -> Iterator[str | tuple[str, int]]:
        """Minimise the expansion over the members, and go towards its solution."""
        n, y, weight = self.size["rows"], self.state["label"], self.state["row_weight"]
        faster, self.gap_before = FASTER * gap.relative <= self.gap_before, gap.relative
        if not (faster or self.joined):
            self.accuracy = max(TIGHTER * self.accuracy, LEAST_ACCURACY)
        self.joined = self._choose(gap)
        v, xw = self.used("v"), self.predictions[:n].copy()
        before, theta = v.copy(), self.local.theta
        yield from self.expand(self.local.curvature, self.damping)
        self.r2 = float(weight @ (theta**2 / self.softened[:n]).sum(axis=1))
        self.r2 += self.ridge * float(v @ v)
        score = self.score.reshape(-1)[self.used("members")]
        yield from self.descend(score, gap.relative, self.accuracy * gap.relative)
        self.steps += 1
        after = v.copy()
        self.w.reshape(-1)[self.used("members")] = after
        yield "predict"
        new = self.predictions[:n].copy()
        shift = self.intercepts_moved(after - before)
        line = Line(
            self.loss, y, weight[:, None], xw + self.intercepts, new - xw + shift, theta, before,
            after - before, self.penalty, self.ridge, bool(self.positive),
        )  # fmt: skip
        t = line.minimiser(n * gap.primal)
        self._go(t, before, after, xw, new, shift)

    def _go(
        self, t: float, before: np.ndarray, after: np.ndarray, old: np.ndarray, new: np.ndarray,
        shift: np.ndarray,
    ) -> None:  # fmt: skip
        """Go from weights with predictions `old` a part of the way to others with `new`."""
        v = self.used("v")
        v[:] = after if t == 1.0 else before + t * (after - before)
        if self.positive:
            np.maximum(v, 0.0, out=v)  # rounding
        self.w.reshape(-1)[self.used("members")] = v
        if t < SHORT:
            self.damping = min(RAISED * self.damping, 1.0)
        elif t >= 1.0:
            self.damping = max(LOWERED * self.damping, LEAST_DAMPING)
        self.intercepts = self.intercepts + t * shift
        self.expand_at(new if t == 1.0 else old + t * (new - old))
        self.predicted = t == 1.0 and not self.positive

    def ranks(self) -> np.ndarray:
        """Return by what the priority of each member is multiplied."""
        ranks: np.ndarray = self.importance[self.used("members") // self.size["classes"]]
        return ranks

    def _choose(self, gap: Gap) -> bool:
        """Choose the members; return whether some have no weight yet."""
        p, classes = self.size["features"], self.size["classes"]
        near = self.top[:p] > (1.0 - NEAR) * self.penalty
        columns = np.flatnonzero((near & (self.alive[:p] > 0)) | (self.carrying[:p] > 0))
        found = choose_members(
            self.score[columns], self.w[columns], self.penalty, gap.relative, MOST,
            positive=bool(self.positive), importance=self.importance[columns],
        )  # fmt: skip
        self.take(columns[found // classes] * classes + found % classes)
        return bool(np.any(self.used("v") == 0.0))
