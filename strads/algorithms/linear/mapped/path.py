"""Paths of penalties on a matrix in a file: each fit goes on from the one before.

The first pass over the file serves all penalties. For each of them, the columns of the last support
and those nearest to their new constraints are copied to memory, and another pass certifies the
weights: one pass for a penalty, or more where a column that matters was not among the copies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from strads.algorithms.linear.certified.certified_path import OWN, PathPoint
from strads.algorithms.linear.mapped.fit import MappedFit, squared_errors
from strads.algorithms.linear.penalty import Penalty
from strads.datasets import MappedMatrix

#: What a path takes from an estimator.
OPTIONS = (
    "n_workers", "max_memory", "tol", "max_iter", "fit_intercept", "positive", "random_state",
    "callbacks",
)  # fmt: skip


class MappedPath:
    """The models of a sequence of penalties; see :class:`CertifiedPath` for its attributes.

    Parameters
    ----------
    model : estimator, or another object
        Has the attributes of `OPTIONS`.
    X : MappedMatrix
    y : ndarray of shape (n_samples,)
    weights : ndarray or None
        Weights of the samples.
    start : ndarray, optional
        Weights to start from.
    enough : callable, optional
        Called with every :class:`PathPoint`; the path ends once it returns a true value.

    Attributes
    ----------
    largest : float
        The least α of a Lasso that leaves no weight.
    """

    def __init__(
        self, model: Any, X: MappedMatrix, y: np.ndarray, weights: np.ndarray | None, *,
        start: np.ndarray | None = None, enough: Callable[[PathPoint], bool] | None = None,
    ) -> None:  # fmt: skip
        self.model = SimpleNamespace(**{name: getattr(model, name) for name in OPTIONS})
        self.tol, self.enough = float(model.tol), enough
        self.points: list[PathPoint] = []
        self.stopped = False
        self._y, self._weights = y, weights
        penalty = Penalty.mixed(1.0, 1.0)
        self._fit = MappedFit(
            self.model, X, weights, None, penalty, self._judging(penalty), start
        )  # fmt: skip
        self._columns, self._sizes = self._fit.first()
        self.largest = float(self._sizes.max(initial=0.0)) / math.fsum(self._fit.weight)

    def _judging(self, penalty: Penalty) -> Any:
        model = self.model
        return squared_errors(
            self._y, self._weights, penalty, centred=bool(model.fit_intercept),
            positive=bool(model.positive), factors=None,
        )  # fmt: skip

    def solve(self, penalties: Sequence[Penalty]) -> list[PathPoint]:
        """Return the models, the largest penalty first; fewer if `enough` ended the path."""
        fit, columns, slopes, before = self._fit, self._columns, None, 1.0
        for penalty in penalties:
            fit.penalty, fit.judging = penalty, self._judging(penalty)
            fit.epochs, fit.history = 0, []
            if slopes is None:
                slopes = fit.slopes_of(self._sizes)
            else:
                slopes = slopes * (before / penalty.alpha) if penalty.alpha > 0.0 else 0.0 * slopes
            found = fit.solved_from(columns, slopes, None)
            self.stopped = found.status not in OWN
            if self.stopped:
                break
            assert fit.last is not None
            (columns, slopes), before = fit.last, penalty.alpha
            ids = np.flatnonzero(found.coef)
            point = PathPoint(
                ids, found.coef[ids].copy(), float(found.intercept), found.certificate.gap,
                found.epochs,
            )  # fmt: skip
            self.points.append(point)
            if self.enough is not None and self.enough(point):
                break
        return self.points
