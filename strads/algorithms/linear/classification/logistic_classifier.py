"""What logistic regressions share once they are fitted: probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, softmax

from strads.algorithms.linear.classification.linear_classifier import LinearClassifier


class LogisticClassifier(LinearClassifier):
    """Base of classifiers whose decision function is the logarithm of odds."""

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`. Of more than two classes, those of separate
            models are divided by their sum.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If X is invalid or has another number of features than in the fit.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        if getattr(self, "multi_class", "ovr") == "multinomial":
            together: np.ndarray = softmax(scores, axis=1)
            return together
        shares: np.ndarray = expit(scores)
        sums = shares.sum(axis=1, keepdims=True)
        even = np.full_like(shares, 1.0 / shares.shape[1])
        return np.divide(shares, sums, out=even, where=sums > 0.0)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithms of the probabilities of the classes; see :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithms: np.ndarray = np.log(self.predict_proba(X))
        return logarithms
