"""The fit of a multi-task Lasso to validated data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.linear.certified.centring import Columns, columns_of
from strads.algorithms.linear.certified.certified_data import canonical
from strads.algorithms.linear.certified.problem import Problem, careful, plain, row_weights
from strads.algorithms.linear.fitted import Fitted, judged
from strads.algorithms.linear.fitting import starts_of
from strads.algorithms.linear.multi_task.program import MultiTaskProgram
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.rounding import UNIT, Certificate
from strads.engine import Schedule, default_engine

#: With so many entries, counted once a task, there is one worker a core. Below, two workers gain
#: nothing: each move of a sweep changes R, which the other worker reads next.
ENTRIES = 200_000_000
#: Targets of a size with a larger exponent are scaled.
MODERATE = 100


class MultiTaskFit:
    """X and Y as the solver takes them, the run, and its results.

    Data whose columns lose too many digits are prepared, as for the Lasso
    (:mod:`strads.algorithms.linear.certified.problem`), and the run is repeated.

    Parameters
    ----------
    X : csc matrix or ndarray in Fortran order
    y : ndarray of shape (n, K)
    weights : ndarray or None
        Weights of the samples.
    centred : bool
        Whether there are intercepts.
    program : type
        The program, which takes `more` arguments.
    **more
    """

    def __init__(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, centred: bool,
        program: type[MultiTaskProgram] = MultiTaskProgram, **more: Any,
    ) -> None:  # fmt: skip
        self.program, self.more = program, more
        self.X, self.weights, self.centred = X, weights, centred
        nothing = np.zeros(len(y))
        self.problem: Problem = plain(X, nothing, weights, centred=False)
        self.columns: Columns | None = None
        counted = self.problem.unit > 0.0
        y = np.where(counted[:, None], y, y[np.argmax(counted)])
        exponent = int(np.frexp(np.abs(y).max())[1])
        self.y_exponent = exponent if abs(exponent) > MODERATE else 0
        y, self.y_mean = np.ldexp(y, -self.y_exponent), np.zeros(y.shape[1])
        if centred:
            for _ in range(2):  # the mean of a far target has an error, which is subtracted, too
                mean = np.average(y, axis=0, weights=self.problem.unit**2)
                y, self.y_mean = y - mean, self.y_mean + mean
        self.y = self.problem.unit[:, None] * y

    def run(
        self, model: Any, penalty: Penalty, schedule: Schedule | None, start: np.ndarray | None
    ) -> Fitted:
        """Make the run, and a second one on prepared data if the first asks for it.

        Parameters
        ----------
        model : estimator
            See :func:`~strads.algorithms.linear.fitting.fit_loss`.
        penalty : Penalty
        schedule : Schedule or None
        start : ndarray of shape (K, p) or None
        """
        fitted = self._run(model, penalty, schedule, start)
        if fitted.status == "unprepared":
            weight = row_weights(self.weights, len(self.y))
            self.columns = columns_of(canonical(self.X), weight, centred=self.centred)
            self.problem = careful(
                self.X, self.columns, np.zeros(len(self.y)), self.weights, centred=False
            )
            fitted = self._run(model, penalty, schedule, start)
        return fitted

    def _run(
        self, model: Any, penalty: Penalty, schedule: Schedule | None, start: np.ndarray | None
    ) -> Fitted:
        problem = replace(self.problem, y_exponent=self.y_exponent)
        given = {
            "X": problem.X, "y": self.y, "unit": problem.unit,
            **problem.penalty(penalty)._asdict(), "tol": float(model.tol),
            "centred": int(self.centred), "schedule": schedule, **self.more,
        }  # fmt: skip
        w = problem.start(None if start is None else start.T.copy())
        program: Any = self.program(**given, max_epochs=int(model.max_iter), w=w)
        entries = self.X.nnz if sp.issparse(self.X) else self.X.size
        asked = getattr(model, "partition", None)
        partition = None if asked is None else {"features": asked}
        result = default_engine().run(
            program, workers=workers_for(model.n_workers, entries * self.y.shape[1], ENTRIES),
            epochs=int(model.max_iter) + 1, seed=seed_of(model.random_state),
            instruments=model.callbacks, partition=partition,
        )  # fmt: skip
        judge = judged(program, result, lambda w: self.program(**given, max_epochs=0, w=w))
        w, means = result.state["w"], self._means(result.state["mean"])
        certificate = judge.proven
        intercept = np.zeros(w.shape[1])
        if self.centred:
            intercept = np.ldexp(self.y_mean - means @ w, self.y_exponent)
            certificate = _blurred(certificate, judge.y2 / len(self.y), self.y_mean, means, w)
        return Fitted(
            coef=problem.weights(w, np.float64).T.copy(), intercept=intercept,
            certificate=certificate, status=result.status, tol=float(model.tol),
            epochs=program.epochs_used, history=[problem.figures(row) for row in result.history],
            statistics=result.statistics,
        )  # fmt: skip

    def _means(self, mean: np.ndarray) -> np.ndarray:
        """Return the means of the columns as given, divided by the scale of the solver's X."""
        if self.columns is None:
            return mean
        with np.errstate(over="ignore", under="ignore"):
            means: np.ndarray = np.ldexp(self.columns.means(), -self.problem.x_exponent)
        return means


def fit_multi_task(
    model: Any, X: Any, y: np.ndarray, weights: np.ndarray | None, penalty: Penalty,
    schedule: Schedule | None, **options: Any,
) -> Fitted:  # fmt: skip
    """Fit all tasks together, and make the results attributes of the estimator.

    Parameters
    ----------
    model : estimator
        See :func:`~strads.algorithms.linear.fitting.fit_loss`.
    X, y, weights, penalty, schedule
        See :class:`MultiTaskFit`.
    **options
        `program` and its arguments, for another program.
    """
    starts = [start for start in starts_of(model, X.shape[1], y.shape[1]) if start is not None]
    fit = MultiTaskFit(X, y, weights, model.fit_intercept, **options)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows ends as an infinite gap
        fitted = fit.run(model, penalty, schedule, np.array(starts) if starts else None)
    fitted.keep(model)
    model.coef_, model.intercept_ = fitted.coef, fitted.intercept
    model.dual_gap_ = fitted.certificate.gap
    return fitted


def _blurred(
    own: Certificate, at_zero2: float, y_mean: np.ndarray, means: np.ndarray, w: np.ndarray
) -> Certificate:
    """Add what the rounding of the intercepts does to the gap: P grows by half its square."""
    errors = 8.0 * UNIT * (len(w) + 8.0) * (np.abs(y_mean) + np.abs(means) @ np.abs(w))
    more = float(errors @ errors) / at_zero2 if at_zero2 > 0.0 else 0.0
    return own.plus(more)
