"""Errors of paths on held-out folds.

A fold is no copy of X: its test rows get the weight zero, and kernels weight rows when they read
them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.certified.certified_path import CertifiedPath, PathPoint
from strads.algorithms.linear.fits_at_once import FitsAtOnce
from strads.algorithms.linear.mapped.path import MappedPath
from strads.algorithms.linear.messages import warn_of_gaps
from strads.algorithms.linear.multi_task.path import RunsPenalties, TaskPath
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solving import Solving
from strads.datasets import MappedMatrix
from strads.engine import interrupted

Fold = tuple[np.ndarray, np.ndarray]
Errors = Callable[[np.ndarray, np.ndarray], np.ndarray]
#: Solves a path, given the weights of the rows and the judge of its models; returns the solved path
#: (a :class:`CertifiedPath`, or another with its attributes).
Paths = Callable[[np.ndarray, "HeldOut"], Any]


class HeldOut:
    """The mean error of the models of one path on the rows that it was not fitted to.

    Parameters
    ----------
    X : csc matrix or ndarray
    y : ndarray
    weight : ndarray
        Weights of the rows.
    test : ndarray of int
        The rows that are held out.
    error : callable
        Error of predictions Xw + b for targets, one for each row.
    patience : int, optional
        The path ends after so many models in a row that are no better than the best one.

    Attributes
    ----------
    errors : list of float
        Weighted mean error of each model.
    """

    def __init__(
        self, X: Any, y: np.ndarray, weight: np.ndarray, test: np.ndarray, *, error: Errors,
        patience: int | None,
    ) -> None:  # fmt: skip
        self._error = error
        # X[test] would be a copy of a fold; the columns of a model are few.
        self._X, self._test, self._y, self._weight = X, test, y[test], weight[test]
        self._patience = patience
        self.errors: list[float] = []

    def __call__(self, point: PathPoint) -> bool:
        """Judge a model; return whether the path has gone on in vain for long enough."""
        products = self._products(point)
        errors = self._error(products[self._test] + point.intercept, self._y)
        self.errors.append(float(np.average(errors, weights=self._weight)))
        if self._patience is None:
            return False
        return len(self.errors) - 1 - int(np.argmin(self.errors)) >= self._patience

    def _products(self, point: PathPoint) -> np.ndarray:
        if not isinstance(self._X, MappedMatrix):
            return np.asarray(self._X[:, point.ids] @ point.values)
        coef = np.zeros(self._X.shape[1])
        coef[point.ids] = point.values
        found: np.ndarray = self._X @ coef
        return found


def demand_folds(folds: Sequence[Any], rows: int) -> list[Fold]:
    """Check folds, which a user may have made, and return them as arrays of numbers of rows.

    Raises
    ------
    ValueError
        If one is no pair of whole numbers from 0, or no row is left to fit to or to judge on.
    """
    found = []
    for k, fold in enumerate(folds):
        pair = [np.asarray(part) for part in fold]
        parts = [np.flatnonzero(part) if part.dtype == bool else part for part in pair]
        whole = all(part.ndim == 1 and part.size and part.dtype.kind in "iu" for part in parts)
        if len(parts) != 2 or not (
            whole and all(-rows <= part.min() and part.max() < rows for part in parts)
        ):
            told = " ".join(str(fold).split())[:80]
            raise ValueError(
                f"cv: fold {k} is {told}; a pair of arrays is needed, the numbers of the rows to "
                f"fit to, and of those to judge on, from 0 to {rows - 1}"
            )
        found.append((parts[0], parts[1]))
    if not found:
        raise ValueError("cv has no fold; give a number of folds from 2, or pairs of arrays")
    return found


def held_out_errors(
    X: Any, y: np.ndarray, sample_weight: np.ndarray | None, folds: Sequence[Fold], count: int, *,
    fits: FitsAtOnce, solved: Paths, error: Errors, patience: int | None,
) -> np.ndarray:  # fmt: skip
    """Return the mean error of every model on every fold.

    Parameters
    ----------
    X : csc matrix or ndarray in Fortran order
    y : ndarray
    sample_weight : ndarray or None
    folds : sequence of (train, test)
        Numbers of the rows to fit to, and of those to judge on.
    count : int
        Number of penalties.
    fits : FitsAtOnce
    solved : callable
        Solves the path of a fold: see :data:`Paths`.
    error, patience
        See :class:`HeldOut`.

    Returns
    -------
    ndarray of shape (count, n_folds)
        NaN where a path ended before.

    Raises
    ------
    ValueError
        If all rows of a fold's part have the weight 0.
    """
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    for k, (train, test) in enumerate(folds):
        _demand_weights(k, weight[train], weight[test])

    def fit(train: np.ndarray, test: np.ndarray) -> Any:
        fitted = np.zeros(len(y))
        fitted[train] = weight[train]
        return solved(fitted, HeldOut(X, y, weight, test, error=error, patience=patience))

    made = fits.made([partial(fit, *fold) for fold in folds])
    if interrupted():
        raise KeyboardInterrupt  # there is no model yet
    errors = np.full((count, len(folds)), np.nan)
    for k, path in enumerate(made):
        warn_of_gaps(np.array([point.gap for point in path.points]), path.tol)
        errors[: len(path.enough.errors), k] = path.enough.errors
    return errors


def _demand_weights(fold: int, train: np.ndarray, test: np.ndarray) -> None:
    for part, to in ((train, "fit to"), (test, "judge on")):
        if not part.any():
            raise ValueError(
                f"cv: all rows that fold {fold} has to {to} have sample_weight 0; give folds that "
                "have rows of positive weight in both parts, or leave out rows of weight 0"
            )


def certified_paths(
    data_of: Callable[..., CertifiedData], X: Any, y: np.ndarray, penalties: Sequence[Penalty],
    solving: Solving,
) -> Paths:  # fmt: skip
    """Return what solves paths of a Lasso, or of another loss.

    Parameters
    ----------
    data_of : callable
        Makes the data of fits from X, y and weights of rows.
    X, y
    penalties : sequence of Penalty
        The largest first.
    solving : Solving
        Parameters of the runs.
    """

    def solved(weights: np.ndarray, judge: HeldOut) -> CertifiedPath:
        with data_of(X, y, weights, proven=False) as data:
            path = CertifiedPath.by(solving, data, penalties, enough=judge)
            path.solve()
        return path

    return solved


def mapped_paths(model: Any, X: MappedMatrix, y: np.ndarray, penalties: Sequence[Penalty]) -> Paths:
    """Return what solves paths of a Lasso on X in a file; see :class:`MappedPath` for `model`."""

    def solved(weights: np.ndarray, judge: HeldOut) -> MappedPath:
        path = MappedPath(model, X, y, weights, enough=judge)
        path.solve(penalties)
        return path

    return solved


def task_paths(
    solving: Solving, fit_of: Callable[[np.ndarray], RunsPenalties], penalties: Sequence[Penalty]
) -> Paths:
    """Return what solves paths of several tasks or classes, or of groups.

    Parameters
    ----------
    solving : Solving
        Parameters of the runs.
    fit_of : callable
        Makes the data of runs from the weights of the rows.
    penalties : sequence of Penalty
        The largest first.
    """

    def solved(weights: np.ndarray, judge: HeldOut) -> TaskPath:
        path = TaskPath(fit_of(weights), penalties, solving, enough=judge)
        path.solve()
        return path

    return solved


def squared(predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the squared error of each row; with several targets, their mean."""
    squares: np.ndarray = (y - predicted) ** 2
    return squares if squares.ndim == 1 else squares.mean(axis=1)


def best_of(errors: np.ndarray, rule: str) -> tuple[int, float]:
    """Return the row of the chosen penalty, and its mean error.

    Parameters
    ----------
    errors : ndarray of shape (n_penalties, n_folds)
        The largest penalty first; rows with NaN are not chosen.
    rule : {"min", "1se"}
        "min": the least mean error. "1se": the largest penalty whose mean error is within one
        standard error of the least (Breiman, Friedman, Olshen, Stone 1984, section 3.4.3).

    Raises
    ------
    ValueError
        If no penalty has errors on all folds; for "1se", if there is only one fold.
    """
    if rule == "1se" and errors.shape[1] == 1:
        raise ValueError("rule='1se' needs a standard error: give at least 2 folds, or rule='min'")
    means = errors.mean(axis=1)
    if np.isnan(means).all():
        raise ValueError(
            "no penalty can be chosen: a callback or max_seconds ended the fit before any had been "
            "fitted on all folds"
        )
    least = int(np.nanargmin(means))
    if rule == "min":
        return least, float(means[least])
    allowed = means[least] + errors[least].std(ddof=1) / np.sqrt(errors.shape[1])
    chosen = int(np.flatnonzero(means <= allowed)[0])
    return chosen, float(means[chosen])
