"""The results of a fit of which one run solves all models together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.algorithms.linear.solver.rounding import Certificate
from strads.engine import default_engine, outside_series
from strads.monitoring import USED_UP


def judged(program: Any, result: Any, again: Callable[[np.ndarray], Any]) -> Any:
    """Return the program whose gap is that of the weights that a run returns.

    A run that a callback or Ctrl-C has stopped ends with weights of which no gap has been
    computed. Another program starts from them, judges them and does nothing else.

    Parameters
    ----------
    program : Program
        That of the run.
    result : Result
        Of the run.
    again : callable
        Makes the same program for weights to start from, and without epochs.
    """
    if result.status in ("converged", "epochs", "precision", "unprepared"):
        return program
    judge = again(result.state["w"])
    with outside_series():  # it only judges, and is as good as nothing to compute again
        default_engine().run(judge, workers=1, epochs=2)
    return judge


@dataclass(frozen=True)
class Fitted:
    """Results of a fit.

    Attributes
    ----------
    coef, intercept : ndarray
        Weights, one row a model, and intercepts.
    certificate : Certificate
        The worst of all models.
    status, tol, epochs, history, statistics
        How the run ended, the gap to reach, the number of epochs, and the figures of the run.
    """

    coef: np.ndarray
    intercept: np.ndarray
    certificate: Certificate
    status: str
    tol: float
    epochs: int
    history: list[dict[str, float]]
    statistics: dict[str, Any]

    @property
    def verdict(self) -> str:
        """Why the fit ended, in one word: `verdict_` of the estimators."""
        if self.certificate.gap <= self.tol:
            return "certified"
        if self.status in ("interrupted", USED_UP):
            return self.status
        if self.status in ("converged", "precision") or not np.isfinite(self.certificate.gap):
            return "precision"
        return "max_iter" if self.status == "epochs" else "callback"

    def keep(self, model: Any) -> None:
        """Make what is not of single models attributes of an estimator."""
        model.verdict_ = self.verdict
        model.certified_ = self.verdict == "certified"
        model.n_iter_ = max(1, self.epochs)
        model.history_, model.statistics_ = self.history, self.statistics
