"""The conventional way: rows over workers, the whole model at each, gradients summed.

Accelerated proximal gradient (FISTA) with restarts, as an ordinary program:

    gradient   each worker: X_pᵀ(X_p v − y_p) of its rows
    step       each worker: the sum of all of these; the same step of its own w and v
"""

# Kernels are typed by numba.
# mypy: allow-untyped-defs, allow-incomplete-defs, no-check-untyped-defs

from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.lasso.judge import judge
from bench.schedules.problem import Design
from bench.schedules.programs import FINER
from strads import Phase, Program, axpy, control, data, derived, dot, kernel
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
    step = control(0.0)
    penalty = control(0.0)  # nα

    phases = {
        "gradient": Phase(push="push_gradient", frozen=("w", "v", "momentum")),
        "step": Phase(push="push_step", frozen=("partial",)),
    }

    def __init__(self, problem: Design, divisor: float, shares: int) -> None:
        n, self.alpha = problem.shape[0], problem.alpha_max / divisor
        super().__init__(Xt=problem.X.T, y=problem.y, step=1.0 / (n * problem.lipschitz),
                         penalty=n * self.alpha, one=1, shares=shares)  # fmt: skip
        self.problem, self.iterations = problem, 0

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """Iterations between two measures."""
        count = max(1, int(FINER * self.iterations))
        self.iterations += count
        for _ in range(count):
            yield "gradient"
            yield "step"

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
    def measure(w):
        return 0.0  # the judge measures

    def progress(self, parts: np.ndarray) -> dict[str, float]:
        """Gap and objective."""
        w = np.ravel(self.state["w"])[: self.size["features"]]
        found = judge(self.problem.X, self.problem.y, w, alpha=self.alpha, fit_intercept=False)
        objective = found.primal * self.problem.objective_at_zero
        return {"certificate": found.gap, "objective": objective}
