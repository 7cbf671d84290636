"""Collapsed Gibbs sampling of topics that computes the odds of every topic: for few topics.

For a token of word w in document d, the topic z is drawn from

    p(z = k | all other tokens) ∝ (n_dk + α_k) q_k

(Griffiths and Steyvers, PNAS 2004), with q_k of :mod:`strads.kernels.topics.words`. Tokens are
visited word by word, so that the weights q of a word stay in cache; two of them change with each
token. The counts n_dk of the token's document are prefetched.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, add, load, madd, prefetch, splat, store
from strads.kernels.random import uniform
from strads.kernels.topics.lane_counts import cumulate, load_counts
from strads.kernels.topics.lane_draws import draw_position
from strads.kernels.topics.words import NONE, Words, shift_word, weigh_word

kernel = numba.njit(nogil=True, error_model="numpy")

#: The counts of a document are prefetched this many tokens ahead.
AHEAD = 6


@kernel
def sample_dense(
    lo: int, hi: int, first: np.ndarray, doc: np.ndarray, z: np.ndarray, words: Words,
    doc_counts: np.ndarray, alpha: np.ndarray, sums: np.ndarray, topics: int, key: int,
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
    """
    for w in range(lo, hi):
        if first[w] == first[w + 1]:
            continue
        weigh_word(words, w)
        for t in range(first[w], first[w + 1]):
            if t + AHEAD < len(doc):
                prefetch(doc_counts, doc[t + AHEAD])
            d, k = doc[t], z[t]
            if k != NONE:
                doc_counts[d, k] -= 1
                shift_word(words, w, k, -1)
            k = draw_topic(words.weights, doc_counts, d, alpha, sums, uniform(key, t), topics)
            doc_counts[d, k] += 1
            shift_word(words, w, k, 1)
            z[t] = k


@kernel
def draw_topic(
    weights: np.ndarray, doc_counts: np.ndarray, d: int, alpha: np.ndarray, sums: np.ndarray,
    u: float, topics: int,
) -> int:  # fmt: skip
    """Draw a topic in proportion to ``(doc_counts[d] + alpha) * weights``."""
    running = splat(weights, 0.0)
    vectors = weights.shape[1] // LANES
    for b in range(vectors):
        at = b * LANES
        count = add(load_counts(doc_counts, d, at), load(alpha, 0, at))
        running = madd(count, load(weights, 0, at), running)
        store(sums, b, 0, running)
    return draw_position(sums, cumulate(running), vectors, u, topics)
