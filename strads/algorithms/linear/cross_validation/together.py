"""Cross-validation of multinomial models: the grid of penalties, and held-out losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.linear.cross_validation.held_out import Fold, held_out_errors, task_paths
from strads.algorithms.linear.fits_at_once import fits_at_once
from strads.algorithms.linear.grid import grid_of, scores_at_zero
from strads.algorithms.linear.multinomial.fit import MultinomialFit
from strads.algorithms.linear.multinomial.softmax import SoftmaxLoss
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solving import Solving


def grid_together(model: Any, X: Any, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the grid of penalties, from the least one that leaves no weight.

    Parameters
    ----------
    model : SparseLogisticRegressionCV
    X : csc matrix or ndarray
    y : ndarray of int
        Numbers of the labels.
    weights : ndarray or None
        Weights of the samples.
    """
    classes = int(y.max()) + 1
    # Without intercepts, the best model without features has equal probabilities.
    missed = np.eye(classes)[y] - (0.0 if model.fit_intercept else 1.0 / classes)
    scores = scores_at_zero(X, missed, weights, centred=model.fit_intercept)
    largest = float((scores if model.positive else np.abs(scores)).max(initial=0.0))
    return grid_of(model.alphas, model.eps, largest, model.l1_ratio)


def losses_together(
    model: Any, X: Any, y: np.ndarray, weights: np.ndarray | None, folds: list[Fold],
    grid: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return the mean held-out losses, for every penalty and fold.

    Parameters
    ----------
    model, X, y, weights
        See :func:`grid_together`.
    folds : list of pairs of ndarray
        Rows to fit to, and rows to judge on.
    grid : ndarray
        The largest penalty first.
    """

    def fit_of(weights: np.ndarray) -> MultinomialFit:
        centred, positive = model.fit_intercept, model.positive
        return MultinomialFit(X, y, weights, centred=centred, positive=positive)

    penalties = [Penalty.mixed(alpha, model.l1_ratio) for alpha in grid]
    fits = fits_at_once(Solving.of(model), X, len(folds))
    return held_out_errors(
        X, y, weights, folds, len(grid), fits=fits,
        solved=task_paths(fits.solving, fit_of, penalties), error=SoftmaxLoss().value,
        patience=model.early_stopping,
    )  # fmt: skip
