"""Newton's method for squared losses, a pass over the file each step.

    P(w) = ½‖w‖² + Σ_i φ_i(x_iᵀw)

φ_i is piecewise quadratic. A pass computes the predictions at w, and from them loss, gradient,
dual variables β_i = −φ_i'(x_iᵀw) and Hessian, which is factorised in memory. As both the
predictions at w and those at the point before are kept, a step that is too long is shortened
without a pass.

Source: Mangasarian. A finite Newton method for classification. Optim. Methods Softw. 17(5), 2002;
Keerthi, DeCoste. A modified finite Newton method for fast solution of large scale linear SVMs.
JMLR 6, 2005.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import scipy.linalg

from strads.algorithms.linear.dual.judge import (
    LINEAR,
    LINEAR_SIZE,
    LOSS,
    LOSS_SLOPE,
    REACH,
    V2,
    W2,
    WORDS,
)
from strads.algorithms.linear.mapped.svm_kernels import add_rows
from strads.engine import compile_kernel

#: Dense rows whose part of a Hessian is computed together, if they have no more bytes than this.
ROWS, ROW_BYTES = 512, 1 << 20
#: Halvings of the interval in which the length of a step is sought.
HALVINGS = 40


def rows_together(weights: int) -> int:
    """Return how many dense rows are added to a Hessian together."""
    return max(1, min(ROWS, ROW_BYTES // (8 * weights)))


class NewtonModel:
    """One model: its point, and what is known there.

    Parameters
    ----------
    target, cost : ndarray of shape (n_samples,)
    epsilon : float
        Half the width of the tube; 0 for classes.
    classes : bool
        Whether targets are 1 and −1.
    w : ndarray of shape (n_weights,)
        Where to begin; the last entry is the weight of the intercept's feature.
    """

    def __init__(
        self, target: np.ndarray, cost: np.ndarray, epsilon: float, classes: bool, w: np.ndarray
    ) -> None:
        self.target, self.cost, self.epsilon, self.classes = target, cost, epsilon, classes
        self.w, self.f, self.beta = w.copy(), np.zeros(len(target)), np.zeros(len(target))
        self.last: tuple[np.ndarray, np.ndarray, float] | None = None
        self.hessian = np.empty((len(w), len(w)), order="F")  # its upper triangle
        self.begin()

    def begin(self) -> None:
        """Begin a pass."""
        q = len(self.w)
        self.figures, self.v = np.zeros(WORDS), np.zeros(q)
        self.hessian[:] = 0.0
        np.fill_diagonal(self.hessian, 1.0)

    def slopes(self, f: np.ndarray, ids: Any = slice(None)) -> np.ndarray:
        """Return β = −φ' at predictions of some samples."""
        target, twice = self.target[ids], 2.0 * self.cost[ids]
        missing = target - f
        if not self.classes:
            shrunk = np.maximum(np.abs(missing) - self.epsilon, 0.0)
            return np.asarray(np.sign(missing) * shrunk * twice)
        return np.asarray(np.where(missing * target > 0.0, missing, 0.0) * twice)

    def add(self, rows: Any, ids: slice, norm2: np.ndarray, scaling: float) -> None:
        """Add a block of rows, dense or sparse, to what the pass computes."""
        f = np.asarray(rows @ self.w[:-1], np.float64) + scaling * self.w[-1]
        beta = self.slopes(f, ids)
        self.f[ids], self.beta[ids] = f, beta
        cost, target = self.cost[ids], self.target[ids]
        used = np.flatnonzero(beta)
        curvature = np.divide(0.5, cost, out=np.zeros(len(cost)), where=cost > 0.0)
        quadratic, size = 0.5 * curvature * beta * beta, np.abs(beta)
        line = beta * target - self.epsilon * size - quadratic
        lengths = np.sqrt(norm2)
        found = self.figures
        found[LOSS] += float((beta * (target - f) - self.epsilon * size - quadratic).sum())
        found[LOSS_SLOPE] += float(size @ lengths)
        found[LINEAR] += float(line.sum())
        found[LINEAR_SIZE] += float((np.abs(target * beta) + self.epsilon * size + quadratic).sum())
        found[REACH] += float(size @ lengths)
        self.v[:-1] += rows.T @ beta
        self.v[-1] += scaling * float(beta.sum())
        if hasattr(rows, "indptr"):
            self._add_sparse(rows, np.where(beta != 0.0, 2.0 * cost, 0.0), scaling)
            return
        step = rows_together(len(self.w))
        for at in range(0, len(used), step):
            some = used[at : at + step]
            self._add_dense(rows[some], 2.0 * cost[some], scaling)

    def _add_dense(self, rows: np.ndarray, weight: np.ndarray, scaling: float) -> None:
        """Add the weighted outer products of some rows to the upper triangle of the Hessian."""
        root = np.sqrt(weight)
        scaled = np.empty((len(rows), len(self.w)))
        np.multiply(rows, root[:, None], out=scaled[:, :-1])
        scaled[:, -1] = scaling * root
        scipy.linalg.blas.dsyrk(1.0, scaled.T, beta=1.0, c=self.hessian, overwrite_c=True)

    def _add_sparse(self, rows: Any, weight: np.ndarray, scaling: float) -> None:
        given = (
            rows.data, rows.indices, rows.indptr.astype(np.int64), weight, scaling, self.hessian
        )  # fmt: skip
        compile_kernel(add_rows, tuple(numba.typeof(each) for each in given)).entry(*given)

    def end(self) -> None:
        """End a pass."""
        self.figures[W2], self.figures[V2] = float(self.w @ self.w), float(self.v @ self.v)

    def step(self) -> None:
        """Go on to the next point, or back towards the last one if the step was too long."""
        here = 0.5 * self.figures[W2] + self.figures[LOSS]
        if self.last is not None and here > self.last[2]:
            w, f, _ = self.last
            self.w = w + self._length(w, f, self.w - w, self.f - f) * (self.w - w)
            self.last = None  # the shortened step is lower than where it began
            return
        self.last = self.w.copy(), self.f.copy(), here
        # In place: the next pass begins with another Hessian.
        factor = scipy.linalg.cho_factor(self.hessian, overwrite_a=True, check_finite=False)
        self.w = self.w - scipy.linalg.cho_solve(factor, self.w - self.v, check_finite=False)

    def _length(self, w: np.ndarray, f: np.ndarray, d: np.ndarray, fd: np.ndarray) -> float:
        """Return the t in (0, 1) that minimises P(w + t·d), by halving."""
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            t = 0.5 * (low + high)
            rising = float(d @ (w + t * d)) - float(self.slopes(f + t * fd) @ fd) > 0.0
            low, high = (low, t) if rising else (t, high)
        return 0.5 * (low + high)
