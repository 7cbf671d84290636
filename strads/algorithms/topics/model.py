"""A fitted topic model: words of its topics, topic shares of documents, and perplexity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from strads.algorithms.common.model_files import Saved
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.topics.inference import infer
from strads.algorithms.topics.token_counts import split_tokens, token_counts
from strads.kernels.lanes import padded


class TopicModel(Saved, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of fitted topic models; a subclass adds ``__init__`` and ``fit``.

    Attributes
    ----------
    topic_counts_ : ndarray of int32, shape (n_features, n_components)
        n_wk, the number of tokens of each word in each topic.
    doc_topic_prior_ : ndarray of shape (n_components,)
        Prior α of the topics.
    topic_word_prior_ : float
        Prior β of the words.
    """

    n_components: int
    n_workers: int | None
    random_state: Any

    @property
    def components_(self) -> np.ndarray:
        """Counts plus prior, n_wk + β, of shape (n_components, n_features); not normalised.

        The array is computed at every access.
        """
        check_is_fitted(self)
        return self.topic_counts_.T + self.topic_word_prior_

    @property
    def _n_features_out(self) -> int:
        return int(self.topic_counts_.shape[1])

    def topic_words(
        self, top_n: int = 10, vocabulary: Any = None
    ) -> list[list[tuple[Any, float]]]:  # fmt: skip
        """Return the most likely words of each topic.

        Parameters
        ----------
        top_n : int, default=10
            Number of words of a topic.
        vocabulary : array-like of shape (n_features,), optional
            Names of the columns, in their order; by default those of the data frame of the fit, or
            else the column numbers.

        Returns
        -------
        list of list of (word, probability)
            For each topic, its most likely words, the most likely one first.

        Raises
        ------
        ValueError
            If `top_n` is not a whole number of at least 1, or `vocabulary` does not have a name for
            every column.
        """
        check_is_fitted(self)
        if not isinstance(top_n, Integral) or top_n < 1:
            raise ValueError(f"top_n={top_n!r} must be a whole number of at least 1")
        words, k = self.topic_counts_.shape
        names = self._names(vocabulary)
        mass = self.topic_counts_.sum(axis=0) + words * self.topic_word_prior_
        topics = []
        for t in range(k):
            counts = self.topic_counts_[:, t]
            best = np.argsort(-counts, kind="stable")[:top_n]
            chances = (counts[best] + self.topic_word_prior_) / mass[t]
            topics.append([(names[w], float(p)) for w, p in zip(best, chances, strict=True)])
        return topics

    def _names(self, vocabulary: Any) -> Any:
        words = len(self.topic_counts_)
        if vocabulary is None:
            return getattr(self, "feature_names_in_", range(words))
        says = "give a name for every column of the X that was fitted, in the order of the "
        says += "columns, such as a vectorizer's get_feature_names_out()"
        # A vectorizer's vocabulary_ is a dict, whose order is not that of the columns.
        if isinstance(vocabulary, str | Mapping | Set) or not isinstance(vocabulary, Iterable):
            raise ValueError(f"vocabulary is of type {type(vocabulary).__name__}: {says}")
        names = list(vocabulary)
        if len(names) != words:
            raise ValueError(f"vocabulary has {len(names)} words, the model {words}: {says}")
        return names

    def transform(self, X: Any) -> np.ndarray:
        """Infer the topic shares of documents by the fixed point of CVB0, with φ fixed.

        The result is deterministic; the shares of a document depend neither on other documents nor
        on the number of workers.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents.

        Returns
        -------
        ndarray of float32, shape (n_samples, n_components)
            The shares θ; rows sum to 1. An empty document has the mean of the prior.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If an entry of X is not a count, or X has another number of features than in the fit.
        """
        check_is_fitted(self)
        return self._infer(token_counts(self, X))[0]

    def perplexity(self, X: Any, observed: Any = None) -> float:
        """Return the document-completion perplexity of documents.

        θ is inferred from the observed half of each document's tokens. The perplexity of the other
        half, the judged tokens, is exp(−mean log p) with p = Σ_k θ_k φ_wk (Wallach, Murray,
        Salakhutdinov and Mimno, ICML 2009).

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents.
        observed : {sparse matrix, array} of shape (n_samples, n_features), optional
            Tokens from which to infer θ; then all tokens of X are judged. By default, the tokens of
            X are split at random into two halves, by `random_state`.

        Returns
        -------
        float
            The perplexity; smaller is better.

        Raises
        ------
        ValueError
            If an entry is not a count, the shapes differ, or there is no token to judge.
        """
        likelihood, tokens = self._completion(X, observed)
        return float(np.exp(-likelihood / tokens))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the log-likelihood of the judged half of the tokens; see :meth:`perplexity`.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents.
        y : None
            Ignored.

        Returns
        -------
        float
            The log-likelihood; larger is better.
        """
        return self._completion(X, None)[0]

    def _completion(self, X: Any, observed: Any) -> tuple[float, int]:
        check_is_fitted(self)
        judged = token_counts(self, X)
        if observed is None:
            given, judged = split_tokens(judged, seed_of(self.random_state))
        else:
            given = token_counts(self, observed, name="observed")
            if given.shape != judged.shape:
                raise ValueError(
                    f"observed has shape {given.shape}, X {judged.shape}: give other tokens of the "
                    "same documents, row by row"
                )
        if judged.sum() == 0:
            raise ValueError("X has no token to be judged; give longer documents")
        return self._infer(given, judged)[1], int(judged.sum())

    def _infer(self, X: Any, judged: Any = None) -> tuple[np.ndarray, float]:
        words, k = self.topic_counts_.shape
        phi = np.zeros((words, padded(k)), np.float32)
        mass = self.topic_counts_.sum(axis=0) + words * self.topic_word_prior_
        np.add(self.topic_counts_, self.topic_word_prior_, out=phi[:, :k], casting="same_kind")
        phi[:, :k] /= mass
        workers = workers_for(self.n_workers, X.nnz)
        return infer(X, phi, self.doc_topic_prior_, workers, judged)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        _, k = self.topic_counts_.shape
        return {"doc_topic_prior_": (k,)}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = []
        return tags
