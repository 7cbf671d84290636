"""The fit of a logistic regression with groups of features to validated data."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from strads.algorithms.linear.fitted import Fitted
from strads.algorithms.linear.fitting import keep, starts_of
from strads.algorithms.linear.given import demand_squares
from strads.algorithms.linear.groups.groups import Groups
from strads.algorithms.linear.groups.matrix_losses import MatrixLoss, OneColumn, Softmax
from strads.algorithms.linear.groups.newton import GroupNewton
from strads.algorithms.linear.groups.program import named_group_schedule
from strads.algorithms.linear.messages import warn_unless_certified
from strads.algorithms.linear.multinomial.fit import moderate_entries
from strads.algorithms.linear.one_run import one_run
from strads.algorithms.linear.penalty import Penalty

#: With so many entries, counted once a class, there is one worker a core.
ENTRIES: Final = 200_000_000


def fit_group_logistic(
    model: Any, X: Any, targets: list[np.ndarray], weights: np.ndarray | None, penalty: Penalty,
    groups: Groups,
) -> None:  # fmt: skip
    """Fit a model to each of several targets, and make the results attributes of the estimator.

    Parameters
    ----------
    model : SparseLogisticRegression
    X : csc matrix or ndarray in Fortran order
    targets : list of ndarray of shape (n,)
        Each of 0 and 1, or the only one with the numbers of more than two labels: a multinomial
        model.
    weights : ndarray or None
        Weights of the samples.
    penalty : Penalty
    groups : Groups

    Raises
    ------
    ValueError
        If squares of entries of X overflow.

    Warns
    -----
    ConvergenceWarning, NotCertifiedWarning
        If a gap is not certified.
    """
    X, exponent = moderate_entries(X, demand_squares(X))
    n, most = len(targets[0]), int(targets[0].max())
    weight = np.ones(n) if weights is None else weights * (n / weights.sum())
    tasks = most + 1 if most > 1 else 1
    starts = starts_of(model, X.shape[1], len(targets) * tasks)
    fits = []
    for k, target in enumerate(targets):
        loss: MatrixLoss = OneColumn(target, weight)
        if tasks > 1:
            loss = Softmax(target.astype(np.int64), weight)
        own = [w for w in starts[k * tasks : (k + 1) * tasks] if w is not None]
        start = np.ldexp(np.transpose(own).copy(), exponent) if own else None
        fit = _fit(model, X, exponent, loss, tasks, penalty, groups, start)
        single = replace(fit, coef=fit.coef[0], intercept=fit.intercept[0])
        fits.append(fit if tasks > 1 else single)
    keep(model, fits)
    model.coef_, model.intercept_ = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    for fit in fits:
        warn_unless_certified(fit, max(1, fit.epochs))


def _fit(
    model: Any, X: Any, exponent: int, loss: MatrixLoss, tasks: int, penalty: Penalty,
    groups: Groups, start: np.ndarray | None,
) -> Fitted:  # fmt: skip
    made = partial(
        GroupNewton, X=X, loss=loss, tasks=tasks, groups=groups,
        alpha=max(float(np.ldexp(penalty.alpha, -exponent)), 1e-300),
        beta=np.ldexp(penalty.beta, -2 * exponent), tol=float(model.tol),
        centred=int(model.fit_intercept), positive=int(model.positive),
        schedule=named_group_schedule(model.schedule),
        importance=groups.importance(model.priorities),
    )  # fmt: skip
    return one_run(made, model, X, start, exponent, tasks=tasks, entries=ENTRIES)
