"""What solvers are compared by, computed here from their answers alone, in double precision.

* The joint log-likelihood of words w and topics z, a token, with all terms of the priors::

      log p(w, z) = Σ_d [lnΓ(Kα) − lnΓ(Kα + n_d) + Σ_k (lnΓ(α + n_dk) − lnΓ(α))]
                  + Σ_k [lnΓ(Vη) − lnΓ(Vη + n_k) + Σ_w (lnΓ(η + n_wk) − lnΓ(η))]

* The perplexity of a document's hidden tokens by proportions θ inferred from the observed ones.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.special import gammaln

from bench.topics.data import counted

#: Priors of all solvers.
ALPHA, ETA = 0.1, 0.01
#: Proportions are settled when they change by less than this in total.
SETTLED, MOST = 1e-4, 300


class Tokens(NamedTuple):
    """Document, word and topic of every token, in any order."""

    documents: np.ndarray
    words: np.ndarray
    topics: np.ndarray


def log_likelihood(tokens: Tokens, counts: sp.csr_matrix, topics: int) -> float:
    """Joint log-likelihood a token; tokens of another corpus are a ValueError."""
    total = int(counts.data.sum(dtype=np.int64))
    if len(tokens.words) != total or len(tokens.topics) != total:
        raise ValueError(f"{len(tokens.words)} tokens were given topics, not {total}")
    n_d = np.bincount(tokens.documents, minlength=counts.shape[0])
    n_w = np.bincount(tokens.words, minlength=counts.shape[1])
    if not (
        np.array_equal(n_d, counts.sum(axis=1).A1) and np.array_equal(n_w, counts.sum(axis=0).A1)
    ):
        raise ValueError("tokens of another corpus were given topics")
    n_k = np.bincount(tokens.topics, minlength=topics)
    documents, words = counts.shape
    value = documents * gammaln(topics * ALPHA) - gammaln(topics * ALPHA + n_d).sum()
    value += topics * gammaln(words * ETA) - gammaln(words * ETA + n_k).sum()
    value += _rising(tokens.documents, tokens.topics, (documents, topics), ALPHA)
    value += _rising(tokens.words, tokens.topics, (words, topics), ETA)
    return float(value / total)


def topics_of_words(tokens: Tokens, words: int, topics: int) -> np.ndarray:
    """Smoothed share φ of every word in every topic, shape (topics, words)."""
    n_kw = counted(tokens.topics, tokens.words, (topics, words)).toarray() + ETA
    return n_kw / n_kw.sum(axis=1, keepdims=True)


def proportions(phi: np.ndarray, observed: sp.csr_matrix) -> np.ndarray:
    """Proportions θ of topics in documents, shape (documents, topics), for topics held fixed.

    By the fixed point θ_k ∝ α + Σ_w c_w φ_wk θ_k / Σ_j φ_wj θ_j.
    """
    by_word = np.ascontiguousarray(phi.T, dtype=np.float64)
    theta = np.full((observed.shape[0], len(phi)), 1.0 / len(phi))
    for d in range(observed.shape[0]):
        row = slice(observed.indptr[d], observed.indptr[d + 1])
        _settle(by_word[observed.indices[row]], observed.data[row].astype(np.float64), theta[d])
    return theta


def perplexity(theta: np.ndarray, phi: np.ndarray, hidden: sp.csr_matrix) -> float:
    """Perplexity of hidden tokens."""
    by_word, total = np.ascontiguousarray(phi.T, dtype=np.float64), 0.0
    for d in range(hidden.shape[0]):
        row = slice(hidden.indptr[d], hidden.indptr[d + 1])
        total += float(hidden.data[row] @ np.log(by_word[hidden.indices[row]] @ theta[d]))
    return float(np.exp(-total / hidden.data.sum(dtype=np.int64)))


def _settle(shares: np.ndarray, counts: np.ndarray, theta: np.ndarray) -> None:
    """Iterate one document's θ in place; `shares` are the rows of its words."""
    whole = counts.sum() + len(theta) * ALPHA
    for _ in range(MOST):
        new = (ALPHA + theta * (shares.T @ (counts / (shares @ theta)))) / whole
        change = np.abs(new - theta).sum()
        theta[:] = new
        if change < SETTLED:
            return


def _rising(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], prior: float) -> float:
    """Σ lnΓ(prior + n) − lnΓ(prior) over the counts n of pairs; those of 0 add nothing."""
    sizes = np.bincount(counted(rows, columns, shape).data)
    n = np.flatnonzero(sizes)
    return float(sizes[n] @ (gammaln(prior + n) - gammaln(prior)))
