"""The Lasso as a program: working sets chosen by full passes, coordinate rounds in Gram form.

    min_w ‖y − Xw‖² / 2n + α‖w‖₁

One cycle: ``score`` (x_jᵀr for all j, in parallel) → gap, stop, larger working set W →
``gram`` (rows of G = X_WᵀX_W for its new members) → ``descend``, repeated: coordinate rounds
dispatched by the priority schedule, G being both the update and the dependency table →
``residual`` (rebuilt, so errors do not pile up).

In Gram form z = X_Wᵀr is sliced over W. A worker that moves v_j by δ updates its own slice with
its part of G's row j at once and sends (j, δ); the others apply it in the pull. A coordinate that
does not move costs O(1). G is in single precision: z is computed anew from X after each cycle, so
its rounding costs inner accuracy, never the result's.

Centring is implicit: with u = √sample_weight (ones without weights) column j stands for
x_j − x̄_j u; r ⟂ u, so x_jᵀr needs no correction and r = y − Xw + (x̄ᵀw) u.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.duality import Gap, lasso_gap
from strads.engine.fields import control, data, derived, outbox, scratch, variable
from strads.engine.program import Phase, Program, kernel
from strads.engine.schedules import Gram, Priority, Schedule
from strads.kernels.matrices import axpy, column_dot, column_norm2, column_part, dot

#: First working set; it at least doubles from cycle to cycle while violators remain.
FIRST = 128
#: Epochs of coordinate rounds between two looks at the inner gap.
BURST = 4
#: The inner problem is solved to this share of the outer gap.
INNER = 0.1
MOST_BURSTS = 200
#: Working-set members that memory is reserved for; touched as the set grows. Not a power of two:
#: columns of G would all fall into the same cache sets.
ROOM = 16384 + 80
#: Largest working set.
MOST = 1 << 17


class WorkingSetLasso(Program):
    """Lasso by working sets; see the module's docstring.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
        Rows scaled by √sample_weight.
    y : ndarray
        Centred if there is an intercept, scaled like X.
    unit : ndarray
        √sample_weight.
    alpha : float
    centred : bool
        Whether there is an intercept.
    positive : bool
    """

    X = data("rows", "features", layout="csc")
    y = data("rows")
    unit = data("rows")
    w = variable("features")
    mean = derived("features", private=True)
    norm2 = derived("features", private=True)
    score = derived("features", private=True)
    r = derived("rows")
    penalty = control(0.0)  # nα
    samples = control(1.0)
    centred = control(0)
    positive = control(0)

    members = derived("chosen", dtype=np.int64)
    count = control(0)  # members
    fresh = control(0)  # members from here on have no Gram rows yet
    v = variable("chosen", private=True)
    z = derived("chosen", private=True)
    G = derived("chosen", "chosen", dtype=np.float32)
    curvature = derived("chosen")  # diagonal of G
    in_row = derived("rows", dtype=np.int64)  # entries of X_W in each row
    row_start = derived("starts", dtype=np.int64)  # X_W by rows
    column = derived("entries", dtype=np.int32)
    value = derived("entries", dtype=np.float64)
    sums = scratch("chosen")
    delta = outbox("block")

    @kernel
    def push_columns(features, X, unit, y, samples, centred, mean, norm2, score):
        for j in range(features[0], features[1]):
            mean[j] = dot(X, j, unit) / samples if centred else 0.0
            norm2[j] = max(column_norm2(X, j) - samples * mean[j] * mean[j], 0.0)

    @kernel
    def push_score(features, X, r, score):
        for j in range(features[0], features[1]):
            score[j] = dot(X, j, r)

    @kernel
    def push_residual(rows, X, y, unit, mean, w, r):
        shift = 0.0
        for j in range(len(w)):
            if w[j] != 0.0:
                shift += mean[j] * w[j]
        for i in range(rows[0], rows[1]):
            r[i] = y[i] + shift * unit[i]
        for j in range(len(w)):
            if w[j] != 0.0:
                axpy(-w[j], X, j, r, rows)

    @kernel
    def push_count(rows, X, count, members, in_row):
        in_row[rows[0] : rows[1]] = 0
        for a in range(count):
            first, last = column_part(X, members[a], rows)
            for k in range(first, last):
                in_row[X.indices[k]] += 1

    @kernel
    def push_place(rows, X, count, members, in_row, row_start, column, value):
        in_row[rows[0] : rows[1]] = 0
        for a in range(count):
            first, last = column_part(X, members[a], rows)
            for k in range(first, last):
                i = X.indices[k]
                at = row_start[i] + in_row[i]
                column[at] = a
                value[at] = X.data[k]
                in_row[i] += 1

    @kernel
    def push_gram(
        worker, workers, X, mean, samples, count, fresh, members, row_start, column, value, sums,
        G, curvature,
    ):  # fmt: skip
        for a in range(fresh + worker, count, workers):
            j = members[a]
            sums[: a + 1] = 0.0
            for k in range(X.indptr[j], X.indptr[j + 1]):
                i = X.indices[k]
                x = np.float64(X.data[k])
                # Half the matrix: members of a row stand in order.
                for e in range(row_start[i], row_start[i + 1]):
                    b = column[e]
                    if b > a:
                        break
                    sums[b] += x * value[e]
            shift = samples * mean[j]
            for b in range(a + 1):
                G[a, b] = sums[b] - shift * mean[members[b]]
                G[b, a] = G[a, b]
            curvature[a] = G[a, a]

    @kernel
    def push_gram_dense(worker, workers, X, mean, samples, count, fresh, members, G, curvature):
        for a in range(fresh + worker, count, workers):
            j = members[a]
            shift = samples * mean[j]
            for b in range(a + 1):
                k = members[b]
                G[a, b] = column_dot(X, j, k) - shift * mean[k]
                G[b, a] = G[a, b]
            curvature[a] = G[a, a]

    @kernel
    def push_descend(
        block, chosen, G, curvature, v, z, penalty, positive, samples, delta, change, promise
    ):
        lo, hi = chosen
        for i, j in enumerate(block):
            bend = curvature[j]
            old = v[j]
            if bend <= 0.0:
                delta[i] = 0.0
                change[i] = 0.0
                continue
            target = bend * old + z[j]
            new = 0.0
            if target > penalty:
                new = (target - penalty) / bend
            elif target < -penalty and not positive:
                new = (target + penalty) / bend
            d = new - old
            delta[i] = d
            change[i] = abs(d) * np.sqrt(bend)
            if d != 0.0:
                gain = d * (z[j] - 0.5 * bend * d) - penalty * (abs(new) - abs(old))
                promise[0] += gain / samples
                v[j] = new
                for k in range(lo, hi):
                    z[k] -= d * G[j, k]

    @kernel
    def pull_descend(block, delta, source, worker, chosen, G, z):
        if source == worker:
            return
        lo, hi = chosen
        for i, j in enumerate(block):
            d = delta[i]
            if d != 0.0:
                for k in range(lo, hi):
                    z[k] -= d * G[j, k]

    phases: Mapping[str, Phase] = {
        "columns": Phase(push="push_columns"),
        "residual": Phase(push="push_residual", frozen=("mean", "w")),
        "score": Phase(push="push_score", frozen=("r",)),
        "count": Phase(push="push_count", frozen=("members",)),
        "place": Phase(push="push_place", frozen=("members", "row_start")),
        "gram": Phase(push="push_gram", frozen=("mean", "members", "row_start", "column", "value")),
        "descend": Phase(
            push="push_descend",
            pull="pull_descend",
            schedule=Priority(
                "chosen", coupling=Gram("G", "curvature"), lease=512, micro=8, sweeps=2
            ),
            frozen=("G", "curvature"),
            sequential=True,
        ),
    }

    def __init__(
        self, *, alpha: float, tol: float, max_epochs: int, schedule: Schedule | None = None,
        w: np.ndarray | None = None, **given: Any,
    ) -> None:  # fmt: skip
        n, p = given["X"].shape
        if w is not None:
            given["w"] = w
        super().__init__(
            penalty=n * alpha, samples=float(n), chosen=0, starts=n + 1, entries=0, **given
        )
        self.alpha, self.tol, self.max_epochs = alpha, tol, max_epochs
        self.reserve = {"chosen": min(p, ROOM), "entries": 1 << 16}
        phases = dict(type(self).phases)
        self.sparse = sp.issparse(given["X"])
        if not self.sparse:
            del phases["count"], phases["place"]
            phases["gram"] = Phase(push="push_gram_dense", frozen=("mean", "members"))
        if schedule is not None:
            phases["descend"] = replace(phases["descend"], schedule=schedule)
        self.phases = phases
        self.epochs_used = 0
        self.gap: Gap | None = None

    # -- the leader's part ---------------------------------------------------------------------

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """One working set."""
        if self.gap is None:
            yield "columns"
            yield "residual"
        yield "score"
        gap = self._judge()
        if gap.relative <= self.tol:
            return self.stop()
        if self.epochs_used >= self.max_epochs:
            return self.stop("epochs")
        if self._enlarge(gap):
            if self.sparse:
                yield from self._by_rows()
            yield "gram"
        target = max(INNER * gap.relative, 0.5 * self.tol)
        self._enter()
        for _ in range(MOST_BURSTS):
            yield "descend", BURST
            self.epochs_used += BURST
            if self._inner_gap() <= target or self.epochs_used >= self.max_epochs:
                break
        self.state["w"][self._members()] = self.state["v"][: self.count]
        yield "residual"
        return None

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Gap and objective at the last full pass."""
        assert self.gap is not None
        return {
            "certificate": self.gap.relative,
            "objective": self.gap.primal,
            "nonzeros": float(np.count_nonzero(self.state["w"])),
            "working_set": float(self.count),
            "epochs": float(self.epochs_used),
        }

    def _members(self) -> np.ndarray:
        members: np.ndarray = self.state["members"][: self.count]
        return members

    def _judge(self) -> Gap:
        state = self.state
        r, w = state["r"][: self.size["rows"]], state["w"]
        y = state["y"]
        self.r2 = float(r @ r)
        self.y2 = float(y @ y)
        score = state["score"][: self.size["features"]]
        largest = float(score.max() if self.positive else max(score.max(), -score.min()))
        n = self.size["rows"]
        l1 = float(np.abs(w).sum())
        self.gap = lasso_gap(self.r2, float(r @ y), self.y2, l1, largest, self.alpha, n)
        if not hasattr(self, "objective_at_start"):
            self.objective_at_start = self.gap.primal
        return self.gap

    def _enlarge(self, gap: Gap) -> bool:
        """Add the features nearest to the boundary of the dual set; True if any."""
        state, count = self.state, self.count
        score = state["score"][: self.size["features"]]
        size = np.maximum(score, 0.0) if self.positive else np.abs(score)
        outside = np.ones(len(score), dtype=bool)
        outside[self._members()] = False
        violators = int(np.count_nonzero(outside & (size > self.penalty)))
        usable = outside & (state["norm2"][: len(score)] > 0.0)
        if self.gap is not None and count == 0:
            support = np.flatnonzero((state["w"] != 0.0) & usable)
        else:
            support = np.empty(0, np.int64)
        wanted = min(max(violators, FIRST // 2), max(FIRST, count)) + len(support)
        candidates = np.flatnonzero(usable)
        norms = np.sqrt(state["norm2"][candidates])
        distance = (1.0 - abs(gap.scale) / self.penalty * size[candidates]) / norms
        if len(support):
            distance[np.isin(candidates, support)] = -1.0
        wanted = min(wanted, len(candidates), MOST - count)
        if wanted <= 0 or (violators == 0 and not len(support)):
            return False
        nearest = candidates[np.argpartition(distance, wanted - 1)[:wanted]]
        self._add(np.sort(nearest))
        return True

    def _add(self, added: np.ndarray) -> None:
        first = self.count
        total = first + len(added)
        self.grow("chosen", total)
        self.state["members"][first:total] = added
        self.fresh, self.count = first, total

    def _by_rows(self) -> Iterator[str]:
        """Rebuild the working set's columns by rows, from which Gram rows are summed."""
        yield "count"
        n = self.size["rows"]
        start = self.state["row_start"]
        np.cumsum(self.state["in_row"][:n], out=start[1 : n + 1])
        self.grow("entries", max(int(start[n]), 1))
        yield "place"

    def _enter(self) -> None:
        """Begin an inner solve: copy the members' weights and scores, set the priorities."""
        state, members = self.state, self._members()
        v, z = state["v"][: self.count], state["z"][: self.count]
        v[:], z[:] = state["w"][members], state["score"][members]
        self.v0, self.z0 = v.copy(), z.copy()
        norms = np.sqrt(state["norm2"][members])
        pull = np.where(v != 0.0, z - np.sign(v) * self.penalty, _excess(z, self.penalty))
        if self.positive:
            pull = np.where((v == 0.0) & (z < 0.0), 0.0, pull)
        weights = np.abs(pull) / norms
        self.tell("descend", "activate", None, weights + 1e-3 * weights.max(initial=1e-30))

    def _inner_gap(self) -> float:
        """Gap of the problem restricted to the working set, from v and z alone."""
        state = self.state
        v, z = state["v"][: self.count], state["z"][: self.count]
        r2 = self.r2 - float((v - self.v0) @ (self.z0 + z))
        ry = r2 + float(v @ z)
        largest = float(z.max() if self.positive else np.abs(z).max())
        n, l1 = self.size["rows"], float(np.abs(v).sum())
        return lasso_gap(r2, ry, self.y2, l1, largest, self.alpha, n).relative


def _excess(z: np.ndarray, penalty: float) -> np.ndarray:
    return np.sign(z) * np.maximum(np.abs(z) - penalty, 0.0)
