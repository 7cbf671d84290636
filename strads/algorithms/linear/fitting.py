"""The fit of an estimator of one penalty, by its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from strads.algorithms.common.priorities import priorities_of
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.certified.certified_fit import CertifiedFit, solve
from strads.algorithms.linear.certified.loss_data import LossData
from strads.algorithms.linear.choices import named_schedule, workers_and_budget
from strads.algorithms.linear.fitted import Fitted
from strads.algorithms.linear.given import demand_features
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.mapped.fit import MappedFit
from strads.algorithms.linear.mapped.judging import any_loss
from strads.algorithms.linear.messages import warn_unless_certified
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.gram_form.rounds import insists
from strads.datasets import MappedMatrix
from strads.engine import Schedule


def fit_loss(
    model: Any, loss: Loss, X: Any, y: np.ndarray, weights: np.ndarray | None, penalty: Penalty,
    start: np.ndarray | None,
) -> CertifiedFit | Fitted:  # fmt: skip
    """Fit validated data, with as many runs of the solver as the fit asks for.

    Parameters
    ----------
    model : estimator
        Has the parameters `fit_intercept`, `tol`, `max_iter`, `n_workers`, `random_state` and
        `callbacks`, and may have `positive`, `schedule` and `partition`.
    loss : Loss
    X : csc matrix, ndarray in Fortran order, or MappedMatrix
    y : ndarray
        Targets as the loss takes them.
    weights : ndarray or None
        Weights of the samples.
    penalty : Penalty
    start : ndarray or None
        Weights to start from.
    """
    positive = getattr(model, "positive", False)
    if isinstance(X, MappedMatrix):
        judging = any_loss(
            loss, y, weights, penalty, centred=model.fit_intercept, positive=positive
        )
        schedule = named_schedule(getattr(model, "schedule", None))
        return MappedFit(model, X, weights, None, penalty, judging, start).run(schedule)
    with LossData(loss, X, y, weights, centred=model.fit_intercept, positive=positive) as data:
        schedule = named_schedule(getattr(model, "schedule", None))
        return fit_certified(model, data, penalty, start, schedule)


def fit_targets(
    model: Any, loss: Loss, X: Any, targets: list[np.ndarray], weights: np.ndarray | None,
    penalties: list[Penalty], easier: str = "raise tol or alpha",
) -> None:  # fmt: skip
    """Fit a classifier's model to each of several targets of 0 and 1, and keep all results.

    Parameters
    ----------
    model : estimator
        See :func:`fit_loss`.
    loss, X, weights
        See :func:`fit_loss`.
    targets : list of ndarray
    penalties : list of Penalty
        One for each target.
    easier : str
        What makes the problem easier, for a warning.

    Warns
    -----
    ConvergenceWarning, NotCertifiedWarning
        If a gap is not certified.
    """
    starts = starts_of(model, X.shape[1], len(targets))
    fits = [
        fit_loss(model, loss, X, target, weights, penalty, start)
        for target, penalty, start in zip(targets, penalties, starts, strict=True)
    ]
    keep(model, fits)
    model.coef_, model.intercept_ = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    for fit in fits:
        warn_unless_certified(fit, max(1, fit.epochs), easier)


def fit_certified(
    model: Any, data: CertifiedData, penalty: Penalty, start: np.ndarray | None,
    schedule: Schedule | None,
) -> CertifiedFit:  # fmt: skip
    """Make as many runs of the solver as a fit asks for.

    Parameters
    ----------
    model : estimator
        See :func:`fit_loss`.
    data : CertifiedData
    penalty : Penalty
    start : ndarray or None
    schedule : Schedule or None
        Schedule of the coordinate rounds; None: the default.
    """
    data.importance = priorities_of(getattr(model, "priorities", None), data.X.shape[1])
    asked_partition = getattr(model, "partition", None)
    asked = insists(schedule) or asked_partition is not None
    workers, budget = workers_and_budget(data.X, model.n_workers, asked=asked)
    partition = None if asked_partition is None else {"features": asked_partition}
    fit = CertifiedFit(
        data, penalty, start, tol=float(model.tol), max_iter=int(model.max_iter), budget=budget
    )
    solve(
        fit, schedule, workers=workers, seed=seed_of(model.random_state),
        instruments=model.callbacks, partition=partition,
    )  # fmt: skip
    return fit


def starts_of(model: Any, n_features: int, count: int) -> list[np.ndarray | None]:
    """Return the weights that each of several fits starts from: with `warm_start`, the last ones.

    Raises
    ------
    ValueError
        If these are of another number of features.
    """
    warm = getattr(model, "warm_start", False)
    last = getattr(model, "coef_", None) if warm else None
    if last is None:
        return [None] * count
    demand_features(last, n_features)
    last = np.atleast_2d(last)
    return list(last) if len(last) == count else [None] * count


def keep(model: Any, fits: Sequence[CertifiedFit | Fitted]) -> None:
    """Make the results of fits attributes of an estimator: of one fit, or of each.

    `verdict_` is the first that is not "certified".
    """
    verdicts = [fit.verdict for fit in fits]
    model.verdict_ = next((v for v in verdicts if v != "certified"), "certified")
    model.certified_ = model.verdict_ == "certified"
    found: dict[str, list[Any]] = {
        "coef_": [fit.coef for fit in fits],
        "intercept_": [fit.intercept for fit in fits],
        "dual_gap_": [fit.certificate.gap for fit in fits],
        "n_iter_": [max(1, fit.epochs) for fit in fits],
        "history_": [fit.history for fit in fits],
        "statistics_": [fit.statistics for fit in fits],
    }
    for name, values in found.items():
        arrays = name in ("coef_", "intercept_", "dual_gap_")
        several = np.array(values) if arrays else values
        setattr(model, name, values[0] if len(fits) == 1 else several)


def take_over(model: Any, fitted: Any) -> None:
    """Make the results of a fitted estimator those of another one."""
    for name in ("coef_", "intercept_", "dual_gap_", "certified_", "verdict_", "n_iter_",
                 "history_", "statistics_"):  # fmt: skip
        setattr(model, name, getattr(fitted, name))
