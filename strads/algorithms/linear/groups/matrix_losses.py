"""Losses of matrices of predictions, one row a sample, for groups of weights.

Each gives what proximal Newton needs of it: the loss at predictions with one curvature a sample,
which bounds the Hessian of that sample from above; the best intercepts; and the gap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from strads.algorithms.linear.losses.logistic import LogisticLoss
from strads.algorithms.linear.losses.loss import Local, Loss
from strads.algorithms.linear.multinomial import gap as multinomial
from strads.algorithms.linear.multinomial.intercepts import best_intercepts
from strads.algorithms.linear.multinomial.softmax import SoftmaxLoss
from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.proximal_newton.gap import Reached, balanced
from strads.algorithms.linear.solver.proximal_newton.intercept import best_intercept
from strads.algorithms.linear.solver.rounding import UNIT, Certificate, gamma


@dataclass(frozen=True)
class Point:
    """Where a gap is to be computed.

    Attributes
    ----------
    local : Local
        The loss at the predictions.
    w : ndarray of shape (m, K)
        Rows of W that are not zero.
    intercepts : ndarray of shape (K,)
    norms : float
        Σ_g weight_g ‖W_g‖.
    penalty, ridge : float
        nα and nβ.
    largest : float
        Largest norm of a group's scores, divided by its weight.
    doubtful : callable
        Returns `largest` moved up by errors of the scores that are a share, the argument, of the
        norms of the columns.
    longest : float
        Largest norm of a column, √Σ ω_i x_ij².
    at_zero : float
        Loss of the best model without features.
    """

    local: Local
    w: np.ndarray
    intercepts: np.ndarray
    norms: float
    penalty: float
    ridge: float
    largest: float
    doubtful: Callable[[float], float]
    longest: float
    at_zero: float


class MatrixLoss(Protocol):
    """A loss whose predictions are of shape (n, K), with its targets and the weights of samples."""

    smoothness: float
    y: np.ndarray
    weight: np.ndarray

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return values, θ of shape (n, K), and one curvature a sample."""
        ...

    def without_features(self, *, centred: bool) -> tuple[np.ndarray, float]:
        """Return the predictions that are best for all samples alike, and the sum of losses."""
        ...

    def balanced(self, xw: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, Local]:
        """Return the best intercepts for predictions without them, and the loss there."""
        ...

    def gap(self, point: Point) -> Gap:
        """Return the gap as computed."""
        ...

    def bounded(self, point: Point, *, centred: bool) -> Certificate:
        """Return the relative gap with a bound on rounding errors."""
        ...


class OneColumn:
    """A loss of one prediction a sample, such as the logistic loss of two labels.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets as the loss takes them.
    weight : ndarray of shape (n,)
        ω.
    loss : Loss, optional
        None: ``LogisticLoss()``.
    """

    def __init__(self, y: np.ndarray, weight: np.ndarray, loss: Loss | None = None) -> None:
        self.loss = LogisticLoss() if loss is None else loss
        self.y, self.weight, self.smoothness = y, weight, self.loss.smoothness

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return values, θ and curvatures; see :class:`MatrixLoss`."""
        return _as_matrix(self.loss.at(f[:, 0], y))

    def without_features(self, *, centred: bool) -> tuple[np.ndarray, float]:
        """Return the best constant and its loss."""
        best = self.loss.constant(self.y, self.weight) if centred else 0.0
        value = self.loss.value(np.full(len(self.y), best), self.y)
        return np.array([best]), float(self.weight @ value)

    def balanced(self, xw: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, Local]:
        """Return the best intercept and the loss there."""
        b, local = best_intercept(self.loss, xw[:, 0], self.y, self.weight, float(start[0]))
        return np.array([b]), _as_matrix(local)

    def gap(self, point: Point) -> Gap:
        """Return the gap as computed."""
        n, theta = len(self.y), point.local.theta[:, 0]
        scale = min(1.0, point.penalty / point.largest) if point.largest > 0.0 else 1.0
        squares = point.ridge * float(np.vdot(point.w, point.w))
        primal = float(self.weight @ point.local.value) + point.penalty * point.norms
        primal += 0.5 * squares
        dual = float(self.weight @ self.loss.dual(scale * theta, self.y))
        dual -= 0.5 * scale * scale * squares
        relative = max(primal - dual, 0.0) / point.at_zero if point.at_zero > 0.0 else np.inf
        return Gap(primal / n, dual / n, relative, scale)

    def bounded(self, point: Point, *, centred: bool) -> Certificate:
        """Return the gap with a bound on rounding errors, as for a model without groups."""
        n, theta, weight = len(self.y), point.local.theta[:, 0], self.weight
        even = balanced(theta, weight) if centred else theta
        squares = point.ridge * float(np.vdot(point.w, point.w))
        norm = float(np.sqrt(weight @ theta**2 + squares))
        uneven = float(np.sqrt(weight @ (theta - even) ** 2))
        doubt = point.doubtful(gamma(n + 16) * norm + uneven)
        doubt += 8.0 * UNIT * (point.largest + point.ridge * float(np.abs(point.w).max(initial=0)))
        sizes = point.longest * float(np.abs(point.w).sum())
        sizes += abs(float(point.intercepts[0])) * np.sqrt(float(weight.sum()))
        error = gamma(len(point.w) + 8) * sizes
        return Reached(
            self.loss, self.y, weight, Local(point.local.value, theta, point.local.curvature),
            error=norm * error + 0.5 * self.smoothness * error**2, theta=even,
            largest=point.largest / point.penalty, doubt=doubt / point.penalty,
            cost=point.penalty * point.norms + 0.5 * squares, shrunk2=squares,
            terms=float(n + len(point.w)), at_zero=point.at_zero,
        ).bounded()  # fmt: skip


def _as_matrix(local: Local) -> Local:
    return Local(local.value, local.theta[:, None], local.curvature)


class Softmax:
    """The multinomial loss, with one curvature a sample.

    The largest eigenvalue of diag(p) − ppᵀ is at most the largest p_k, and at most twice the
    largest p_k (1 − p_k).

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Numbers of the labels, each of which has weight.
    weight : ndarray of shape (n,)
        ω.
    """

    def __init__(self, y: np.ndarray, weight: np.ndarray) -> None:
        self.loss = SoftmaxLoss()
        self.y, self.weight, self.smoothness = y, weight, self.loss.smoothness

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return values, θ and curvatures; see :class:`MatrixLoss`."""
        return self._bounded_curvature(self.loss.at(f, y))

    @staticmethod
    def _bounded_curvature(local: Local) -> Local:
        p = local.curvature
        largest = np.minimum(p.max(axis=1), 2.0 * (p * (1.0 - p)).max(axis=1))
        return Local(local.value, local.theta, largest)

    def without_features(self, *, centred: bool) -> tuple[np.ndarray, float]:
        """Return the best constants and their loss."""
        best = self.loss.constant(self.y, self.weight)
        best = best if centred else np.zeros(len(best))
        f = np.broadcast_to(best, (len(self.y), len(best)))
        return best, float(self.weight @ self.loss.value(f, self.y))

    def balanced(self, xw: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, Local]:
        """Return the best intercepts and the loss there."""
        b, local = best_intercepts(self.loss, xw, self.y, self.weight, start)
        return b, self._bounded_curvature(local)

    def gap(self, point: Point) -> Gap:
        """Return the gap as computed."""
        return self._reached(point, centred=False).gap()

    def bounded(self, point: Point, *, centred: bool) -> Certificate:
        """Return the gap with a bound on rounding errors."""
        return self._reached(point, centred=centred).bounded()

    def _reached(self, point: Point, *, centred: bool) -> multinomial.Reached:
        return GroupsReached(
            self.loss, self.y, self.weight, point.local, w=point.w, intercepts=point.intercepts,
            centred=centred, penalty=point.penalty, ridge=point.ridge, largest=point.largest,
            longest=point.longest, at_zero=point.at_zero, norms=point.norms,
            doubtful=point.doubtful,
        )  # fmt: skip


@dataclass(frozen=True)
class GroupsReached(multinomial.Reached):
    """What the gap of a multinomial model with groups is computed from.

    Attributes
    ----------
    norms, doubtful
        See :class:`Point`.
    """

    norms: float
    doubtful: Callable[[float], float]

    @property
    def cost(self) -> float:
        """The penalty."""
        squares = float(np.vdot(self.w, self.w))
        return self.penalty * self.norms + 0.5 * self.ridge * squares

    def doubtful_score(self, computed: float, norms: np.ndarray, balance: float) -> float:
        """Return the largest norm of a group's scores, moved up by its error bound.

        Rows of p − q, of which balancing adds ε, have norms of at most √2.
        """
        squares = self.ridge * float(np.vdot(self.w, self.w))
        together = float(np.sqrt(norms @ norms + squares))
        return self.doubtful(computed * together + np.sqrt(2.0) * balance)
