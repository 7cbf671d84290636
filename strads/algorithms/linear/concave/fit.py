"""The fit of a linear model with a concave penalty to validated data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.warnings import NotCertifiedWarning
from strads.algorithms.linear.certified.problem import Problem, plain
from strads.algorithms.linear.choices import named_schedule, workers_and_budget
from strads.algorithms.linear.concave.concave_penalty import ConcavePenalty
from strads.algorithms.linear.concave.reweighted import ReweightedLasso, ReweightedNewton
from strads.algorithms.linear.concave.support import Concave
from strads.algorithms.linear.given import demand_squares
from strads.algorithms.linear.losses.loss import Loss
from strads.engine import default_engine


@dataclass
class ConcaveFit:
    """X, y and weights of samples, the runs, and their results.

    Parameters
    ----------
    X : csc matrix or ndarray in Fortran order
    y : ndarray of float64
    weights : ndarray or None
        Weights of the samples.
    loss : Loss or None
        None: half the squared error.
    rho : ConcavePenalty
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    loss: Loss | None
    rho: ConcavePenalty

    def run(self, model: Any, start: np.ndarray | None) -> None:
        """Make the run, and a second one by coordinate rounds where Newton's method fails.

        The results become attributes of the model.

        Parameters
        ----------
        model : NonconvexRegressor
        start : ndarray or None
            Weights to start from.
        """
        self._demand_moderate()
        result, program = self._run(model, start, None)
        if result.status == "rounds":
            result, program = self._run(model, result.state["w"], "gram")
        model.coef_ = result.state["w"].astype(self.X.dtype)
        w = model.coef_.astype(np.float64)
        model.intercept_ = 0.0
        if model.fit_intercept:
            model.intercept_ = self._intercept(w, result.state["mean"], program)
        model.stationarity_ = self.stationarity(w, model)
        model.n_iter_ = max(1, program.epochs_used)
        model.history_, model.statistics_ = result.history, result.statistics
        model.verdict_ = _verdict(model.stationarity_ <= model.tol, result.status)
        _warn(model, result.status)

    def _demand_moderate(self) -> None:
        demand_squares(self.X)
        if not np.abs(self.y).max() < 1e100:
            raise ValueError(
                f"y has an entry of size {np.abs(self.y).max():.1e}, whose square is not in the "
                "range of numbers; scale y"
            )

    def _problem(self, centred: bool) -> Problem:
        y = self.y if self.loss is None else np.zeros(len(self.y))
        return plain(self.X, y, self.weights, centred=centred and self.loss is None)

    def _run(self, model: Any, start: np.ndarray | None, form: str | None) -> tuple[Any, Any]:
        centred, workers = model.fit_intercept, self._workers(model)
        problem = self._problem(centred)
        given = {
            "X": problem.X, "rho": self.rho, "alpha": float(model.alpha), "tol": float(model.tol),
            "max_epochs": int(model.max_iter), "centred": int(centred), "w": start,
            "positive": int(model.positive), "schedule": named_schedule(model.schedule),
            "form": form,
        }  # fmt: skip
        program: Any
        if self.loss is None:
            y = np.ldexp(problem.y, problem.y_exponent)
            program = ReweightedLasso(y=y, unit=problem.unit, **given)
        else:
            row_weight = problem.unit**2
            program = ReweightedNewton(y=self.y, loss=self.loss, row_weight=row_weight, **given)
        partition = None if model.partition is None else {"features": model.partition}
        result = default_engine().run(
            program, workers=workers, epochs=int(model.max_iter) + 1,
            seed=seed_of(model.random_state), instruments=model.callbacks, partition=partition,
        )  # fmt: skip
        return result, program

    def _workers(self, model: Any) -> int:
        asked = model.schedule is not None or model.partition is not None
        return workers_and_budget(self.X, model.n_workers, asked=asked)[0]

    def _intercept(self, w: np.ndarray, mean: np.ndarray, program: Any) -> float:
        if self.loss is not None:
            return float(program.intercept)
        return float(np.average(self.y, weights=self.weights) - mean @ w)

    def stationarity(self, w: np.ndarray, model: Any) -> float:
        """Return the stationarity residual of weights, from nothing but them and the data."""
        n = len(self.y)
        weight = self._problem(False).unit ** 2
        f = self.X @ w + model.intercept_
        theta = self.y - f if self.loss is None else self.loss.at(f, self.y).theta
        if model.fit_intercept:
            theta = theta - np.average(theta, weights=weight)
        concave = Concave(self.rho, float(model.alpha), n)
        off = concave.violation(w, self.X.T @ (weight * theta), positive=model.positive)
        largest = float(off.max(initial=0.0) / concave.slope(np.zeros(1))[0])
        return largest if np.isfinite(largest) else np.inf


def _verdict(stationary: bool, status: str) -> str:
    if stationary:
        return "stationary"
    if status == "epochs":
        return "max_iter"
    return (
        "precision" if status in ("converged", "precision", "unprepared", "rounds") else "callback"
    )


def _warn(model: Any, status: str) -> None:
    """Warn of a fit that ended before it was stationary, and say why.

    Warns
    -----
    NotCertifiedWarning
        If rounding errors are the reason.
    ConvergenceWarning
        If the epochs were used up, or a callback stopped the fit.
    """
    reached = f"a stationarity residual of {model.stationarity_:.2e}, above tol={model.tol:.2e}"
    if model.verdict_ == "precision":
        warnings.warn(
            f"Rounding errors end the fit at {reached}. Scale the features and y to ordinary "
            "sizes, subtract large means, give X in double precision, or raise tol.",
            NotCertifiedWarning, stacklevel=4,
        )  # fmt: skip
    elif model.verdict_ == "callback":
        warnings.warn(
            f"The fit ended before it converged ({status}), at {reached}.", ConvergenceWarning,
            stacklevel=4,
        )  # fmt: skip
    elif model.verdict_ == "max_iter":
        warnings.warn(
            "Objective did not converge. You might want to increase the number of iterations, "
            f"max_iter, or raise tol or alpha: the fit ended after {model.n_iter_} epochs at "
            f"{reached}.", ConvergenceWarning, stacklevel=4,
        )  # fmt: skip
