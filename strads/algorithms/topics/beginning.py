"""Where sampling begins: priors, the topics of an earlier fit, or documents without a token."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from strads.algorithms.topics.counts.token_counts import counted
from strads.algorithms.topics.sampler import Begin


def priors(model: Any) -> tuple[np.ndarray, float]:
    """Return α of every topic and β, which are 1 / `n_components` where nothing else is given."""
    k = int(model.n_components)
    alpha = 1.0 / k if model.doc_topic_prior is None else float(model.doc_topic_prior)
    beta = 1.0 / k if model.topic_word_prior is None else float(model.topic_word_prior)
    return np.full(k, alpha), beta


def demand_fitted(model: Any, X: Any) -> None:
    """Refuse to go on with another number of tokens or topics than were fitted."""
    fitted = model.topic_counts_.shape[1]
    if X.sum() != len(model.assignments_) or fitted != model.n_components:
        raise ValueError(
            f"warm_start=True: X has {X.sum()} tokens and n_components is {model.n_components}, "
            f"but {len(model.assignments_)} tokens were fitted with {fitted} topics; give the "
            "same, or set warm_start=False"
        )


def going_on(model: Any, X: Any) -> Begin:
    """Return the topics of the last fit to X; tokens of documents before it remain counted."""
    demand_fitted(model, X)
    base = model.topic_counts_ - counted(X, model.assignments_, model.topic_counts_.shape)
    if base.min() < 0:
        word = int(np.argmax(base.min(axis=1) < 0))
        raise ValueError(
            f"warm_start=True: X has more tokens in column {word} than were fitted there with the "
            "same topics; give the X that was fitted, or set warm_start=False"
        )
    return Begin(model.assignments_, base if base.any() else None, model.n_iter_)


def sample_nothing(
    model: Any, words: int, alpha: np.ndarray, beta: float, begin: Begin, also: str = ""
) -> None:  # fmt: skip
    """Set the fitted attributes for documents without a token: counts stay what they were.

    Parameters
    ----------
    model : TopicModel
    words : int
    alpha : ndarray of shape (topics,)
    beta : float
    begin : Begin
    also : str
        What else is equally likely, for the warning.
    """
    k = len(alpha)
    if begin.base is None:
        warnings.warn(
            f"X holds no token: all words are equally likely in every topic{also}; give documents "
            "with words", stacklevel=5,
        )  # fmt: skip
    model.assignments_ = np.zeros(0, np.uint16)
    model.topic_counts_ = np.zeros((words, k), np.int32) if begin.base is None else begin.base
    model.doc_topic_prior_, model.topic_word_prior_ = np.asarray(alpha, np.float64), float(beta)
    model.n_iter_, model.bound_ = begin.sweeps, float("nan")
    model.statistics_ = {"executor": "none", "workers": 1, "reasons": {"sampler": "no token"}}
