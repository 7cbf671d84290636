"""Collapsed Gibbs sampling of topics, all topics of a token at a time: for few topics.

Token after token, word by word, from p(z = k | all others) ∝ (n_dk + α_k) q_k (Griffiths and
Steyvers, PNAS 2004), with q of :mod:`strads.kernels.topics.words`. The weights of one word stay in
cache, and two of them change with a token; the counts of documents come as they are met.
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

#: How many tokens ahead the counts of a document are asked for.
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
    z : ndarray of uint16, shape (tokens,)
        Topics, changed; :data:`~strads.kernels.topics.words.NONE`: not yet drawn.
    words : Words
        Changed.
    doc_counts : ndarray of uint16 or int32, shape (documents, padded topics)
        n_dk, changed.
    alpha : ndarray of float32, shape (1, padded topics)
    sums : ndarray of float32, shape (padded topics / LANES, LANES)
        Work space.
    topics : int
    key : int
        Of the sweep: token t takes ``uniform(key, t)``.
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
