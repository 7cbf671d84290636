"""Factorisation of implicit feedback: the fit by each solver, and the fold-in of new users."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.workers import workers_for
from strads.algorithms.factorization.estimator import FactorEstimator
from strads.algorithms.factorization.fitted.ranking import best_products, ndcg_at, positive
from strads.algorithms.factorization.in_files import demand_served, extremes
from strads.algorithms.factorization.programs.als import AlternatingLeastSquares
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.algorithms.factorization.programs.factors import NONE, Entries, Ranking, in_type
from strads.algorithms.factorization.programs.fold import ConstrainedFoldIn, FoldIn
from strads.algorithms.factorization.programs.held_out import held_out
from strads.algorithms.factorization.programs.mapped import MappedLeastSquares
from strads.algorithms.factorization.programs.rows import Model
from strads.datasets import MappedMatrix

#: Length of the recommendation lists by which early stopping judges the factors.
TOP = 10


class ImplicitSolvers(FactorEstimator):
    """Base of ``ImplicitFactorization``: calls its solvers and takes their results."""

    def _fit(
        self, whole: Any, start: dict[str, Any], epochs: int | None, validation: Any = None
    ) -> Self:
        stays = isinstance(whole, MappedMatrix)
        if stays:
            demand_served(self, self.solver, held=validation is not None)
        self._demand_confidences(whole)
        X, held = (whole, NONE) if start else held_out(self, whole, validation)
        constrained = self.nonnegative or self.schedule != "round-robin"
        if constrained and self.solver != "ccd":
            raise ValueError("nonnegative, and schedules 'priority' and 'auto', need solver='ccd'")
        self._demand_skipping()
        program: Any = MappedLeastSquares if stays else AlternatingLeastSquares
        given: dict[str, Any] = dict(start)
        if self.solver == "ccd":
            program = CoordinateFactorization
            given |= {
                "nonnegative": bool(self.nonnegative), "schedule": self.schedule,
                "priorities": self._priorities(whole.shape),
            }  # fmt: skip
        made = in_type(program, self._dtype())(
            X=X, model=self._model(), penalty=(float(self.regularization),) * 2,
            components=int(self.n_components), tol=float(self.tol),
            ranking=self._ranking(X, held) if len(held.value) else None,
            patience=int(self.n_iter_no_change) if self.early_stopping and not start else None,
            **given,
        )  # fmt: skip
        workers = workers_for(self.n_workers, X.nnz)
        self._take(self._run(made, workers, epochs=epochs), whole)
        return self

    def _ranking(self, X: Any, held: Entries) -> Ranking:
        """Return a function that judges factors by NDCG@10 on the held-out entries."""
        relevant = positive(sp.csr_array((held.value, (held.user, held.item)), shape=X.shape))
        users, k = np.flatnonzero(np.diff(relevant.indptr)), int(self.n_components)

        def judge(W: np.ndarray, H: np.ndarray) -> float:
            left, right = W[users, :k], np.ascontiguousarray(H[:, :k])
            found, _ = best_products(left, right, TOP, excluded=lambda part: X[users[part]])
            return ndcg_at(TOP, found, relevant[users])

        return judge

    def _demand_confidences(self, X: Any) -> None:
        if isinstance(X, MappedMatrix):
            if extremes(X)[0] < 0.0:
                raise ValueError(
                    f"Negative values in data: {X!r} has {extremes(X)[0]:g}, but confidences "
                    "cannot be negative; leave out items that a user dislikes"
                )
        elif X.data.min(initial=0.0) < 0.0:
            at = int(np.argmin(X.data))
            row = int(np.searchsorted(X.indptr, at, side="right")) - 1
            raise ValueError(
                f"Negative values in data: X[{row}, {X.indices[at]}] is {X.data[at]:g}, but "
                "confidences cannot be negative; leave out items that a user dislikes, or use "
                "MatrixFactorization"
            )

    def _model(self) -> Model:
        a = float(self.alpha)
        terms = (-1.0, a, 0.0, a, 0.0, 1.0)
        if self.confidence == "linear":
            terms = (0.0, a, 1.0, a, 0.0, 1.0)
        return Model(terms, everything=True)

    def _fold_in(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        self._demand_confidences(X)
        given: dict[str, Any] = {"penalty": (float(self.regularization),) * 2}
        if self.nonnegative:
            given["nonnegative"] = True
        program = ConstrainedFoldIn if self.nonnegative else FoldIn
        result = self._solve_rows(program, X, self._model(), **given)
        return result.state["W"][:, : self.n_components].copy(), result.state["b"]
