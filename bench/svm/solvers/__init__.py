"""Solvers of linear support vector machines, a module each."""

from typing import Any, NamedTuple

import numpy as np


class Answer(NamedTuple):
    """What a solver returned, a row or entry for every model."""

    coef: np.ndarray
    intercept: np.ndarray


def answer(model: Any) -> Answer:
    """What a fitted estimator returned."""
    coef = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
    intercept = np.broadcast_to(np.ravel(model.intercept_).astype(np.float64), len(coef))
    return Answer(coef, intercept)
