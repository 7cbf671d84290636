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
from typing import Any

import numpy as np

from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.rounding import Certificate
from strads.engine import Program, Schedule, available_cores, default_engine
from strads.monitoring import USED_UP

#: Number of runs that may follow with a smaller tolerance, and the factor from one to the next.
MORE, TIGHTER = 2, 0.2


class CertifiedFit:
    """State of a fit with one penalty: the program to run next, and the results so far.

    Parameters
    ----------
    data : CertifiedData
    start : ndarray or None
        Weights to start from.
    penalty : Penalty
    tol : float
        Relative duality gap to reach.
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
        self, data: CertifiedData, penalty: Penalty, start: Any, *, tol: float, max_iter: int,
        budget: float = math.inf,
    ) -> None:  # fmt: skip
        self.data, self.penalty, self.start, self.tol = data, penalty, start, tol
        self.max_iter, self.epochs = max_iter, 0
        self.history: list[dict[str, float]] = []
        self._program: Any
        self._left = MORE
        self._asked, self._budget = tol, budget
        self._form: str | None = None
        self._more = True

    def programs(self, schedule: Schedule | None) -> Iterator[Program]:
        """Yield the programs to run; the caller passes the result of each to :meth:`take`."""
        while self._more:
            self._program = self.data.program(
                self.penalty, self.start, tol=self._asked, max_epochs=self.max_iter - self.epochs,
                schedule=schedule, form=self._form, budget=self._budget,
            )  # fmt: skip
            yield self._program

    def take(self, result: Any) -> None:
        """Take the result of a program, and decide whether another run follows."""
        data = self.data
        self.status, self.statistics = result.status, result.statistics
        if result.status == "unprepared" and not data.prepared:
            data.prepare()
            return
        self.epochs += self._program.epochs_used
        self.history = [*self.history, *map(data.problem.figures, result.history)]
        self.coef = data.problem.weights(result.state["w"], data.X.dtype)
        if result.status in ("rounds", "long"):
            self.start = self.coef
            if result.status == "rounds":
                self._form = "gram"
            else:
                self._budget = math.inf
            return
        self._judge(result)
        self._more = self._worth_more()

    @property
    def verdict(self) -> str:
        """Why the fit ended, in one word: `verdict_` of :class:`strads.Lasso`."""
        gap, rounding = self.certificate.gap, self.certificate.rounding
        if gap <= self.tol:
            return "certified"
        if self.status in ("interrupted", USED_UP):
            return self.status
        if self.status in ("converged", "precision", "unprepared") or not np.isfinite(gap):
            return "precision"
        if gap - rounding <= self.tol:
            return "precision"
        return "max_iter" if self.status == "epochs" else "callback"

    def _judge(self, result: Any) -> None:
        """Certify the returned weights, and choose their intercept."""
        own: Certificate = self._program.proven
        holds = self.data.own_gaps and result.status == "converged" and own.gap <= self.tol
        self.certificate, self.intercept = self.data.judged(
            self.coef, self.penalty, own if holds else None, self._program, result.state["mean"]
        )

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


def solve(
    fit: CertifiedFit, schedule: Schedule | None, *, workers: int, seed: int, instruments: Any,
    partition: Any = None,
) -> None:  # fmt: skip
    """Make the runs that a fit asks for, on the default engine.

    After a run that has exceeded the budget of the fit, there is one worker a core.

    Parameters
    ----------
    fit : CertifiedFit
    schedule : Schedule or None
    workers, seed : int
    instruments, partition : Any
        As an engine takes them.
    """
    for program in fit.programs(schedule):
        # A step is a full pass and has an epoch or more, except the first pass of all.
        fit.take(
            default_engine().run(
                program, workers=workers, epochs=fit.max_iter + 1, seed=seed, partition=partition,
                instruments=instruments,
            )
        )  # fmt: skip
        if fit.status == "long":
            workers = available_cores()
