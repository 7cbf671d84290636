"""Least squares with an L1 penalty, by coordinate descent."""

from __future__ import annotations

import numpy as np

from strads import Program, control, data, derived, kernel, outbox, variable
from strads.kernels import axpy, column_norms2, dot, soft_threshold
from thirdparty.schedule import Largest


@kernel
def best(A, sq, w, r, penalty, j):
    """The weight of column j that is best while the others stay."""
    return soft_threshold(dot(A, j, r) + sq[j] * w[j], penalty) / sq[j]


class SparseProgram(Program):
    """min ½‖b − Aw‖² + penalty ‖w‖₁; r = b − Aw."""

    A = data("rows", "cols", layout="csc")
    b = data("rows")
    sq = data("cols")
    w = variable("cols")
    r = derived("rows")
    delta = outbox("block")
    penalty = control(1.0)
    schedule = Largest("cols", lease=8)

    def setup(self, rng):
        self.state["sq"][:] = np.maximum(column_norms2(self.A), 1e-30)

    @kernel
    def push(block, A, sq, w, r, penalty, delta, change):
        for i, j in enumerate(block):
            delta[i] = best(A, sq, w, r, penalty, j) - w[j]
            w[j] += delta[i]
            change[i] = abs(delta[i]) * np.sqrt(sq[j])

    @kernel
    def pull(block, delta, rows, A, r):
        for i, j in enumerate(block):
            axpy(-delta[i], A, j, r, rows)

    @kernel
    def rebuild(rows, A, b, w, r):
        r[rows[0] : rows[1]] = b[rows[0] : rows[1]]
        for j in np.flatnonzero(w):
            axpy(-w[j], A, j, r, rows)

    @kernel
    def measure(cols, A, sq, w, r, penalty):
        worst = 0.0
        for j in range(cols[0], cols[1]):
            worst = max(worst, abs(best(A, sq, w, r, penalty, j) - w[j]))
        return worst

    def progress(self, parts):
        return {"certificate": parts.max()}
