"""The fit of an estimator of one penalty, by its parameters."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.linear.certified.certified_fit import CertifiedFit, solve
from strads.algorithms.linear.certified.loss_data import LossData
from strads.algorithms.linear.certified.loss_fit import LossFit
from strads.algorithms.linear.choices import named_schedule, workers_and_budget
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.penalty import Penalty
from strads.engine import Schedule

Fit = TypeVar("Fit", bound=CertifiedFit)


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
    with LossData(
        loss, X, y, weights, centred=model.fit_intercept, positive=model.positive
    ) as data:
        schedule = named_schedule(model.schedule)
        return fit_certified(model, LossFit, data, penalty, start, schedule)


def fit_certified(
    model: Any, kind: type[Fit], data: Any, penalty: Penalty, start: np.ndarray | None,
    schedule: Schedule | None,
) -> Fit:  # fmt: skip
    """Make as many runs of the solver as a fit asks for.

    Parameters
    ----------
    model : estimator
        See :func:`fit_loss`.
    kind : type
        Class of the fit.
    data : CertifiedData
    penalty : Penalty
    start : ndarray or None
    schedule : Schedule or None
        Schedule of the coordinate rounds; None: the default.
    """
    asked = schedule is not None or model.partition is not None
    workers, budget = workers_and_budget(data.X, model.n_workers, asked=asked)
    partition = None if model.partition is None else {"features": model.partition}
    fit = kind(
        data, penalty, start, tol=float(model.tol), max_iter=int(model.max_iter), budget=budget
    )
    solve(
        fit, schedule, workers=workers, seed=seed_of(model.random_state),
        instruments=model.callbacks, partition=partition,
    )  # fmt: skip
    return fit
