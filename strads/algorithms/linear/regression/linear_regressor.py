"""What all linear models of one real target share once they are fitted."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, RegressorMixin

from strads.algorithms.common.model_files import Saved
from strads.algorithms.linear.given import to_predict


class LinearRegressor(Saved, RegressorMixin, BaseEstimator):
    """Base of estimators with weights ``coef_`` and an intercept ``intercept_``."""

    _certifies: ClassVar[bool] = True  # `tol` bounds the figure "certificate"
    coef_: np.ndarray
    intercept_: Any

    def predict(self, X: Any) -> np.ndarray:
        """Predict Xw + b, or exp(Xw + b) where the loss has that link (`link_`).

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Samples to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predicted targets.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If X is invalid or has another number of features than in the fit.
        """
        X = to_predict(self, X)
        predicted: np.ndarray = np.asarray(X @ self.coef_.T) + self.intercept_
        if getattr(self, "link_", "identity") == "identity":
            return predicted
        with np.errstate(over="ignore"):
            return np.exp(predicted)

    @property
    def sparse_coef_(self) -> Any:
        """The weights `coef_` as sparse rows, one for each target."""
        return sp.csr_array(np.atleast_2d(self.coef_))

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        targets = np.shape(getattr(self, "coef_", ()))[:-1]
        return {"coef_": (*targets, self.n_features_in_)}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
