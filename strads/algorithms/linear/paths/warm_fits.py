"""Fits of one estimator for a sequence of penalties, each from the weights of the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from strads.algorithms.common.fit_series import one_fit
from strads.engine import interrupted


def warm_fits(
    model: Any, name: str, grid: np.ndarray, X: Any, y: Any, sample_weight: Any
) -> Iterator[Any]:
    """Yield the estimator after each of its fits.

    They are one fit to callbacks, checkpoints and limits of time: where one of these ends it, the
    sequence ends.

    Parameters
    ----------
    model : estimator
        Its `warm_start` is set.
    name : str
        Its parameter that has the penalty.
    grid : ndarray
        Values of it, in order.
    X, y, sample_weight
        What it is fitted to.
    """
    model._validate_params()
    with one_fit(model, y, sample_weight, grid, told=(X, y)) as fit:
        for penalty in grid:
            model.set_params(**{name: float(penalty)}).fit(X, y, sample_weight)
            yield model
            if interrupted() or fit.used_up:
                break


def stacked_fits(
    model: Any, name: str, grid: np.ndarray, X: Any, y: Any, sample_weight: Any,
    figures: Callable[[Any], tuple[Any, Any, Any, int]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[int]]:  # fmt: skip
    """Make such fits; return what they found, one after another along the last dimension.

    Parameters
    ----------
    model, name, grid, X, y, sample_weight
        See :func:`warm_fits`.
    figures : callable
        Returns weights, intercepts, gaps and the number of epochs of a fitted estimator.

    Returns
    -------
    grid, coefs, intercepts, gaps : ndarray
        The grid as far as the fits came, and their figures.
    epochs : list of int
    """
    found = [figures(fit) for fit in warm_fits(model, name, grid, X, y, sample_weight)]
    coefs, intercepts, gaps, epochs = zip(*found, strict=True)
    stacked = [np.stack(parts, axis=-1) for parts in (coefs, intercepts, gaps)]
    return grid[: len(found)], stacked[0], stacked[1], stacked[2], list(epochs)
