"""Solvers of logistic regression, a module each."""

from typing import Any

import numpy as np

from bench.lasso.solvers import Answer


def answer(model: Any) -> Answer:
    """What a fitted estimator returned."""
    coef = np.ravel(np.asarray(model.coef_, dtype=np.float64))
    return Answer(coef, float(np.ravel(model.intercept_)[0]), model)
