"""What fitted Gaussian models with a sparse precision can do, and checks of what they are given."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.covariance import EmpiricalCovariance
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING
from strads.algorithms.common.model_files import Saved
from strads.algorithms.covariance.covariances import Covariances, covariances_of
from strads.algorithms.covariance.given import demand_variances
from strads.algorithms.covariance.solution import Solution
from strads.algorithms.covariance.solve import Solved
from strads.engine import sound

#: Constraints of the parameters that all estimators of this folder have.
RUNNING: dict[str, list[Any]] = {
    "tol": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "verbose": ["verbose"],
    "assume_centered": ["boolean"],
    "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
    "random_state": ["random_state"],
    "callbacks": CALLBACKS,
    **LASTING,
}
#: Constraints of the parameters of the graphical Lasso.
GRAPHICAL: dict[str, list[Any]] = {
    **RUNNING,
    "mode": [StrOptions({"cd", "lars"})],
    "enet_tol": [Interval(Real, 0, None, closed="right")],
    "eps": [Interval(Real, 0, None, closed="both")],
    "sparse_output": ["boolean"],
}


class GaussianModel(Saved, EmpiricalCovariance):
    """Base of ``GraphicalLasso`` and ``GraphicalLassoCV``."""

    store_precision = True
    location_: np.ndarray
    covariance_: Any
    precision_: Any

    def score(self, X_test: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of samples, as scikit-learn's classes do.

        Parameters
        ----------
        X_test : array-like of shape (n_rows, n_features)
        y : None
            Ignored.

        Returns
        -------
        float
            (log det Θ − tr(S Θ) − p log 2π) / 2, with S of the samples about ``location_``.
        """
        distances = self.mahalanobis(X_test)
        p = len(self.location_)
        return float(0.5 * (self._logdet - distances.mean() - p * np.log(2.0 * np.pi)))

    def mahalanobis(self, X: Any) -> np.ndarray:
        """Return the squared Mahalanobis distances of samples from ``location_``.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        check_is_fitted(self)
        X = validate_data(self, sound(X), reset=False, dtype=np.float64) - self.location_
        return np.asarray(np.einsum("ij,ij->i", X @ self.precision_, X))

    @property
    def _logdet(self) -> float:
        """Log det Θ, of each component."""
        theta, labels = self.precision_, self.labels_
        total, order = 0.0, np.argsort(labels, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
            part = theta[members][:, members]
            total += float(np.linalg.slogdet(part.toarray() if sp.issparse(part) else part)[1])
        return total

    def _take(self, solved: Solved, solution: Solution) -> None:
        """Set the fitted attributes of a solution."""
        sparse = bool(self.sparse_output)
        self.covariance_ = solution.covariance(sparse=sparse)
        self.precision_ = solution.precision(sparse=sparse)
        self.labels_ = solution.labels
        self.objective_, self.dual_gap_ = solution.objective, solution.gap
        self.verdict_ = solved.verdict(float(self.tol))
        self.certified_ = self.verdict_ == "certified"
        self.n_iter_, self.history_ = len(solved.history), solved.history
        self.costs_ = [(step["objective"], step["gap"]) for step in solved.history]
        self.statistics_ = solved.statistics

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        p = self.n_features_in_
        return {"location_": (p,), "labels_": (p,)}


def from_data(X: np.ndarray, location: np.ndarray) -> Covariances:
    """Return the covariances of validated data.

    Raises
    ------
    ValueError
        If a variable is constant.
    """
    found = covariances_of(X, location)
    demand_variances(found.diagonal, np.square(X).mean(axis=0))
    return found
