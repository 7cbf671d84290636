"""Fits of one estimator for a sequence of penalties, each from the weights of the one before."""

from __future__ import annotations

from collections.abc import Iterator
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
