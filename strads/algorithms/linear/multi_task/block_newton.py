"""Semismooth Newton for weights that are penalised in blocks, for dense columns.

    min_W ½‖Y − XW‖² + Σ_g limit_g ‖W_g‖ + ½ ridge·‖W‖²

The method is that of :mod:`strads.algorithms.linear.solver.newton.semismooth`, with the block soft
thresholding of W_g for that of a weight, and one number of the metric D for all of a block. Where
S_g is not zero, with the unit vector û = S_g / ‖S_g‖ and q = D_g / σ + ridge, the derivative of S_g
in its scores is

    C_g = (1 − ρ)/q · I + ρ/q · û ûᵀ,    ρ = limit_g / (limit_g + q ‖S_g‖)

so the generalised Hessian is I + X C Xᵀ over the columns of these blocks. With one task its system
is solved by a Cholesky factor. With several, ûᵀ ties the tasks together: conjugate gradients solve
the system, preconditioned by that of a task alone in which û ûᵀ is replaced by its mean diagonal.

Source: Zhang, Zhang, Sun, Toh, An efficient Hessian based algorithm for solving large-scale sparse
group Lasso problems, Math. Program. 179 (2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import scipy.linalg

from strads.algorithms.linear.solver.newton.semismooth import LARGE, Newton, Point
from strads.engine import blas_threads

#: Conjugate gradients end at this share of the gradient's norm, or after so many steps.
ENOUGH: Final = 3e-2
MOST: Final = 100


class Blocks:
    """Blocks of consecutive columns.

    Parameters
    ----------
    first : ndarray of int
        Where each block begins.
    limit : ndarray
        Weight of its norm in the objective.
    columns : int
        Number of columns of all.

    Attributes
    ----------
    sizes : ndarray of int
        Numbers of columns.
    of : ndarray of int
        Number of the block of each column.
    """

    def __init__(self, first: np.ndarray, limit: np.ndarray, columns: int) -> None:
        self.first, self.limit = first, limit
        self.sizes = np.diff(first, append=columns)
        self.of = np.repeat(np.arange(len(first)), self.sizes)
        self._single = len(first) == columns

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of each block's rows."""
        if self._single:
            return values
        sums: np.ndarray = np.add.reduceat(values, self.first, axis=0)
        return sums

    def norms(self, w: np.ndarray) -> np.ndarray:
        """Return the norm of each block of rows of w."""
        norms: np.ndarray = np.sqrt(self.sums(np.einsum("jk,jk->j", w, w)))
        return norms

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return each row's number from those of the blocks, as a column."""
        column: np.ndarray = values[self.of][:, None]
        return column


class BlockNewton(Newton):
    """The method for fixed columns and targets.

    Parameters
    ----------
    X : ndarray of shape (n, m)
    y : ndarray of shape (n, K)
    norm2 : ndarray of shape (m, 1)
        D: equal for the columns of a block, and at least the largest eigenvalue of their products;
        blocks with 0 here keep the weights 0.
    blocks : Blocks
    **given
        See :class:`~strads.algorithms.linear.solver.newton.semismooth.Newton`. With `positive`
        the weights are constrained to W ≥ 0.
    """

    def __init__(
        self, X: np.ndarray, y: np.ndarray, norm2: np.ndarray, blocks: Blocks, **given: Any,
    ) -> None:  # fmt: skip
        super().__init__(X, y, norm2, blocks.spread(blocks.limit), **given)
        self.blocks = blocks

    def objective(self, point: Point) -> float:
        """Return the objective of a point."""
        smooth = np.vdot(point.r, point.r) + self.ridge * np.vdot(point.w, point.w)
        return 0.5 * float(smooth) + float(self.blocks.limit @ self.blocks.norms(point.w))

    def _soft(self, u: np.ndarray, sigma: float) -> np.ndarray:
        u = np.maximum(u, 0.0) if self.positive else u
        norms = self.blocks.spread(self.blocks.norms(u))
        kept = np.maximum(norms - sigma * self.penalty * self.inverse, 0.0)
        share = np.divide(kept, norms, out=np.zeros_like(norms), where=norms > 0.0)
        share[self.diagonal == 0.0] = 0.0
        return share * u / (1.0 + sigma * self.ridge * self.inverse)

    def _image(self, w: np.ndarray) -> np.ndarray:
        used = np.flatnonzero(w.any(axis=1))
        return self.X[:, used] @ w[used] if 2 * len(used) < len(w) else self.X @ w

    def _pushed(self, s: np.ndarray, sigma: float) -> float:
        return 0.5 * float((self.diagonal[:, 0] / sigma + self.ridge) @ (s * s).sum(axis=1))

    def _newton_step(self, s: np.ndarray, gradient: np.ndarray, sigma: float) -> np.ndarray:
        used = np.flatnonzero(s.any(axis=1))
        if len(used) == 0:
            return gradient
        self.systems += 1
        curve = Curvature.at(self, s, used, sigma)
        X = self.X[:, used]
        with blas_threads(self.threads if min(X.shape) >= LARGE else 1):
            solve = self._preconditioner(X, used, curve)
            if gradient.shape[1] == 1:
                return solve(gradient)
            return conjugate(lambda d: d + X @ curve.times(X.T @ d), gradient, solve)

    def _preconditioner(
        self, X: np.ndarray, used: np.ndarray, curve: Curvature
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return what solves I + X S² Xᵀ, with the root S of C, by the smaller of two systems."""
        n, m = X.shape
        small = m <= n
        if small:  # Sherman, Morrison and Woodbury
            system = curve.root(curve.root(self.products.among(self.X, used)).T)
        else:
            rooted = curve.root(X.T)
            system = rooted.T @ rooted
        system.flat[:: len(system) + 1] += 1.0
        factor = scipy.linalg.cho_factor(system.T, lower=True, overwrite_a=True, check_finite=False)

        def solve(right: np.ndarray) -> np.ndarray:
            if not small:
                found: np.ndarray = scipy.linalg.cho_solve(factor, right, check_finite=False)
                return found
            inner = scipy.linalg.cho_solve(factor, curve.root(X.T @ right), check_finite=False)
            rest: np.ndarray = right - X @ curve.root(inner)
            return rest

        return solve


@dataclass(frozen=True)
class Curvature:
    """C on the rows where S is not zero.

    Attributes
    ----------
    blocks : Blocks
        The blocks of these rows; `limit` is not used.
    unit : ndarray of shape (m, K)
        û.
    plain, more : ndarray of shape (m, 1)
        (1 − ρ)/q and ρ/q.
    free : ndarray of bool, shape (m, K), or None
        Which weights may move, if others are held at zero by W ≥ 0.
    """

    blocks: Blocks
    unit: np.ndarray
    plain: np.ndarray
    more: np.ndarray
    free: np.ndarray | None

    @classmethod
    def at(cls, method: BlockNewton, s: np.ndarray, used: np.ndarray, sigma: float) -> Curvature:
        """Return C at S."""
        number = np.searchsorted(method.blocks.first, used, side="right") - 1
        first = np.flatnonzero(np.diff(number, prepend=-1))
        s = s[used]
        blocks = Blocks(first, method.blocks.limit[number[first]], len(s))
        norms = blocks.spread(blocks.norms(s))
        q = method.diagonal[used] / sigma + method.ridge
        bound = method.penalty[used] / (method.penalty[used] + q * norms)
        free = (s > 0.0) if method.positive else None
        return cls(blocks, s / norms, (1.0 - bound) / q, bound / q, free)

    def times(self, d: np.ndarray) -> np.ndarray:
        """Return C times something of a column for each task."""
        along = self.blocks.sums(np.einsum("jk,jk->j", self.unit, d))
        plain = self.plain * d if self.free is None else self.plain * d * self.free
        plain += self.more * self.blocks.spread(along) * self.unit
        return plain

    def root(self, d: np.ndarray) -> np.ndarray:
        """Return the root of C, or of its diagonal means, times the columns of d."""
        if self.unit.shape[1] > 1:
            return self._mean_root * d
        root, of = np.sqrt(self.plain), self.blocks.of
        added = (np.sqrt(self.plain + self.more) - root) * self.unit
        found: np.ndarray = root * d + added * self.blocks.sums(self.unit * d)[of]
        return found

    @cached_property
    def _mean_root(self) -> np.ndarray:
        share = self.blocks.spread(1.0 / (self.unit.shape[1] * self.blocks.sizes))
        return np.sqrt(self.plain + share * self.more)


def conjugate(
    times: Callable[[np.ndarray], np.ndarray], right: np.ndarray,
    solve: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Solve a symmetric, positive definite system by preconditioned conjugate gradients.

    Parameters
    ----------
    times : callable
        Multiplies the matrix with an array.
    right : ndarray
    solve : callable
        Solves the system of the preconditioner.
    """
    found, rest = np.zeros_like(right), right.copy()
    enough = ENOUGH * float(np.linalg.norm(right))
    step = near = solve(rest)
    square = float(np.vdot(rest, near))
    for _ in range(MOST):
        image = times(step)
        share = square / float(np.vdot(step, image))
        found += share * step
        rest -= share * image
        if float(np.linalg.norm(rest)) <= enough:
            break
        near = solve(rest)
        before, square = square, float(np.vdot(rest, near))
        step = near + (square / before) * step
    return found
