"""The fit of a linear model with a concave penalty to validated data."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from strads.algorithms.common.priorities import priorities_of
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.warnings import NotCertifiedWarning
from strads.algorithms.linear.certified.centring import Columns, columns_of
from strads.algorithms.linear.certified.certified_data import canonical
from strads.algorithms.linear.certified.problem import careful, plain, row_weights
from strads.algorithms.linear.choices import named_schedule, workers_and_budget
from strads.algorithms.linear.concave.concave_penalty import ConcavePenalty
from strads.algorithms.linear.concave.reweighted import ReweightedLasso, ReweightedNewton
from strads.algorithms.linear.concave.support import Concave
from strads.algorithms.linear.given import demand_squares
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.solver.gram_form.rounds import insists
from strads.engine import Program, available_cores, default_engine
from strads.monitoring import USED_UP


class ConcaveFit:
    """X, y and weights of samples, the runs, and their results.

    A run that finds columns that lose too many digits is followed by one on prepared data; one
    whose Newton's method fails, by one in Gram form; one that takes long, by one on all cores.

    Parameters
    ----------
    X : csc matrix or ndarray in Fortran order
    y : ndarray of float64
    weights : ndarray or None
        Weights of the samples.
    loss : Loss or None
        None: half the squared error.
    rho : ConcavePenalty
    centred : bool
        Whether there is an intercept.

    Raises
    ------
    ValueError
        If squares of X or y are not in the range of numbers.
    """

    def __init__(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, loss: Loss | None,
        rho: ConcavePenalty, *, centred: bool,
    ) -> None:  # fmt: skip
        demand_squares(X)
        if not np.abs(y).max() < 1e100:
            raise ValueError(
                f"y has an entry of size {np.abs(y).max():.1e}, whose square is not in the range "
                "of numbers; scale y"
            )
        self.X, self.y, self.weights, self.loss, self.rho = X, y, weights, loss, rho
        self.centred = centred
        self.columns: Columns | None = None
        # A loss takes targets as they are.
        self._target = y if loss is None else np.zeros(len(y))
        self.problem = plain(X, self._target, weights, centred=centred and loss is None)

    def run(self, model: Any, start: np.ndarray | None) -> None:
        """Make as many runs as the fit asks for; the results become attributes of the model.

        Parameters
        ----------
        model : NonconvexRegressor
        start : ndarray or None
            Weights to start from.
        """
        asked = insists(named_schedule(model.schedule)) or model.partition is not None
        workers, budget = workers_and_budget(self.X, model.n_workers, asked=asked)
        form, model.n_iter_, model.history_ = None, 0, []
        while True:
            program = self._program(model, start, form, budget)
            result = self._run(model, program, workers)
            model.n_iter_ += program.epochs_used
            model.history_ = [*model.history_, *result.history]
            if result.status == "unprepared" and self.columns is None:
                self._prepare()
            elif result.status == "rounds":
                start, form = result.state["w"], "gram"
            elif result.status == "long":
                start, workers, budget = result.state["w"], available_cores(), math.inf
            else:
                break
        model.n_iter_ = max(1, model.n_iter_)
        model.coef_, model.statistics_ = result.state["w"], result.statistics
        model.intercept_ = self._intercept(model.coef_, result.state["mean"], program)
        model.stationarity_ = self.stationarity(model)
        model.verdict_ = _verdict(model.stationarity_ <= model.tol, result.status)
        _warn(model, result.status)

    def _prepare(self) -> None:
        """Shift columns that lose too many digits as they are."""
        weight = row_weights(self.weights, len(self.y))
        self.columns = columns_of(canonical(self.X), weight, centred=self.centred)
        self.problem = careful(
            self.X, self.columns, self._target, self.weights,
            centred=self.centred and self.loss is None,
        )  # fmt: skip
        if self.problem.x_exponent:  # a concave penalty has no scale that could go with it
            raise ValueError("X has features of extreme sizes; scale them to a mean square of 1")

    def _program(
        self, model: Any, start: np.ndarray | None, form: str | None, budget: float
    ) -> ReweightedLasso | ReweightedNewton:
        problem = self.problem
        given = {
            "X": problem.X, "rho": self.rho, "alpha": float(model.alpha), "tol": float(model.tol),
            "max_epochs": int(model.max_iter) - model.n_iter_, "centred": int(self.centred),
            "positive": int(model.positive), "schedule": named_schedule(model.schedule),
            "form": form, "budget": budget, "w": start,
            "importance": priorities_of(model.priorities, self.X.shape[1]),
        }  # fmt: skip
        if self.loss is None:
            y = np.ldexp(problem.y, problem.y_exponent)
            return ReweightedLasso(y=y, unit=problem.unit, **given)
        return ReweightedNewton(y=self.y, loss=self.loss, row_weight=problem.unit**2, **given)

    def _run(self, model: Any, program: Program, workers: int) -> Any:
        partition = None if model.partition is None else {"features": model.partition}
        return default_engine().run(
            program, workers=workers, epochs=int(model.max_iter) + 1,
            seed=seed_of(model.random_state), instruments=model.callbacks, partition=partition,
        )  # fmt: skip

    def _intercept(self, w: np.ndarray, mean: np.ndarray, program: Any) -> float:
        """Return the best intercept for columns as they were given."""
        if not self.centred:
            return 0.0
        if self.loss is None:
            means = mean if self.columns is None else self.columns.means()
            return float(np.average(self.y, weights=self.weights) - means @ w)
        shift = 0.0
        if self.columns is not None:
            shift = float(np.ldexp(self.columns.reference, self.columns.exponent) @ w)
        return float(program.intercept) - shift

    def stationarity(self, model: Any) -> float:
        """Return the stationarity residual of a model, from nothing but it and the data."""
        n, weight = len(self.y), self.problem.unit**2
        f = self.X @ model.coef_ + model.intercept_
        theta = self.y - f if self.loss is None else self.loss.at(f, self.y).theta
        if self.centred:
            theta = theta - np.average(theta, weights=weight)
        concave = Concave(self.rho, float(model.alpha), n)
        score = self.X.T @ (weight * theta)
        off = concave.violation(model.coef_, score, positive=model.positive)
        largest = float(off.max(initial=0.0) / concave.slope(np.zeros(1))[0])
        return largest if np.isfinite(largest) else np.inf


def _verdict(stationary: bool, status: str) -> str:
    if stationary:
        return "stationary"
    if status in ("interrupted", USED_UP):
        return status
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
