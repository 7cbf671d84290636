"""What the estimators of linear support vector machines share."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING
from strads.algorithms.linear.dual.fit import FittedMachine, Machine, fit_machine
from strads.algorithms.linear.messages import warn_unless_certified

#: What their common parameters may be, for scikit-learn's validation.
COMMON: dict[str, list[Any]] = {
    "C": [Interval(Real, 0, None, closed="neither")],
    "dual": ["boolean", StrOptions({"auto"})],
    "fit_intercept": ["boolean"],
    "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "callbacks": CALLBACKS,
    **LASTING,
}


def fit_and_keep(model: Any, machine: Machine, shape: tuple[int, ...]) -> FittedMachine:
    """Fit a machine, and make the results attributes of the estimator.

    Parameters
    ----------
    model : estimator
        See :func:`~strads.algorithms.linear.dual.fit.fit_machine`; with `warm_start` the dual
        variables of its last fit are the start, if they are as many.
    machine : Machine
    shape : tuple of int
        Shape of ``dual_coef_``.
    """
    fitted = fit_machine(model, machine, _start(model, machine, shape))
    model.dual_coef_ = fitted.dual_coef.reshape(shape)
    model.dual_gap_ = float(fitted.gaps[0]) if len(fitted.gaps) == 1 else fitted.gaps
    fitted.keep(model)
    model._cost = float(model.C)
    warn_unless_certified(fitted, model.n_iter_, "raise tol or lower C")
    return fitted


def _start(model: Any, machine: Machine, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return dual variables to start from: the last ones times the growth of C, within bounds."""
    last = getattr(model, "dual_coef_", None) if model.warm_start else None
    if last is None or np.shape(last) != shape:
        return None
    start = np.atleast_2d(last) * (float(model.C) / getattr(model, "_cost", float(model.C)))
    high = np.where(machine.cost > 0.0, np.inf, 0.0) if machine.squared else machine.cost
    lows, highs = np.broadcast_to(-high, start.shape), np.broadcast_to(high, start.shape)
    if machine.labels is not None:
        own = machine.y == np.array(machine.labels)[:, None]
        lows, highs = np.where(own, 0.0, lows), np.where(own, highs, 0.0)
    return np.clip(start, lows, highs)
