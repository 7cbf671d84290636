"""The fit of an estimator whose loss is not the squared error."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.linear.certified.certified_fit import solve
from strads.algorithms.linear.certified.loss_data import LossData
from strads.algorithms.linear.certified.loss_fit import LossFit
from strads.algorithms.linear.choices import named_schedule, workers_and_budget
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.penalty import Penalty


def fit_loss(
    model: Any, loss: Loss, X: Any, y: np.ndarray, weights: np.ndarray | None, penalty: Penalty,
    start: np.ndarray | None,
) -> LossFit:  # fmt: skip
    """Fit validated data, with as many runs of the solver as the fit asks for.

    Parameters
    ----------
    model : estimator
        Has the parameters `fit_intercept`, `positive`, `tol`, `max_iter`, `n_workers`, `schedule`,
        `partition`, `random_state` and `callbacks`.
    loss : Loss
    X : csc matrix or ndarray in Fortran order
    y : ndarray
        Targets as the loss takes them.
    weights : ndarray or None
        Weights of the samples.
    penalty : Penalty
    start : ndarray or None
        Weights to start from.
    """
    schedule = named_schedule(model.schedule)
    asked = schedule is not None or model.partition is not None
    workers, budget = workers_and_budget(X, model.n_workers, asked=asked)
    partition = None if model.partition is None else {"features": model.partition}
    with LossData(
        loss, X, y, weights, centred=model.fit_intercept, positive=model.positive
    ) as data:
        fit = LossFit(
            data, penalty, start, tol=float(model.tol), max_iter=int(model.max_iter),
            budget=budget,
        )  # fmt: skip
        solve(
            fit, schedule, workers=workers, seed=seed_of(model.random_state),
            instruments=model.callbacks, partition=partition,
        )  # fmt: skip
    return fit
