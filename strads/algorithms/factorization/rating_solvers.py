"""Factorisation of ratings: the fit by each solver, its continuation, and the fold-in of users."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.factorization.estimator import FactorEstimator
from strads.algorithms.factorization.programs.als import AlternatingLeastSquares
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.algorithms.factorization.programs.factors import Entries, in_type
from strads.algorithms.factorization.programs.fold import ConstrainedFoldIn, FoldIn
from strads.algorithms.factorization.programs.mapped import MappedLeastSquares
from strads.algorithms.factorization.programs.rows import Model
from strads.algorithms.factorization.programs.sgd import SQUARES, GradientFactorization, scale_of
from strads.algorithms.factorization.update import extended
from strads.datasets import MappedMatrix
from strads.kernels.factors.gradient_steps import BIAS, FACTORS, OWN, STATE

#: Weights and targets of squared errors of ratings; see :mod:`strads.kernels.factors.row_terms`.
RATINGS = (1.0, 0.0, 0.0, 1.0, 1.0, 0.0)


class RatingSolvers(FactorEstimator):
    """Base of ``MatrixFactorization``: calls its solvers and takes their results."""

    user_sums_: np.ndarray
    item_sums_: np.ndarray

    def _start(self, users: int) -> dict[str, np.ndarray]:
        """Return the fitted factors, biases and sums as start values, with rows for new users."""
        return {
            **self._begun(users), "b": extended(self.user_biases_, users, 0.0),
            "c": self.item_biases_.copy(),
            "user_sums": extended(self.user_sums_, users, SQUARES), "item_sums": self.item_sums_,
        }  # fmt: skip

    def _stopping(self, started: bool) -> dict[str, Any]:
        patience = int(self.n_iter_no_change) if self.early_stopping and not started else None
        return {"tol": float(self.tol), "patience": patience}

    def _descend(self, X: Any, held: Entries, begin: dict[str, np.ndarray]) -> None:
        workers = workers_for(self.n_workers, X.nnz)
        mean, deviation = scale_of(X.data, bool(self.biases))
        root = self._dtype().type(np.sqrt(deviation))
        given = {}
        if begin:
            mean = self.global_mean_
            given = {"W": begin["W"] / root, "H": begin["H"] / root}
            given["w_state"] = states(begin["b"] / deviation, begin["user_sums"], self._dtype())
            given["h_state"] = states(begin["c"] / deviation, begin["item_sums"], self._dtype())
        program = in_type(GradientFactorization, self._dtype())(
            R=X, components=int(self.n_components), workers=workers, held=held,
            rate=float(self.learning_rate), penalty=float(self.regularization),
            biased=bool(self.biases), scale=(mean, deviation), **self._stopping(bool(begin)),
            **given,
        )  # fmt: skip
        cut = program.partition(seed_of(self.random_state))
        result = self._run(program, workers, cut, epochs=1 if begin else None)
        self._take(result, X)
        self.global_mean_ = mean
        self.user_factors_ *= root
        self.item_factors_ *= root
        # A row without ratings still has its random start values, which mean nothing.
        self.user_factors_[np.diff(X.indptr) == 0] = 0.0
        self.item_factors_[np.bincount(X.indices, minlength=X.shape[1]) == 0] = 0.0
        w_state, h_state = result.state["w_state"], result.state["h_state"]
        self.user_biases_ = w_state[:, BIAS] * self._dtype().type(deviation)
        self.item_biases_ = h_state[:, BIAS] * self._dtype().type(deviation)
        self.user_sums_ = w_state[:, [FACTORS, OWN]]
        self.item_sums_ = h_state[:, [FACTORS, OWN]]

    def _alternate(self, X: Any, held: Entries, begin: dict[str, np.ndarray], solver: str) -> None:
        stays = isinstance(X, MappedMatrix)
        program: Any = MappedLeastSquares if stays else AlternatingLeastSquares
        given: dict[str, Any] = {name: begin[name] for name in ("W", "H", "b", "c") if begin}
        if begin:
            given["mean"] = self.global_mean_
        if solver == "ccd":
            program = CoordinateFactorization
            given |= {"l1": (self.l1 / 2,) * 2, "nonnegative": bool(self.nonnegative)}
            given |= {"schedule": self.schedule, "priorities": self._priorities(X.shape)}
        made = in_type(program, self._dtype())(
            X=X, model=self._model(), penalty=(float(self.regularization),) * 2, held=held,
            components=int(self.n_components), **self._stopping(bool(begin)), **given,
        )  # fmt: skip
        workers = workers_for(self.n_workers, X.nnz)
        result = self._run(made, workers, epochs=1 if begin else None)
        self._take(result, X)
        self.user_biases_, self.item_biases_ = result.state["b"], result.state["c"]
        self.global_mean_ = float(result.state["mean"][0])
        self.user_sums_ = self.item_sums_ = np.empty((0, 2), self._dtype())

    def _model(self) -> Model:
        scaled = self.regularization_scale == "count"
        return Model(RATINGS, scaled=scaled, biased=bool(self.biases))

    def _fold_in(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        constrained = self.l1 > 0 or self.nonnegative
        given: dict[str, Any] = {
            "penalty": (float(self.regularization),) * 2, "c": self.item_biases_,
            "mean": self.global_mean_,
        }  # fmt: skip
        if constrained:
            given |= {"l1": (self.l1 / 2,) * 2, "nonnegative": bool(self.nonnegative)}
        program = ConstrainedFoldIn if constrained else FoldIn
        result = self._solve_rows(program, X, self._model(), **given)
        return result.state["W"][:, : self.n_components].copy(), result.state["b"]


def states(bias: np.ndarray, sums: np.ndarray, dtype: Any) -> np.ndarray:
    """Return the states of rows for the gradient steps; unknown sums get their start value."""
    state = np.zeros((len(bias), STATE), dtype)
    state[:, BIAS] = bias
    state[:, [FACTORS, OWN]] = sums if len(sums) == len(bias) else SQUARES
    return state
