"""Models of several tasks, classes or groups, for a sequence of penalties.

Each penalty is a run that starts from the weights of the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from strads.algorithms.linear.certified.certified_path import PathPoint
from strads.algorithms.linear.fitted import Fitted
from strads.algorithms.linear.penalty import Penalty
from strads.engine import Schedule

#: Verdicts of a run that nobody has stopped.
OWN = ("certified", "precision", "max_iter")


class RunsPenalties(Protocol):
    """Data that runs for one penalty after another are made on."""

    def run(
        self, model: Any, penalty: Penalty, schedule: Schedule | None, start: np.ndarray | None
    ) -> Fitted:
        """Return the model of a penalty, from weights of shape (K, p) to start from."""
        ...


class TaskPath:
    """The models of a sequence of penalties, each started from the one before.

    Parameters
    ----------
    fit : RunsPenalties
        The data, and the program.
    penalties : sequence of Penalty
        One for each model, the largest first.
    model : estimator or Solving
        See :func:`~strads.algorithms.linear.fitting.fit_loss`.
    start : ndarray of shape (K, p), optional
        Weights to start from.
    enough : callable, optional
        Called with every :class:`PathPoint`; the path ends once it returns a true value.

    Attributes
    ----------
    points : list of PathPoint
        In the order of the penalties; fewer if `enough` or an instrument ended the path. Their
        `values` have a column for each task.
    stopped : bool
        Whether an instrument did.
    """

    def __init__(
        self, fit: RunsPenalties, penalties: Sequence[Penalty], model: Any, *,
        start: np.ndarray | None = None, enough: Callable[[PathPoint], bool] | None = None,
    ) -> None:  # fmt: skip
        self.fit, self.penalties, self.model = fit, penalties, model
        self.tol = float(model.tol)
        self.enough = enough
        self.points: list[PathPoint] = []
        self.stopped = False
        self._start = start

    def solve(self) -> list[PathPoint]:
        """Return the models."""
        for penalty in self.penalties:
            with np.errstate(over="ignore", invalid="ignore"):  # an overflow is an infinite gap
                fitted = self.fit.run(self.model, penalty, None, self._start)
            if fitted.verdict not in OWN:
                self.stopped = True
                break
            self._start = fitted.coef
            self.points.append(_point(fitted))
            if self.enough is not None and self.enough(self.points[-1]):
                break
        return self.points


def _point(fitted: Fitted) -> PathPoint:
    ids = np.flatnonzero(fitted.coef.any(axis=0))
    return PathPoint(
        ids, fitted.coef[:, ids].T, fitted.intercept, fitted.certificate.gap, fitted.epochs
    )
