"""Topic counts of each word and of all words, which a sampler changes token by token.

With n_wk tokens of word w in topic k, n_k tokens of all V words in topic k, and a prior of β for
each pair of word and topic, the weight of topic k for word w is

    q_k = (n_wk + β) / (n_k + Vβ).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from strads.kernels.lanes import LANES, add, load, mul, splat, store
from strads.kernels.topics.lane_counts import load_counts

kernel = numba.njit(nogil=True, error_model="numpy")

#: Topic of a token for which no topic has been drawn yet.
NONE = 65535


class Words(NamedTuple):
    """Counts of words, as one worker sees them, and what it computes from them.

    Attributes
    ----------
    counts : ndarray of int32, shape (words, padded topics)
        n_wk.
    totals : ndarray of int32, shape (padded topics,)
        n_k, without other workers' changes since the last synchronisation.
    inverse : ndarray of float32, shape (1, padded topics)
        1 / (n_k + Vβ); zero behind the last topic.
    weights : ndarray of float32, shape (1, padded topics)
        q of the current word.
    prior : float
        β.
    mass : float
        Vβ.
    """

    counts: np.ndarray
    totals: np.ndarray
    inverse: np.ndarray
    weights: np.ndarray
    prior: float
    mass: float


@kernel
def invert_totals(words: Words, topics: int) -> None:
    """Compute ``words.inverse`` from ``words.totals``."""
    for k in range(topics):
        words.inverse[0, k] = np.float32(1.0) / np.float32(words.totals[k] + words.mass)


@kernel
def weigh_word(words: Words, w: int) -> None:
    """Set ``words.weights`` to the weights of word `w`."""
    prior = splat(words.weights, words.prior)
    for first in range(0, words.weights.shape[1], LANES):
        count = add(load_counts(words.counts, w, first), prior)
        store(words.weights, 0, first, mul(count, load(words.inverse, 0, first)))


@kernel
def shift_word(words: Words, w: int, k: int, by: int) -> None:
    """Move `by` tokens of word `w` into topic `k`; only the weight of that topic changes."""
    count = words.counts[w, k] + by
    total = words.totals[k] + by
    words.counts[w, k] = count
    words.totals[k] = total
    inverse = np.float32(1.0) / np.float32(total + words.mass)
    words.inverse[0, k] = inverse
    words.weights[0, k] = np.float32(count + words.prior) * inverse
