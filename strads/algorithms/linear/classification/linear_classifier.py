"""What all linear classifiers share once they are fitted."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import compute_class_weight

from strads.algorithms.common.model_files import Saved
from strads.algorithms.linear.given import to_predict


class LinearClassifier(Saved, ClassifierMixin, BaseEstimator):
    """Base of classifiers with weights ``coef_`` and intercepts ``intercept_``.

    With two classes there is one row of weights, for the second class; else there is one a class.
    """

    _certifies: ClassVar[bool] = True  # `tol` bounds the figure "certificate"
    classes_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray

    def decision_function(self, X: Any) -> np.ndarray:
        """Return Xw + b for every row of weights.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Values above zero speak for the class; of shape (n_samples,), for the second of two.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If X is invalid or has another number of features than in the fit.
        """
        X = to_predict(self, X)
        scores = np.asarray(X @ self.coef_.T) + self.intercept_
        return scores.ravel() if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label with the largest value of :meth:`decision_function`.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If X is invalid or has another number of features than in the fit.
        """
        scores = self.decision_function(X)
        chosen = (scores > 0.0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)
        labels: np.ndarray = self.classes_[chosen]
        return labels

    @property
    def sparse_coef_(self) -> Any:
        """The weights `coef_` as sparse rows."""
        return sp.csr_array(self.coef_)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        rows = len(getattr(self, "classes_", ()))
        rows = 1 if rows == 2 else rows
        labels = max(2, len(getattr(self, "classes_", ())))
        shapes = {"coef_": (rows, self.n_features_in_), "intercept_": (rows,)}
        return {**shapes, "classes_": (labels,)}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def class_weights(
    weights: np.ndarray | None, class_weight: Any, labels: np.ndarray, y: np.ndarray
) -> np.ndarray | None:
    """Return the weights of the samples, times those of their classes.

    Parameters
    ----------
    weights : ndarray or None
        Weights of the samples; None for equal ones.
    class_weight : dict, "balanced" or None
        As scikit-learn takes it.
    labels : ndarray of shape (n_classes,)
    y : ndarray of int
        Number of the label of every sample.

    Raises
    ------
    ValueError
        If no sample of a class has a weight above zero.
    """
    if class_weight is not None:
        of_class = compute_class_weight(class_weight, classes=labels, y=labels[y])
        weights = of_class[y] if weights is None else weights * of_class[y]
    if weights is not None:
        for column, label in enumerate(labels.tolist()):
            if not weights[y == column].max() > 0.0:
                raise ValueError(f"no sample of class {label!r} has a weight above zero")
    return weights


def one_or_all(labels: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Return a target of 0 and 1 for every model: the second of two classes, or each of several.

    Parameters
    ----------
    labels : ndarray of shape (n_classes,)
    y : ndarray of int
        Number of the label of every sample.
    """
    columns = [1] if len(labels) == 2 else range(len(labels))
    return [(y == column).astype(np.float64) for column in columns]
