"""The fit of a multinomial logistic regression to validated data."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.priorities import priorities_of
from strads.algorithms.linear.choices import named_schedule
from strads.algorithms.linear.fitting import starts_of
from strads.algorithms.linear.given import demand_squares
from strads.algorithms.linear.messages import warn_unless_certified
from strads.algorithms.linear.multinomial.program import MultinomialNewton
from strads.algorithms.linear.one_run import one_run
from strads.algorithms.linear.penalty import Penalty

#: With so many entries, counted once a class, there is one worker a core.
ENTRIES = 20_000_000
#: The largest entry of X may have an exponent of this size: squares of entries, and sums of them,
#: are stored in single precision.
MODERATE: Final = 40


def fit_multinomial(
    model: Any, X: Any, y: np.ndarray, weights: np.ndarray | None, penalty: Penalty
) -> None:
    """Fit all classes together, and make the results attributes of the estimator.

    Parameters
    ----------
    model : estimator
        See :func:`~strads.algorithms.linear.fitting.fit_loss`; its ``classes_`` are known.
    X : csc matrix or ndarray in Fortran order
    y : ndarray of int
        Numbers of the labels.
    weights : ndarray or None
        Weights of the samples.
    penalty : Penalty

    Raises
    ------
    ValueError
        If squares of entries of X overflow.

    Warns
    -----
    ConvergenceWarning, NotCertifiedWarning
        If the gap is not certified.
    """
    X, exponent = moderate_entries(X, demand_squares(X))
    n, classes = len(y), len(model.classes_)
    starts = [start for start in starts_of(model, X.shape[1], classes) if start is not None]
    unit = np.ones(n) if weights is None else weights * (n / weights.sum())
    made = partial(
        MultinomialNewton, X=X, label=y.astype(np.int64), row_weight=unit,
        alpha=np.ldexp(penalty.alpha, -exponent), beta=np.ldexp(penalty.beta, -2 * exponent),
        tol=float(model.tol), centred=int(model.fit_intercept), positive=int(model.positive),
        schedule=named_schedule(model.schedule),
        importance=priorities_of(model.priorities, X.shape[1]),
    )  # fmt: skip
    start = np.ldexp(np.transpose(starts).copy(), exponent) if starts else None
    fitted = one_run(made, model, X, start, exponent, tasks=classes, entries=ENTRIES)
    fitted.keep(model)
    model.coef_, model.intercept_ = fitted.coef, fitted.intercept
    model.dual_gap_ = fitted.certificate.gap
    warn_unless_certified(fitted, model.n_iter_)


def moderate_entries(X: Any, largest: float) -> tuple[Any, int]:
    """Return X divided by a power of two, which is exact, and the exponent: 0 for ordinary data.

    Parameters
    ----------
    X : csc matrix or ndarray
    largest : float
        Size of its largest entry.
    """
    exponent = int(np.frexp(largest)[1])
    if abs(exponent) <= MODERATE or largest == 0.0:
        return X, 0
    if not sp.issparse(X):
        return np.asfortranarray(np.ldexp(X.astype(np.float64), -exponent)), exponent
    values = np.ldexp(X.data.astype(np.float64), -exponent)
    return sp.csc_array((values, X.indices, X.indptr), shape=X.shape), exponent
