"""The fit of a multinomial logistic regression to validated data."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.priorities import priorities_of
from strads.algorithms.linear.fitted import Fitted
from strads.algorithms.linear.fitting import starts_of
from strads.algorithms.linear.given import demand_squares
from strads.algorithms.linear.messages import warn_unless_certified
from strads.algorithms.linear.multinomial.program import MultinomialNewton
from strads.algorithms.linear.one_run import one_run
from strads.algorithms.linear.penalty import Penalty
from strads.engine import Schedule

#: With so many entries, counted once a class, there is one worker a core.
ENTRIES = 20_000_000
#: The largest entry of X may have an exponent of this size: squares of entries, and sums of them,
#: are stored in single precision.
MODERATE: Final = 40


class MultinomialFit:
    """X and the labels as the solver takes them, and the run.

    Parameters
    ----------
    X : csc matrix or ndarray in Fortran order
    y : ndarray of int
        Numbers of the labels, each of which has weight.
    weights : ndarray or None
        Weights of the samples.
    centred : bool
        Whether there are intercepts.
    positive : bool
        Whether W is constrained to W ≥ 0.

    Raises
    ------
    ValueError
        If squares of entries of X overflow.
    """

    def __init__(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, *, centred: bool, positive: bool
    ) -> None:
        self.X, self.exponent = moderate_entries(X, demand_squares(X))
        self.classes = int(y.max()) + 1
        row_weight = np.ones(len(y)) if weights is None else weights * (len(y) / weights.sum())
        self._given = {
            "X": self.X, "label": y.astype(np.int64), "centred": int(centred),
            "positive": int(positive),
            "row_weight": row_weight,
        }  # fmt: skip

    def run(
        self, model: Any, penalty: Penalty, schedule: Schedule | None, start: np.ndarray | None
    ) -> Fitted:
        """Return the model of a penalty.

        Parameters
        ----------
        model : estimator
            See :func:`~strads.algorithms.linear.fitting.fit_loss`.
        penalty : Penalty
        schedule : Schedule or None
        start : ndarray of shape (K, p) or None
            Weights to start from.
        """
        made = partial(
            MultinomialNewton, **self._given, alpha=np.ldexp(penalty.alpha, -self.exponent),
            beta=np.ldexp(penalty.beta, -2 * self.exponent), tol=float(model.tol),
            schedule=schedule,
            importance=priorities_of(getattr(model, "priorities", None), self.X.shape[1]),
        )  # fmt: skip
        if start is not None:
            start = np.ldexp(start.T.copy(), self.exponent)
        return one_run(
            made, model, self.X, start, self.exponent, tasks=self.classes, entries=ENTRIES
        )


def fit_multinomial(
    model: Any, X: Any, y: np.ndarray, weights: np.ndarray | None, penalty: Penalty,
    schedule: Schedule | None = None,
) -> None:  # fmt: skip
    """Fit all classes together, and make the results attributes of the estimator.

    Parameters
    ----------
    model : estimator
        See :func:`~strads.algorithms.linear.fitting.fit_loss`.
    X, y, weights
        See :class:`MultinomialFit`.
    penalty : Penalty
    schedule : Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"``.

    Warns
    -----
    ConvergenceWarning, NotCertifiedWarning
        If the gap is not certified.
    """
    fit = MultinomialFit(X, y, weights, centred=model.fit_intercept, positive=model.positive)
    starts = [start for start in starts_of(model, X.shape[1], fit.classes) if start is not None]
    fitted = fit.run(model, penalty, schedule, np.array(starts) if starts else None)
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
