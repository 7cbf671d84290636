"""The Lasso as a plain coordinate program: no screening, no working set, no extrapolation.

This is the algorithm of STRADS: the schedule decides which coordinates move, and the residual is
sliced by rows. It serves to compare schedules with each other. It takes the data as they are: if
squares or implicit centring in floating point lose too many digits of a column
(:mod:`strads.algorithms.linear.solver.full_pass` says when) or of y, the run stops at once, with an
infinite gap.

    min_w ‖y − Xw‖² / 2n + α‖w‖₁
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from strads.algorithms.linear.solver.duality import lasso_gap
from strads.algorithms.linear.solver.full_pass import LARGEST, SMALLEST, SPREAD_DOUBLE
from strads.engine import (
    Correlation,
    Phase,
    Priority,
    Program,
    Schedule,
    control,
    data,
    derived,
    kernel,
    outbox,
    variable,
)
from strads.kernels.linear.matrices import axpy, column_norm2, column_sum, column_uniform, dot
from strads.kernels.linear.prox import soft_threshold

#: With a dependency filter as strict as this, two ids a worker in a micro-round are best
#: (docs/evidence.md).
DEFAULT = Priority("features", coupling=Correlation("X"), rho=0.1, lease=256, micro=128, by="draws")


class CoordinateLasso(Program):
    """Coordinate descent under any schedule over ``"features"``.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    y : ndarray
        Centred if there is an intercept.
    alpha : float
    centred : bool
        Whether the program centres the columns of X (implicitly: X is not changed).
    schedule : Schedule, optional
        Schedule of the coordinate rounds, over axis ``"features"``; None: `DEFAULT`.
    """

    X = data("rows", "features", layout="csc")
    y = data("rows")
    unit = data("rows")  # ones: every row counts
    mean = derived("features")
    norm2 = derived("features", private=True)
    w = variable("features")
    r = derived("rows")  # y − Xw; the centred residual adds ``shift`` to every entry
    shift = derived("one", replicated=True)  # x̄ᵀw
    unprepared = derived("one", replicated=True)  # number of columns that lose too many digits
    delta = outbox("block")
    penalty = control(0.0)  # nα
    samples = control(1.0)
    centred = control(0)

    def __init__(
        self, *, alpha: float, centred: bool = False, schedule: Schedule | None = None, **given: Any
    ) -> None:
        n = given["X"].shape[0]
        super().__init__(
            penalty=n * alpha, samples=float(n), centred=int(centred), one=1, unit=np.ones(n),
            **given,
        )  # fmt: skip
        self.alpha = alpha
        self.phases = {
            "columns": Phase(push="push_columns"),
            "residual": Phase(push="push_residual", frozen=("mean", "w")),
            "main": Phase(
                push="push", pull="pull", schedule=schedule or DEFAULT, frozen=("mean", "norm2")
            ),
        }
        self.begun = False

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """Yield the coordinate rounds; before the first, the column statistics and the residual."""
        if not self.begun:
            self.begun = True
            yield "columns"
            y2 = float(self.y @ self.y)
            if self.unprepared.any() or (np.any(self.y) and not SMALLEST <= y2 <= LARGEST):
                return self.stop("unprepared")
            yield "residual"
        yield "main"
        return None

    def recover(self) -> Sequence[str]:
        """Begin from the weights as they are."""
        self.begun = False
        return ()

    @kernel
    def push_columns(features, X, unit, samples, centred, mean, norm2, unprepared):
        unprepared[0] = 0.0
        for j in range(features[0], features[1]):
            mean[j] = column_sum(X, j) / samples if centred else 0.0
            whole = column_norm2(X, j)
            norm2[j] = max(whole - samples * mean[j] * mean[j], 0.0)
            if not (SMALLEST <= whole <= LARGEST and norm2[j] * SPREAD_DOUBLE >= whole):
                norm2[j] = 0.0
                uniform = column_uniform(X, j, unit)
                unprepared[0] += not (uniform and (centred or column_sum(X, j) == 0.0))

    @kernel
    def push_residual(rows, X, y, mean, w, r, shift):
        shift[0] = 0.0
        r[rows[0] : rows[1]] = y[rows[0] : rows[1]]
        for j in range(len(w)):
            if w[j] != 0.0:
                shift[0] += mean[j] * w[j]
                axpy(-w[j], X, j, r, rows)

    @kernel
    def push(
        block, X, mean, norm2, w, r, shift, penalty, samples, delta, change, gain, promise
    ):  # fmt: skip
        for i, j in enumerate(block):
            delta[i] = 0.0
            change[i] = gain[i] = 0.0
            if norm2[j] > 0.0:
                g = dot(X, j, r) + shift[0] * samples * mean[j]
                old = w[j]
                new = soft_threshold(norm2[j] * old + g, penalty) / norm2[j]
                d = new - old
                lower = d * (g - 0.5 * norm2[j] * d) - penalty * (abs(new) - abs(old))
                promise[0] += lower / samples
                gain[i] = lower
                w[j] = new
                delta[i] = d
                change[i] = abs(d) * np.sqrt(norm2[j])

    @kernel
    def pull(block, delta, rows, X, mean, r, shift):
        for i, j in enumerate(block):
            if delta[i] != 0.0:
                axpy(-delta[i], X, j, r, rows)
                shift[0] += delta[i] * mean[j]

    @kernel
    def measure(features, rows, X, y, mean, w, r, shift, samples):
        largest = 0.0
        l1 = 0.0
        for j in range(features[0], features[1]):
            largest = max(largest, abs(dot(X, j, r) + shift[0] * samples * mean[j]))
            l1 += abs(w[j])
        r2 = 0.0
        ry = 0.0
        y2 = 0.0
        for i in range(rows[0], rows[1]):
            centred = r[i] + shift[0]
            r2 += centred * centred
            ry += centred * y[i]
            y2 += y[i] * y[i]
        return largest, l1, r2, ry, y2

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Return gap, objective and number of non-zero weights."""
        if self.stopped == "unprepared":
            return {"certificate": np.inf, "objective": np.nan, "nonzeros": 0.0}
        _, l1, r2, ry, y2 = parts.sum(axis=0)
        gap = lasso_gap(r2, ry, y2, l1, parts[:, 0].max(), self.alpha, self.size["rows"])
        nonzeros = float(np.count_nonzero(self.state["w"]))
        return {"certificate": gap.relative, "objective": gap.primal, "nonzeros": nonzeros}
