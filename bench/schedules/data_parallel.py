"""The conventional way: rows over workers, the whole model at each, gradients summed.

Accelerated proximal gradient (FISTA) with restarts, as an ordinary program:

    gradient   each worker: X_pᵀ(X_p v − y_p) of its rows
    step       each worker: the sum of all of these; the same step of its own w and v
"""

# Kernels are typed by numba.
# mypy: allow-untyped-defs, allow-incomplete-defs, no-check-untyped-defs

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.schedules.problem import Design
from bench.schedules.programs import FINER
from strads import Phase, Program, axpy, control, data, derived, dot, kernel
from strads.algorithms.lasso.solver.duality import lasso_gap
from strads.kernels.linear.prox import soft_threshold


class DataParallelLasso(Program):
    """FISTA (Beck and Teboulle 2009), restarted as O'Donoghue and Candès (2015) do by gradients.

    Xt is the transpose of X, in which a worker has its rows side by side; there are as many shares
    as workers.
    """

    Xt = data("features", "rows", layout="csc")
    y = data("rows")
    w = derived("features", replicated=True)
    v = derived("features", replicated=True)  # extrapolated
    momentum = derived("one", replicated=True)
    partial = derived("shares", "features")  # every worker's gradient
    r = derived("rows")  # y − Xw, when it is certified
    step = control(0.0)
    penalty = control(0.0)  # nα

    phases = {
        "gradient": Phase(push="push_gradient", frozen=("w", "v", "momentum")),
        "step": Phase(push="push_step", frozen=("partial",)),
        "certify": Phase(push="push_certify", frozen=("w", "v", "momentum")),
    }

    def __init__(self, *, alpha: float, lipschitz: float, **given: Any) -> None:
        n = given["y"].size
        super().__init__(step=1.0 / (n * lipschitz), penalty=n * alpha, one=1, **given)
        self.alpha = alpha
        self.iterations = 0

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """Iterations, then a pass that certifies and does not count."""
        count = max(1, int(FINER * self.iterations))
        self.iterations += count
        for _ in range(count):
            yield "gradient"
            yield "step"
        yield "certify"

    def counts(self, statistics: dict[str, Any]) -> dict[str, Any]:
        """Every iteration updates all coordinates; it promises nothing of each."""
        updates = self.iterations * self.size["features"]
        return {"updates": updates, "rounds": self.iterations, "promised": 0.0}

    @kernel
    def push_gradient(rows, Xt, y, v, shares, partial):
        g = partial[shares[0]]
        g[:] = 0.0
        for i in range(rows[0], rows[1]):
            axpy(dot(Xt, i, v) - y[i], Xt, i, g)

    @kernel
    def push_step(partial, w, v, momentum, step, penalty):
        features = partial.shape[1]
        uphill = 0.0
        for j in range(features):
            g = 0.0
            for p in range(partial.shape[0]):
                g += partial[p, j]
            new = soft_threshold(v[j] - step * g, step * penalty)
            uphill += (v[j] - new) * (new - w[j])
            v[j] = new - w[j]  # how far it goes; the next loop extrapolates
            w[j] = new
        old = momentum[0] if uphill <= 0.0 else 0.0
        last = max(old, 1.0)
        momentum[0] = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * last * last))
        for j in range(features):
            v[j] = w[j] + (last - 1.0) / momentum[0] * v[j]

    @kernel
    def push_certify(rows, Xt, y, w, shares, partial, r):
        g = partial[shares[0]]
        g[:] = 0.0
        for i in range(rows[0], rows[1]):
            r[i] = y[i] - dot(Xt, i, w)
            axpy(r[i], Xt, i, g)

    @kernel
    def measure(features, rows, partial, w, y, r):
        largest = 0.0
        l1 = 0.0
        for j in range(features[0], features[1]):
            g = 0.0
            for p in range(partial.shape[0]):
                g += partial[p, j]
            largest = max(largest, abs(g))
            l1 += abs(w[j])
        r2 = 0.0
        ry = 0.0
        y2 = 0.0
        for i in range(rows[0], rows[1]):
            r2 += r[i] * r[i]
            ry += r[i] * y[i]
            y2 += y[i] * y[i]
        return largest, l1, r2, ry, y2

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Gap and objective."""
        _, l1, r2, ry, y2 = parts.sum(axis=0)
        gap = lasso_gap(r2, ry, y2, l1, parts[:, 0].max(), self.alpha, self.size["rows"])
        return {"certificate": gap.relative, "objective": gap.primal}


def data_parallel_lasso(problem: Design, divisor: float, workers: int) -> DataParallelLasso:
    """Return the program at α = α_max / divisor."""
    return DataParallelLasso(
        Xt=problem.X.T, y=problem.y, alpha=problem.alpha_max / divisor,
        lipschitz=problem.lipschitz, shares=workers,
    )  # fmt: skip
