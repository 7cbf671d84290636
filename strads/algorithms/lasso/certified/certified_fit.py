"""A Lasso fit as a sequence of runs of the solver, until the returned weights are certified.

The first run takes the data as they are. If the program stops because a column or y loses too many
digits ("unprepared"), the next run takes prepared data. If Newton's method fails ("rounds"), the
next run goes on by coordinate rounds. If it has exceeded its budget of work ("long"), the next one
goes on with more workers. If the program converged but the gap that
is certified for the returned weights is above the tolerance (because weights were rounded to single
precision, rows were multiplied by √sample_weight, or columns were shifted), another run starts from
these weights with a smaller tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from strads.algorithms.lasso.certified.centring import Columns, columns_of
from strads.algorithms.lasso.certified.certificate import certify, compiled_ahead
from strads.algorithms.lasso.certified.problem import Problem, careful, plain, row_weights
from strads.algorithms.lasso.solver.program import WorkingSetLasso
from strads.algorithms.lasso.solver.rounding import Certificate
from strads.engine import CompileTogether, Schedule

#: Number of runs that may follow with a smaller tolerance, and the factor from one to the next.
MORE, TIGHTER = 2, 0.2


class CertifiedFit:
    """State of a Lasso fit: the problem to run next, and the results so far.

    Where the program's own certificate does not hold for the user's data, helpers compile that of
    the returned weights from the beginning; as a context manager the fit ends these helpers.

    Parameters
    ----------
    X : csc matrix or ndarray in Fortran order
    y : ndarray of float64
    sample_weight : ndarray or None
    start : ndarray or None
        Weights to start from.
    alpha, tol : float
        Weight of the penalty; relative duality gap to reach.
    centred, positive : bool
        Whether the model has an intercept; whether weights are constrained to w ≥ 0.
    max_iter : int
        Largest number of epochs of all runs together.
    budget : float
        Work after which the first run stops, so that the next ones can have more workers.

    Attributes
    ----------
    coef, intercept, certificate, verdict
        Results, valid after the last run.
    epochs : int
        Epochs of all runs.
    status : str
        Status of the last run.
    history, statistics
        Figures of all runs; statistics of the last run.
    """

    def __init__(
        self, X: Any, y: np.ndarray, sample_weight: Any, start: Any, *, alpha: float, tol: float,
        centred: bool, positive: bool, max_iter: int, budget: float = math.inf,
    ) -> None:  # fmt: skip
        self.X, self.y, self.sample_weight, self.start = X, y, sample_weight, start
        self.alpha, self.tol, self.centred, self.positive = alpha, tol, centred, positive
        self.max_iter, self.epochs = max_iter, 0
        self.problem: Problem = plain(X, y, sample_weight, alpha, centred=centred)
        self.history: list[dict[str, float]] = []
        self._columns: Columns | None = None
        self._program: WorkingSetLasso
        self._left = MORE
        self._asked, self._budget = tol, budget
        self._form: str | None = None
        self._more = True
        self._ahead = None if self.problem.exact else self._compiled_ahead()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ahead is not None:
            self._ahead.close()

    @cached_property
    def _weights(self) -> np.ndarray:
        """Weights of the rows for the certificate."""
        return row_weights(self.sample_weight, self.X.shape[0])

    def _compiled_ahead(self) -> CompileTogether:
        return compiled_ahead(self.X, self._weights)

    def programs(self, schedule: Schedule | None) -> Iterator[WorkingSetLasso]:
        """Yield the programs to run; the caller passes the result of each to :meth:`take`."""
        while self._more:
            problem = self.problem
            self._program = WorkingSetLasso(
                X=problem.X, y=problem.y, unit=problem.unit, alpha=problem.alpha, tol=self._asked,
                max_epochs=self.max_iter - self.epochs, schedule=schedule, form=self._form,
                budget=self._budget,
                centred=int(self.centred), positive=int(self.positive),
                w=problem.start(self.start),
            )  # fmt: skip
            yield self._program

    def take(self, result: Any) -> None:
        """Take the result of a program, and decide whether another run follows."""
        self.status, self.statistics = result.status, result.statistics
        if result.status == "unprepared" and self._columns is None:
            columns = self.columns
            self.problem = careful(
                self.X, columns, self.y, self.sample_weight, self.alpha, centred=self.centred
            )
            return
        self.epochs += self._program.epochs_used
        self.history = [*self.history, *map(self.problem.figures, result.history)]
        self.coef = self.problem.weights(result.state["w"], self.X.dtype)
        if result.status in ("rounds", "long"):
            self.start = self.coef
            if result.status == "rounds":
                self._form = "gram"
            else:
                self._budget = math.inf
            return
        self.certificate = self._certificate(result)
        self.intercept = self._intercept(result) if self.centred else 0.0
        self._more = self._worth_more()

    @property
    def columns(self) -> Columns:
        """Statistics of the columns of X, computed at the first access."""
        if self._columns is None:
            self.X = _canonical(self.X)
            if self._ahead is None:
                self._ahead = self._compiled_ahead()
            self._ahead.finish()
            self._columns = columns_of(self.X, self._weights, centred=self.centred)
        return self._columns

    @property
    def verdict(self) -> str:
        """Why the fit ended, in one word: `verdict_` of :class:`strads.Lasso`."""
        gap, rounding = self.certificate.gap, self.certificate.rounding
        if gap <= self.tol:
            return "certified"
        if self.status in ("converged", "precision", "unprepared") or not np.isfinite(gap):
            return "precision"
        if gap - rounding <= self.tol:
            return "precision"
        return "max_iter" if self.status == "epochs" else "callback"

    def _certificate(self, result: Any) -> Certificate:
        """Certify the returned weights; for exact data, the program's own certificate serves."""
        own = self._program.proven
        if self.problem.exact and result.status == "converged" and own.gap <= self.tol:
            return own
        return certify(
            self.columns, self.y, self.coef, self.alpha, centred=self.centred,
            positive=self.positive,
        )  # fmt: skip

    def _intercept(self, result: Any) -> float:
        """Return the best intercept for the returned weights."""
        coef = self.coef.astype(np.float64, copy=False)
        if self.problem.exact and self._columns is None:
            return float(self.problem.y_mean - result.state["mean"] @ coef)
        used = np.flatnonzero(coef)
        products = self.columns.means()[used] * coef[used]
        with np.errstate(over="ignore", invalid="ignore"):
            whole = np.append(products, -self.problem.y_mean)
        most = np.finfo(np.float64).max
        return -math.fsum(whole) if np.all(np.abs(whole) < most / len(whole)) else 0.0

    def _worth_more(self) -> bool:
        """Return whether another run, with a smaller tolerance, should start from these weights."""
        short = self.status == "converged" and self.certificate.gap > self.tol
        if not short or self._left == 0 or self.epochs >= self.max_iter:
            return False
        if not self.certificate.rounding <= 0.5 * self.tol:
            return False
        self._left -= 1
        self._asked *= TIGHTER
        self.start = self.coef
        return True


def _canonical(X: Any) -> Any:
    """Return X, if sparse with sorted, unique indices; the user's matrix is not changed."""
    if sp.issparse(X) and not (X.has_sorted_indices and X.has_canonical_format):
        X = X.copy()
        X.sum_duplicates()
    return X
