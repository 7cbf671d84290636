"""The Lasso as a program: working sets chosen by full passes, coordinate rounds in Gram form.

    min_w ‖y − Xw‖² / 2n + α‖w‖₁

One cycle: ``score`` (x_jᵀr, in parallel) → gap, stop → ``nearest`` (screening; who joins the
working set W) → ``count``, ``place``, ``gram`` (rows of G = X_WᵀX_W for its new members) →
``descend``, repeated: coordinate rounds dispatched by the schedule → ``residual`` (computed anew,
so that errors do not pile up: G is in single precision, which costs inner accuracy, never the
result's).

Centring is implicit: with u = √sample_weight (ones without weights) column j stands for
x_j − x̄_j u; r ⟂ u, so x_jᵀr needs no correction and r = y − Xw + (x̄ᵀw) u.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, replace
from typing import Any

import numpy as np

from strads.algorithms.descent import pull_descend, push_descend
from strads.algorithms.duality import Gap, lasso_gap
from strads.algorithms.extrapolation import Extrapolation
from strads.algorithms.full_pass import (
    ALIVE,
    NEAREST,
    TOP,
    VIOLATORS,
    push_columns,
    push_nearest,
    push_residual,
    push_score,
)
from strads.algorithms.working_set import DENSE, SPARSE, WorkingSet
from strads.engine.fields import control, data, derived, outbox
from strads.engine.program import Phase
from strads.engine.schedules import Gram, Priority, Schedule

#: First working set; while violators remain it grows by up to `GROWTH` times its size.
FIRST, GROWTH = 128, 1
#: Epochs of coordinate rounds between two looks at the inner gap, at most.
BURST = 8
#: A rise of the objective by this share of ‖y‖² is harm, not rounding.
HARM = 1e-9
#: Harmful bursts, each taken back, after which the scores are computed anew.
PATIENCE = 8
#: The inner problem is solved to this share of the outer gap.
INNER = 0.1
#: A coordinate within this share of the inner gap of its optimality condition is left alone.
LEFT_OUT = 0.3
#: Largest working set.
MOST = 1 << 17

#: Measured on text (imdb), genotypes (mice-snp), expressions (golub) and others: a ρ of 0.1 leaves
#: too little of strongly correlated data to move; short micro-rounds keep few ids concurrent.
DEFAULT = Priority(
    "chosen", rho=0.3, coupling=Gram("G", "curvature"), lease=1024, micro=32, sweeps=4
)


class WorkingSetLasso(WorkingSet):
    """Lasso by working sets; see the module's docstring.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
        Rows scaled by √sample_weight.
    y : ndarray
        Centred if there is an intercept, scaled like X.
    unit : ndarray
        √sample_weight.
    alpha, tol : float
    max_epochs : int
    centred : bool
        Whether there is an intercept.
    positive : bool
    schedule : Schedule, optional
        Of the coordinate rounds, over axis ``"chosen"``.
    w : ndarray, optional
        Where to start.
    """

    y = data("rows")
    unit = data("rows")
    norm = derived("features", private=True)
    score = derived("features", private=True)
    alive = derived("features", dtype=np.int64, private=True)
    nearest = derived("features", dtype=np.int64, private=True)
    distance = derived("features", private=True)
    tally = derived("words", replicated=True)
    r = derived("rows")
    penalty = control(0.0)  # nα
    centred = control(0)
    positive = control(0)
    everything = control(0)  # the next pass looks at screened columns, too
    scale = control(0.0)
    radius = control(0.0)
    wanted = control(0)
    least = control(0.0)  # a smaller change is not worth its update

    z = derived("chosen", private=True)
    delta = outbox("block")

    phases: Mapping[str, Phase] = {
        "columns": Phase(push=push_columns, frozen=("r",)),
        "residual": Phase(push=push_residual, frozen=("mean", "members", "v")),
        "score": Phase(push=push_score, frozen=("r", "norm", "inside")),
        "nearest": Phase(push=push_nearest, frozen=("norm", "inside", "score")),
        "descend": Phase(
            push=push_descend, pull=pull_descend, schedule=DEFAULT, frozen=("G", "curvature"),
            sequential=True,
        ),
    }  # fmt: skip

    def __init__(
        self, *, X: Any, alpha: float, tol: float, max_epochs: int,
        schedule: Schedule | None = None, w: np.ndarray | None = None, **given: Any,
    ) -> None:  # fmt: skip
        if w is not None:
            given["w"] = w
        super().__init__(X=X, penalty=X.shape[0] * alpha, words=4, **given)
        self.alpha, self.tol, self.max_epochs = alpha, tol, max_epochs
        phases = {**type(self).phases, **(SPARSE if self.sparse else DENSE)}
        if schedule is not None:
            phases["descend"] = replace(phases["descend"], schedule=schedule)
        self.phases = phases
        self.epochs_used = 0
        self.restraints = 0  # times that the schedule was told to let less move together
        self.gap: Gap | None = None
        self.objective_at_start = np.nan

    def setup(self, rng: np.random.Generator) -> None:
        """Start from r = y, which is right while w = 0."""
        super().setup(rng)
        self.r[: self.size["rows"]] = self.y
        self.y2 = float(self.y @ self.y)

    def save_state(self) -> dict[str, Any]:
        """What a resumed run needs besides fields and schedule."""
        return {
            "gap": None if self.gap is None else list(astuple(self.gap)),
            "objective_at_start": self.objective_at_start,
            "epochs_used": self.epochs_used,
            "restraints": self.restraints,
            "built": self.built,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.gap = None if state["gap"] is None else Gap(*state["gap"])
        self.objective_at_start = state["objective_at_start"]
        self.epochs_used, self.built = state["epochs_used"], state["built"]
        self.restraints = state["restraints"]

    # -- the leader's part ---------------------------------------------------------------------

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One working set."""
        if self.gap is None:
            yield "columns"
            support = np.flatnonzero((self.w != 0.0) & (self.norm > 0.0))
            if len(support):
                self.join(support)
                yield "residual"
        if self.gap is not None or self.count:
            yield "score"
        gap = self._judge()
        if gap.relative <= self.tol and self._screened():
            self.everything = 1
            yield "score"
            self.everything = 0
            gap = self._judge()
        if gap.relative <= self.tol:
            return self.stop()
        if self.epochs_used >= self.max_epochs:
            return self.stop("epochs")
        yield "nearest"
        self._take_nearest()
        yield from self.build()
        yield from self._solve(gap)
        yield "residual"
        return None

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Gap and objective at the last full pass."""
        assert self.gap is not None
        return {
            "certificate": self.gap.relative,
            "objective": self.gap.primal,
            "nonzeros": float(np.count_nonzero(self.used("v"))),
            "working_set": float(self.count),
            "alive": float(self.tally[:, ALIVE].sum()),
            "epochs": float(self.epochs_used),
            "restraints": float(self.restraints),
        }

    def _screened(self) -> bool:
        usable = int(np.count_nonzero(self.norm[: self.size["features"]]))
        return int(self.tally[:, ALIVE].sum()) < usable

    def _judge(self) -> Gap:
        """Gap at the last scores; sets up the screening and the growth that follow."""
        r = self.r[: self.size["rows"]]
        self.r2 = float(r @ r)
        n, l1 = self.size["rows"], float(np.abs(self.used("v")).sum())
        largest = float(self.tally[:, TOP].max())
        gap = lasso_gap(self.r2, float(r @ self.y), self.y2, l1, largest, self.alpha, n)
        violators = int(self.tally[:, VIOLATORS].sum())
        self.scale = gap.scale
        self.radius = np.sqrt(2.0 * n * max(gap.primal - gap.dual, 0.0))
        room = min(max(FIRST, GROWTH * self.count), MOST - self.count)
        self.wanted = min(max(violators, FIRST // 2), room) if violators else 0
        if self.gap is None:
            self.objective_at_start = gap.primal
        self.gap = gap
        return gap

    def _take_nearest(self) -> None:
        """Merge the workers' candidates: the nearest of all join."""
        bounds = self.partitions["features"].bounds[:-1]
        found = self.tally[:, NEAREST].astype(np.int64)
        parts = [slice(lo, lo + n) for lo, n in zip(bounds, found, strict=True)]
        ids = np.concatenate([self.nearest[part] for part in parts])
        away = np.concatenate([self.distance[part] for part in parts])
        if len(ids) > self.wanted:
            ids = ids[np.argpartition(away, self.wanted - 1)[: self.wanted]]
        if len(ids):
            self.join(np.sort(ids))

    def _solve(self, gap: Gap) -> Iterator[tuple[str, int]]:
        """Coordinate rounds until the inner gap is a share of the outer one."""
        target = max(INNER * gap.relative if self.wanted else 0.0, 0.5 * self.tol)
        v, z = self.used("v"), self.used("z")
        self._enter()
        share, inner, burst, harmed = LEFT_OUT, gap.relative, 1, 0
        past, height = Extrapolation(v, z), self._inner_objective(v, z)
        while inner > target and self.epochs_used < self.max_epochs and harmed <= PATIENCE:
            # The gap that a violation of the optimality conditions causes is first-order in it.
            self.least = share * inner * self.penalty
            before = v.copy(), z.copy()
            yield "descend", burst
            self.epochs_used += burst
            burst = min(2 * burst, BURST)
            if np.array_equal(before[0], v):
                share *= 0.3
            reached = self._inner_objective(v, z)
            if not reached <= height + HARM * self.y2:
                # Too many dependent coordinates moved at once: take that back.
                v[:], z[:], burst = *before, 1
                self.tell("descend", "restrain", 0.3)
                past = Extrapolation(v, z)
                self.restraints, harmed = self.restraints + 1, harmed + 1
            else:
                height = reached
                past.step(self._inner_objective)
            inner = self._inner_gap()
        self.w[self.used("members")] = v

    def _enter(self) -> None:
        """Begin an inner solve: z from the scores, the priorities from z."""
        v, z, members = self.used("v"), self.used("z"), self.used("members")
        z[:] = self.score[members]
        self.v0, self.z0 = v.copy(), z.copy()
        excess = np.sign(z) * np.maximum(np.abs(z) - self.penalty, 0.0)
        slope = np.where(v != 0.0, z - np.sign(v) * self.penalty, excess)
        if self.positive:
            slope = np.where((v == 0.0) & (z < 0.0), 0.0, slope)
        weights = np.abs(slope) / self.norm[members]
        self.tell("descend", "activate", None, weights + 1e-3 * weights.max(initial=1e-30))

    def _inner_r2(self, v: np.ndarray, z: np.ndarray) -> float:
        """‖r‖² at v, from its value at v0 and the scores at both."""
        return self.r2 - float((v - self.v0) @ (self.z0 + z))

    def _inner_objective(self, v: np.ndarray, z: np.ndarray) -> float:
        """The objective times n, from v and z alone; infinite where v is not allowed."""
        if self.positive and v.min(initial=0.0) < 0.0:
            return np.inf
        return 0.5 * self._inner_r2(v, z) + self.penalty * float(np.abs(v).sum())

    def _inner_gap(self) -> float:
        """Gap of the problem restricted to the working set, from v and z alone."""
        v, z = self.used("v"), self.used("z")
        r2 = self._inner_r2(v, z)
        ry = r2 + float(v @ z)
        largest = float(z.max() if self.positive else np.abs(z).max())
        n, l1 = self.size["rows"], float(np.abs(v).sum())
        return lasso_gap(r2, ry, self.y2, l1, largest, self.alpha, n).relative
