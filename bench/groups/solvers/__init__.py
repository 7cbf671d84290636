"""Solvers of group Lassos and multi-task Lassos, a module each."""

from typing import Any, NamedTuple

import numpy as np


class Answer(NamedTuple):
    """What a solver returned, a row or entry for every task, and the model, which may say more."""

    coef: np.ndarray
    intercept: np.ndarray
    model: Any


def answer(model: Any) -> Answer:
    """What a fitted estimator returned."""
    coef = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
    return Answer(coef, np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64)), model)
