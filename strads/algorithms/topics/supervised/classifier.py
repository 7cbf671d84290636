"""A fitted topic model that has weights for labels: decisions, predictions, topics of a label."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from strads.algorithms.topics.model import TopicModel


class TopicClassifier(ClassifierMixin, TopicModel):
    """Base of supervised topic models; a subclass adds ``__init__`` and ``fit``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    coef_ : ndarray of shape (n_classes, n_components), or (1, n_components) for two classes
        The weight of each topic for each label.
    multilabel_ : bool
        Whether documents have several labels.
    """

    classes_: np.ndarray
    coef_: np.ndarray
    multilabel_: bool

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the score of each label: the topic shares of a document times the label's weights.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents. Words that were in no fitted document are dropped.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Scores. Of two classes there is one, and above zero it speaks for the second.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If an entry of X is not a count, or X has another number of features than in the fit.
        """
        scores = self.transform(X).astype(np.float64) @ self.coef_.T
        one = scores.shape[1] == 1 and not self.multilabel_
        return scores.ravel() if one else scores

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label with the largest score or, of several labels, those above zero.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents. Words that were in no fitted document are dropped.

        Returns
        -------
        ndarray of shape (n_samples,), or of int64 and shape (n_samples, n_classes)
            Labels, or an indicator: 1 where a document has a label, else 0.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If an entry of X is not a count, or X has another number of features than in the fit.
        """
        scores = self.decision_function(X)
        if self.multilabel_:
            return (scores > 0.0).astype(np.int64)
        chosen = (scores > 0.0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)
        labels: np.ndarray = self.classes_[chosen]
        return labels

    def topics_of(self, label: Any) -> np.ndarray:
        """Return the numbers of the topics that speak for a label, the most telling one first.

        Parameters
        ----------
        label : object
            One of ``classes_``.

        Returns
        -------
        ndarray of int64
            Topics with a weight above zero, by falling weight.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If there is no such label.
        """
        check_is_fitted(self)
        found = [k for k, known in enumerate(self.classes_.tolist()) if known == label]
        if len(found) != 1:
            raise ValueError(
                f"label={label!r} is none of the {len(self.classes_)} labels in classes_, such as "
                f"{self.classes_.tolist()[0]!r}"
            )
        row = int(found[0])
        one = len(self.coef_) == 1 and not self.multilabel_  # the weights of the second class
        weights = self.coef_[0] * (1.0 if row == 1 else -1.0) if one else self.coef_[row]
        order = np.argsort(-weights, kind="stable")
        return order[weights[order] > 0.0]

    def topic_words(
        self, top_n: int = 10, vocabulary: Any = None, *, label: Any = None
    ) -> list[list[tuple[Any, float]]]:  # fmt: skip
        """Return the most likely words of each topic, or of the topics that speak for a label.

        Parameters
        ----------
        top_n : int, default=10
            Number of words of a topic.
        vocabulary : array-like of shape (n_features,), optional
            Names of the columns, in their order; by default those of the data frame of the fit, or
            else the column numbers.
        label : object, optional
            One of ``classes_``: return the topics of :meth:`topics_of`, in that order.

        Returns
        -------
        list of list of (word, probability)
            For each topic, its most likely words, the most likely one first.

        Raises
        ------
        ValueError
            If `top_n` is not a whole number of at least 1, `vocabulary` does not have a name for
            every column, or there is no such label.
        """
        topics = super().topic_words(top_n, vocabulary)
        return topics if label is None else [topics[k] for k in self.topics_of(label)]

    def fit_transform(self, X: Any, y: Any = None, *, normalize: bool = True) -> np.ndarray:
        """Fit, then infer the topic shares of the same documents, without their labels.

        Equal to ``fit(X, y).transform(X)``.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents.
        y : array-like of shape (n_samples,), or indicator of shape (n_samples, n_classes)
            Labels.
        normalize : bool, default=True
            See :meth:`transform`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            See :meth:`transform`.
        """
        fitted: TopicClassifier = self.fit(X, y)
        return fitted.transform(X, normalize=normalize)

    def _counts(self, X: Any, name: str = "X") -> Any:
        """Validate counts, and drop words that were in no fitted document: they tell nothing."""
        counts = super()._counts(X, name)
        seen = self.topic_counts_.any(axis=1)
        if not seen[counts.indices].all():
            counts = counts.copy()
            counts.data[~seen[counts.indices]] = 0
            counts.eliminate_zeros()
        return counts

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super()._shapes()
        labels = len(getattr(self, "classes_", ()))
        rows = 1 if labels == 2 and not getattr(self, "multilabel_", False) else labels
        return {**shapes, "classes_": (labels,), "coef_": (rows, self.topic_counts_.shape[1])}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        # The checks of scikit-learn have classes of points in a plane, here documents of two words.
        # Topic shares know only the proportion of both, so that such classes are not all apart.
        tags.classifier_tags.poor_score = True
        return tags
