"""Semismooth Newton on the augmented Lagrangian of the Lasso's dual, for dense columns.

    min_w ½‖y − Xw‖² + Σ_j penalty_j |w_j| + ½ ridge·‖w‖²

The proximal point method adds (w − w_k)ᵀD(w − w_k) / 2σ to this, with a fixed diagonal D and a
weight σ that grows. Each of these problems is solved through its dual, an unconstrained one in
ξ ∈ ℝⁿ with

    ψ(ξ) = ½‖ξ‖² + yᵀξ + ‖E^½ s(ξ)‖² / 2σ,    E = D + σ·ridge·I,
    s(ξ) = E⁻¹ D soft(w_k − σD⁻¹Xᵀξ, σ·penalty·D⁻¹)

whose gradient is y + ξ − X s(ξ). Its generalised Hessian I + σ X_J E_J⁻¹ X_Jᵀ has only the columns
J where s is not zero, so a step solves a system of the size of J, or of n if that is less. The
method converges like Newton's however strongly the columns are correlated, where coordinate descent
needs thousands of epochs.

Source: Li, Sun and Toh, A highly efficient semismooth Newton augmented Lagrangian method for
solving Lasso problems, SIAM J. Optim. 28 (2018); here with the metric D = diag(XᵀX) + ridge·I, so
that it does not matter how columns are scaled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.linalg

from strads.algorithms.linear.solver.newton.products import Products
from strads.engine import blas_threads

#: σ at first, and the factors by which it changes: after few steps, after many, and if the steps
#: did not suffice.
SIGMA: Final = 180.0
FASTER, SLOWER, BACK = 3.0, 1.3, 0.7
#: Numbers of Newton steps for a σ that count as few, and the largest number.
FEW, MOST = 8, 30
#: Largest number of proximal points.
POINTS: Final = 60
#: The gradient may have this share of the residual's length, less at later points, and by a second
#: factor less after a point that was no better than the one before.
ACCURACY: Final = 1e-3
TIGHTER: Final = 1e-3
#: At a smaller share rounding decides.
LEAST_ACCURACY: Final = 1e-14
#: Systems of this size are solved by several threads: a tenth of a second becomes a half of it. The
#: threads spin for a while afterwards, on cores that the next launch needs.
LARGE: Final = 1024
#: Objectives that differ by this share are equal but for rounding.
ROUNDING: Final = 1e-14
#: Armijo's condition: the share of the decrease that the slope promises.
ARMIJO: Final = 1e-4


@dataclass
class Point:
    """Weights, their residual y − Xw and their scores Xᵀr − ridge·w."""

    w: np.ndarray
    r: np.ndarray
    z: np.ndarray


class Newton:
    """The method for fixed columns and targets.

    Parameters
    ----------
    X : ndarray of shape (n, m)
        Columns, centred if there is an intercept.
    y : ndarray of shape (n,)
        Targets.
    norm2 : ndarray of shape (m,)
        D: squared norms of the columns plus `ridge`; columns with 0 here keep the weight 0.
    penalty : ndarray of shape (m,)
    ridge : float
    positive : bool
        Whether weights are constrained to w ≥ 0.
    products : Products, optional
        Inner products of the columns that are known from before.
    threads : int
        Number of threads for large systems.

    Attributes
    ----------
    systems : int
        Number of linear systems that have been solved.
    """

    def __init__(
        self, X: np.ndarray, y: np.ndarray, norm2: np.ndarray, penalty: np.ndarray, *,
        ridge: float = 0.0, positive: bool, products: Products | None = None, threads: int = 1,
    ) -> None:  # fmt: skip
        self.threads = threads
        self.X, self.y, self.positive = X, y, positive
        self.penalty, self.ridge = penalty, ridge
        self.products = Products() if products is None else products
        usable = norm2 > 0.0
        self.inverse = np.divide(1.0, norm2, out=np.zeros_like(norm2), where=usable)
        self.diagonal = norm2
        self.systems = 0

    def minimise(
        self, start: Point, gap: float, gap_of: Callable[[Point], float], target: float, most: int
    ) -> Point:
        """Go from proximal point to proximal point until the gap is at most `target`.

        Parameters
        ----------
        start : Point
        gap : float
            Relative gap of `start`.
        gap_of : callable
            Returns the gap of a point.
        target : float
        most : int
            Largest number of systems to solve.

        Returns
        -------
        Point
            The last point that is lower than the one before, or, as far as rounding can tell, as
            low with a smaller gap; `start` if there is none.

        Raises
        ------
        scipy.linalg.LinAlgError
            If rounding makes a system singular.
        """
        best, height, sigma, xi = start, self.objective(start), SIGMA, -start.r
        accuracy = ACCURACY
        for k in range(POINTS):
            share = accuracy / (1 + k) ** 1.5 * min(1.0, float(np.sqrt(gap)))
            if self.systems >= most or share < LEAST_ACCURACY:
                break
            enough = share * float(np.linalg.norm(best.r))
            w, r, xi, steps = self._proximal(best.w, xi, sigma, enough, most)
            found = Point(w, r, self.X.T @ r - self.ridge * w)
            reached, nearer = self.objective(found), gap_of(found)
            level = reached <= height * (1.0 + ROUNDING) and nearer < gap
            if not (reached < height or level):
                accuracy *= TIGHTER
                continue
            best, height, gap = found, reached, nearer
            if gap <= target:
                break
            sigma *= FASTER if steps <= FEW else SLOWER if steps < MOST else BACK
        return best

    def objective(self, point: Point) -> float:
        """Return the objective of a point."""
        smooth = 0.5 * float(point.r @ point.r) + 0.5 * self.ridge * float(point.w @ point.w)
        return smooth + float(self.penalty @ np.abs(point.w))

    def _proximal(
        self, w: np.ndarray, xi: np.ndarray, sigma: float, enough: float, most: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Return the proximal point of w, its residual, its dual ξ and the number of steps."""
        c, step = self.X.T @ xi, 0
        while True:
            s = self._soft(w - sigma * self.inverse * c, sigma)
            r = self.y - self._image(s)
            gradient = r + xi
            solved = np.linalg.norm(gradient) <= enough
            if solved or step == MOST or self.systems >= most:
                return s, r, xi, step
            direction = -self._newton_step(s, gradient, sigma)
            moved, slope = self.X.T @ direction, float(np.vdot(gradient, direction))
            share = self._share(w, s, xi, c, direction, moved, sigma, slope)
            xi, c, step = xi + share * direction, c + share * moved, step + 1

    def _soft(self, u: np.ndarray, sigma: float) -> np.ndarray:
        limit = sigma * self.penalty * self.inverse
        kept = np.maximum(u if self.positive else np.abs(u), limit) - limit
        kept /= 1.0 + sigma * self.ridge * self.inverse
        return kept if self.positive else np.copysign(kept, u)

    def _image(self, w: np.ndarray) -> np.ndarray:
        """Return Xw, from the columns whose weight is not zero."""
        used = np.flatnonzero(w)
        return self.X[:, used] @ w[used] if 2 * len(used) < len(w) else self.X @ w

    def _newton_step(self, s: np.ndarray, gradient: np.ndarray, sigma: float) -> np.ndarray:
        """Return the inverse of the generalised Hessian, where s is s(ξ), times the gradient."""
        return self._solved(np.flatnonzero(s), gradient, sigma)

    def _pushed(self, s: np.ndarray, sigma: float) -> float:
        """Return the last term of ψ."""
        return 0.5 * float((self.diagonal / sigma + self.ridge) @ (s * s))

    def _solved(self, used: np.ndarray, gradient: np.ndarray, sigma: float) -> np.ndarray:
        """Return (I + σ X_J E_J⁻¹ X_Jᵀ)⁻¹ gradient, by the smaller of two systems."""
        if len(used) == 0:
            return gradient
        self.systems += 1
        X, curvature = self.X[:, used], self.diagonal[used] / sigma + self.ridge  # E_J / σ
        if len(used) <= len(gradient):  # Sherman, Morrison and Woodbury
            system = self.products.among(self.X, used)
            system.flat[:: len(used) + 1] += curvature
            return gradient - X @ self._solution(system, X.T @ gradient)
        X = X / np.sqrt(curvature)
        system = X @ X.T
        system.flat[:: len(gradient) + 1] += 1.0
        return self._solution(system, gradient)

    def _solution(self, system: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Solve a symmetric, positive definite system, which is overwritten."""
        with blas_threads(self.threads if len(system) >= LARGE else 1):
            # Its transpose has the order that LAPACK wants, so that nothing is copied.
            factor = scipy.linalg.cho_factor(
                system.T, lower=True, overwrite_a=True, check_finite=False
            )
            solution: np.ndarray = scipy.linalg.cho_solve(factor, right, check_finite=False)
        return solution

    def _share(
        self, w: np.ndarray, s: np.ndarray, xi: np.ndarray, c: np.ndarray, direction: np.ndarray,
        moved: np.ndarray, sigma: float, slope: float,
    ) -> float:  # fmt: skip
        """Return the share of the direction along which ψ falls enough; s is s(ξ)."""
        linear = float(np.vdot(xi + self.y, direction))
        square = float(np.vdot(direction, direction))

        def change(share: float) -> float:
            there = self._soft(w - sigma * self.inverse * (c + share * moved), sigma)
            return share * linear + 0.5 * share * share * square + self._pushed(there, sigma)

        share, here = 1.0, self._pushed(s, sigma)
        while change(share) > here + ARMIJO * share * slope and share > 1e-6:
            share *= 0.5
        return share
