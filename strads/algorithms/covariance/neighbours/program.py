"""A Lasso for every variable: variables are ids, and all read one matrix of covariances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from strads.engine import Program, RoundRobin, control, data, kernel, scratch, variable
from strads.kernels.covariance.gram_lasso import gram_lasso

#: Largest number of steps that a fit is cut into, and least number of variables of a step.
STEPS, FEW = 16, 64


class Neighbours(Program):
    """Minimise ½ var(x_j − Σ_k b_jk x_k) + α Σ_k |b_jk| for every variable j.

    A step solves some of the problems, each to its end; no problem depends on another.

    Parameters
    ----------
    **given
        `S`, covariances of shape (p, p); `penalty`, α; `tolerance`, the relative duality gap to
        reach; `most`, the largest number of sweeps of a problem.
    """

    S = data("targets", "others")
    b = variable("targets", "others", private=True)
    gap = variable("targets", private=True)
    count = variable("targets", dtype=np.int64, private=True)  # sweeps; −1: not solved yet
    q = scratch("others")
    ids = scratch("others", dtype=np.int64)
    penalty = control(1.0)
    tolerance = control(1e-6)
    most = control(10_000)
    schedule = RoundRobin("targets")
    _part = np.zeros(0, np.int64)  # the problems of the present step

    def setup(self, rng: np.random.Generator) -> None:
        """Note that nothing is solved yet."""
        self.count[:] = -1

    def recover(self) -> Sequence[str]:
        """Solve the problems of the step again: weights may be missing of those that were done."""
        self.count[self._part] = -1
        return ()

    def cycle(self) -> Iterator[str]:
        """Solve the next part of the problems, with as many from every worker."""
        p = self.size["targets"]
        parts = int(np.clip(p // FEW, 1, STEPS))
        waiting = np.flatnonzero(self.count < 0)
        self._part = waiting[waiting % parts == waiting.min() % parts]
        self.tell("main", "activate", self._part)
        yield "main"

    def progress(self) -> dict[str, float]:
        """Return the largest gap of the problems that are solved, and how many are not."""
        done = self.count >= 0
        return {
            "gap": float(self.gap[done].max(initial=0.0)),
            "open": float(np.count_nonzero(~done)),
            "edges": float(np.count_nonzero(self.b)),
        }

    def epoch(self, history: object) -> None:
        """Stop when all are solved."""
        if np.all(self.count >= 0):
            self.stop("converged")

    @kernel
    def push(block, S, b, gap, count, penalty, tolerance, most, q, ids):
        for j in block:
            gap[j], count[j] = gram_lasso(S, j, penalty, tolerance, most, b[j], q, ids)
