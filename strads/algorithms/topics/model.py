"""A fitted topic model: words of its topics, topic shares of documents, and perplexity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from scipy.special import psi
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from strads.algorithms.common.model_files import Saved
from strads.algorithms.topics.arguments import number_of_workers
from strads.algorithms.topics.counts.token_counts import split_tokens, token_counts
from strads.algorithms.topics.inference import infer
from strads.datasets import MappedMatrix
from strads.kernels.lanes import padded


class TopicModel(Saved, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of fitted topic models; a subclass adds ``__init__`` and ``fit``.

    Attributes
    ----------
    topic_counts_ : ndarray of int32, shape (n_features, n_components)
        n_wk, the number of tokens of each word in each topic.
    assignments_ : ndarray of uint16, shape (tokens,)
        Topic of every token of the fitted documents, document by document.
    doc_lengths_ : ndarray of int64, shape (n_samples,)
        Number of tokens of each fitted document.
    doc_topic_prior_ : ndarray of shape (n_components,)
        Prior α of the topics.
    topic_word_prior_ : float
        Prior β of the words.
    dtype_ : {"float32", "float64"}
        Of `components_` and of the shares of documents.
    seed_ : int
        Seed of the last fit, by which `perplexity` and `score` split the tokens.
    """

    _in_files: ClassVar[bool] = False  # whether counts may stay in files

    n_components: int
    mean_change_tol: float
    max_doc_update_iter: int
    n_workers: int | None
    n_jobs: int | None

    @property
    def components_(self) -> np.ndarray:
        """Counts plus prior, n_wk + β, of shape (n_components, n_features); not normalised.

        The array is computed at every access.
        """
        check_is_fitted(self)
        counts = self.topic_counts_.T.astype(self.dtype_)
        counts += self.topic_word_prior_
        return counts

    @property
    def exp_dirichlet_component_(self) -> np.ndarray:
        """exp(E[ln φ]), of shape (n_components, n_features), for φ_k ~ Dirichlet(n_k + β).

        This is the distribution of a topic's words given the topics of all tokens. The array is
        computed at every access.
        """
        counts = self.components_
        return np.exp(psi(counts) - psi(counts.sum(axis=1, keepdims=True)))

    @property
    def doc_topic_(self) -> np.ndarray:
        """Topic shares of the documents of the last fit, of shape (n_samples, n_components).

        (n_dk + α_k) / (N_d + Σα), from the topics that were sampled last: a look at
        ``assignments_``, and no inference. ``transform`` of the same documents infers their topics
        anew, without the noise of one sample. The array is computed at every access.
        """
        check_is_fitted(self)
        ends = np.concatenate([[0], np.cumsum(self.doc_lengths_)])
        ones = np.ones(len(self.assignments_), self.dtype_)
        shape = len(self.doc_lengths_), self._n_features_out
        topics = sp.csr_array((ones, self.assignments_.astype(np.int32), ends), shape=shape)
        shares = topics.toarray()  # adds the ones of a topic up
        shares += self.doc_topic_prior_.astype(self.dtype_)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

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

    def transform(self, X: Any, *, normalize: bool = True) -> np.ndarray:
        """Infer the topic shares of documents by the fixed point of CVB0, with φ fixed.

        The result is deterministic; the shares of a document depend neither on other documents nor
        on the number of workers.

        Parameters
        ----------
        X : {sparse matrix, array, MappedMatrix} of shape (n_samples, n_features)
            Counts of words in documents.
        normalize : bool, default=True
            If false, rows are expected counts plus prior, whose sum is N_d + Σα, instead of shares.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The shares θ, in the dtype of ``components_``; rows sum to 1. An empty document has the
            mean of the prior. They are computed in single precision.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If an entry of X is not a count, or X has another number of features than in the fit.
        """
        if isinstance(X, MappedMatrix):
            check_is_fitted(self)
            rows = token_counts(self, X).parts(np.arange(X.shape[0]))
            return np.concatenate([self.transform(X[some], normalize=normalize) for some in rows])
        X = self._counts(X)
        shares = self._infer(X)[0].astype(self.dtype_, copy=False)
        if shares.dtype == np.float64:
            shares /= shares.sum(axis=1, keepdims=True)
        if not normalize:
            lengths = np.asarray(X.sum(axis=1)).reshape(-1, 1)
            shares *= (lengths + self.doc_topic_prior_.sum()).astype(shares.dtype)
        return shares

    def fit_transform(self, X: Any, y: Any = None, *, normalize: bool = True) -> np.ndarray:
        """Fit, then infer the topic shares of the same documents.

        Equal to ``fit(X).transform(X)``. ``doc_topic_`` has the shares of the last sample, without
        the time of an inference.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents.
        y : None
            Ignored.
        normalize : bool, default=True
            See :meth:`transform`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            See :meth:`transform`.
        """
        return self.fit(X).transform(X, normalize=normalize)

    def perplexity(self, X: Any, sub_sampling: bool = False, *, observed: Any = None) -> float:
        """Return the document-completion perplexity of documents.

        θ is inferred from the observed half of each document's tokens. The perplexity of the other
        half, the judged tokens, is exp(−mean log p) with p = Σ_k θ_k φ_wk (Wallach, Murray,
        Salakhutdinov and Mimno, ICML 2009).

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents.
        sub_sampling : bool, default=False
            Whether X is a sample of more documents. A mean over tokens is the same in both cases,
            so the result does not depend on it; scikit-learn's does.
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
        if not isinstance(sub_sampling, bool | np.bool_):
            raise ValueError(
                f"sub_sampling is of type {type(sub_sampling).__name__} and must be true or false; "
                "give the observed tokens by name: observed=…"
            )
        return float(np.exp(-self._completion(self._counts(X), observed)))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the log-likelihood of documents, estimated from the judged half of their tokens.

        It is −ln(perplexity) for every token of X; see :meth:`perplexity`.

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
        X = self._counts(X)
        return self._completion(X, None) * int(X.sum())

    def _counts(self, X: Any, name: str = "X") -> Any:
        check_is_fitted(self)
        if isinstance(X, MappedMatrix):
            raise ValueError(f"{name} stays in its file: give some of its documents, {name}[rows]")
        return token_counts(self, X, name=name)

    def _completion(self, judged: Any, observed: Any) -> float:
        """Return the mean log-likelihood of a judged token."""
        if observed is None:
            given, judged = split_tokens(judged, self.seed_)
        else:
            given = self._counts(observed, "observed")
            if given.shape != judged.shape:
                raise ValueError(
                    f"observed has shape {given.shape}, X {judged.shape}: give other tokens of the "
                    "same documents, row by row"
                )
        tokens = int(judged.sum())
        if tokens == 0:
            raise ValueError("X has no token to be judged; give longer documents")
        return self._infer(given, judged)[1] / tokens

    def _infer(self, X: Any, judged: Any = None) -> tuple[np.ndarray, float]:
        words, k = self.topic_counts_.shape
        phi = np.zeros((words, padded(k)), np.float32)
        mass = self.topic_counts_.sum(axis=0) + words * self.topic_word_prior_
        np.add(self.topic_counts_, self.topic_word_prior_, out=phi[:, :k], casting="same_kind")
        phi[:, :k] /= mass
        workers = number_of_workers(self.n_workers, self.n_jobs, X.nnz)
        return infer(
            X, phi, self.doc_topic_prior_, workers, judged, steps=int(self.max_doc_update_iter),
            tol=float(self.mean_change_tol),
        )  # fmt: skip

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        _, k = self.topic_counts_.shape
        return {"doc_topic_prior_": (k,)}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        # Of all tags, this one says that X must hold whole numbers, for example to the checks of
        # scikit-learn, which then round their data.
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
