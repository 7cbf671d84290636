"""Collapsed Gibbs sampling of topics that computes the odds of every topic: for few topics.

For a token of word w in document d, the topic z is drawn from

    p(z = k | all other tokens) ∝ (n_dk + α_k) q_k

(Griffiths and Steyvers, PNAS 2004), with q_k of :mod:`strads.kernels.topics.words`. Tokens are
visited word by word, so that the weights q of a word stay in cache; two of them change with each
token. The counts n_dk of the token's document are prefetched.

A supervised model multiplies these weights by a factor ω_dk of the document and the topic. Without
factors (None instead of their arrays) the compiled code is that of the plain model: Numba leaves
out the branches of arguments that are None.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, add, load, madd, mul, prefetch, splat, store
from strads.kernels.random import uniform
from strads.kernels.topics.gamma_rises import log_rise
from strads.kernels.topics.lane_counts import cumulate, load_counts
from strads.kernels.topics.lane_draws import draw_position
from strads.kernels.topics.supervised.exponents import Exponents, move_token, raise_factors
from strads.kernels.topics.words import NONE, Words, shift_word, weigh_word

kernel = numba.njit(nogil=True, error_model="numpy")

#: The counts of a document are prefetched this many tokens ahead.
AHEAD = 6


@kernel
def sample_dense(
    lo: int, hi: int, first: np.ndarray, doc: np.ndarray, z: np.ndarray, words: Words,
    doc_counts: np.ndarray, alpha: np.ndarray, sums: np.ndarray, topics: int, key: int,
    factors: np.ndarray | None = None, exponents: Exponents | None = None,
) -> None:  # fmt: skip
    """Draw a topic for every token of words lo…hi−1.

    Parameters
    ----------
    lo, hi : int
    first : ndarray of int64, shape (≥ hi + 1,)
        Tokens of word w are ``first[w]``…``first[w + 1] - 1``.
    doc : ndarray of int32, shape (tokens,)
        Document of every token.
    z : ndarray of uint16, shape (tokens,)
        Topic of every token, changed in place; :data:`~strads.kernels.topics.words.NONE` if none
        has been drawn yet.
    words : Words
        Changed in place.
    doc_counts : ndarray of uint16 or int32, shape (documents, padded topics)
        n_dk, changed in place.
    alpha : ndarray of float32, shape (1, padded topics)
    sums : ndarray of float32, shape (padded topics / LANES, LANES)
        Work space.
    topics : int
        Number of topics.
    key : int
        Random key of the sweep: the draw for token t uses ``uniform(key, t)``.
    factors : ndarray of float32, shape (documents, padded topics), optional
        ω_dk, by which weights are multiplied. With `exponents`: work space of one row.
    exponents : Exponents, optional
        The logarithms of ω, changed in place with every token.
    """
    for w in range(lo, hi):
        if first[w] == first[w + 1]:
            continue
        weigh_word(words, w)
        for t in range(first[w], first[w + 1]):
            if t + AHEAD < len(doc):
                prefetch(doc_counts, doc[t + AHEAD])
                if exponents is not None:
                    prefetch(exponents.values, doc[t + AHEAD])
                elif factors is not None:
                    prefetch(factors, doc[t + AHEAD])
            d, k = doc[t], z[t]
            row = np.int64(d)  # of the factors
            if k != NONE:
                doc_counts[d, k] -= 1
                shift_word(words, w, k, -1)
                if exponents is not None:
                    move_token(exponents, d, k, -1)
            if exponents is not None:
                raise_factors(exponents.values, d, factors, 0, topics)
                row = 0
            u = uniform(key, t)
            k = draw_topic(words.weights, doc_counts, d, alpha, sums, u, topics, factors, row)
            if exponents is not None:
                move_token(exponents, d, k, 1)
            doc_counts[d, k] += 1
            shift_word(words, w, k, 1)
            z[t] = k


@kernel
def draw_topic(
    weights: np.ndarray, doc_counts: np.ndarray, d: int, alpha: np.ndarray, sums: np.ndarray,
    u: float, topics: int, factors: np.ndarray | None = None, row: int = 0,
) -> int:  # fmt: skip
    """Draw a topic in proportion to ``(doc_counts[d] + alpha) * weights * factors[row]``."""
    running = splat(weights, 0.0)
    vectors = weights.shape[1] // LANES
    for b in range(vectors):
        at = b * LANES
        count = add(load_counts(doc_counts, d, at), load(alpha, 0, at))
        if factors is not None:
            count = mul(count, load(factors, row, at))
        running = madd(count, load(weights, 0, at), running)
        store(sums, b, 0, running)
    return draw_position(sums, cumulate(running), vectors, u, topics)


@kernel
def docs_part(
    docs: tuple[int, int], doc_counts: np.ndarray, alpha: np.ndarray, topics: int, whole: float
) -> float:  # fmt: skip
    """Return the terms of a range of documents in the joint log-likelihood ln p(words, z).

    These are Σ ln Γ(n_dk + α_k) − ln Γ(α_k) over documents and topics, less
    Σ ln Γ(N_d + A) − ln Γ(A) over documents. `whole` is A = Σ α_k.
    """
    found = 0.0
    for d in range(docs[0], docs[1]):
        length = 0
        for k in range(topics):
            n = doc_counts[d, k]
            if n > 0:
                length += n
                found += log_rise(n, alpha[0, k])
        found -= log_rise(length, whole)
    return found
