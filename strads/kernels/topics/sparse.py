"""Collapsed Gibbs sampling of topics that visits only a document's own topics: for many topics.

The distribution is that of :mod:`strads.kernels.topics.dense`, split in two parts:

    p(z = k | all other tokens) ∝ n_dk q_k + α_k q_k

The first part has a term for each topic of the document. The second part is the same for all
tokens of a word, except for the topics whose counts they change. It is kept as sums over groups of
sixteen topics, to which changes are added, and a draw from it chooses the group first, then the
topic. These sums are a tree of two levels; that of Yu, Hsieh, Yun, Vishwanathan and Dhillon (WWW
2015) has log₂ K levels. How factors of a supervised model change this is told in
:mod:`strads.kernels.topics.supervised.tilt`; without them (None) the compiled code has none of it.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, madd, prefetch, splat, store
from strads.kernels.random import uniform
from strads.kernels.topics.groups import draw_any, sum_groups
from strads.kernels.topics.lane_counts import cumulate, gather, lane, load_counts, prefetch_item
from strads.kernels.topics.lane_draws import draw_position
from strads.kernels.topics.lists import Lists, add_topic, drop_topic, rows_of
from strads.kernels.topics.supervised.tilt import Tilt, draw_tilted, drop_tilted
from strads.kernels.topics.words import NONE, Words, shift_word, weigh_word

kernel = numba.njit(nogil=True, error_model="numpy")

#: A document's list is prefetched NEAR tokens ahead, and the row at which it begins FAR ahead.
NEAR, FAR = 4, 12
#: The sums, to which changes are added, are computed anew after this many tokens of a word, to
#: bound their rounding errors.
ANEW = 1024


@kernel
def sample_sparse(
    lo: int, hi: int, first: np.ndarray, doc: np.ndarray, z: np.ndarray, words: Words,
    lists: Lists, alpha: np.ndarray, groups: np.ndarray, sums: np.ndarray, topics: int, key: int,
    tilt: Tilt | None = None,
) -> None:  # fmt: skip
    """Draw a topic for every token of words lo…hi−1.

    Parameters
    ----------
    lo, hi, first, doc, z, words, alpha, topics, key
        See :func:`strads.kernels.topics.dense.sample_dense`.
    lists : Lists
        n_dk, changed in place.
    groups : ndarray of float32, shape (1, padded number of groups)
        Work space: Σ α_k q_k over each group of sixteen topics.
    sums : ndarray of float32, shape (padded topics / LANES + 1, LANES)
        Work space.
    tilt : Tilt, optional
        Factors of documents and topics, by which weights are multiplied.
    """
    for w in range(lo, hi):
        if first[w] == first[w + 1]:
            continue
        smooth = 0.0
        for t in range(first[w], first[w + 1]):
            if (t - first[w]) % ANEW == 0:
                weigh_word(words, w)
                smooth = sum_groups(words.weights, alpha, groups)
            if t + FAR < len(doc):
                ask_for(lists, doc[t + FAR], doc[t + NEAR])
            d, k = doc[t], z[t]
            if k != NONE:
                if tilt is None:
                    drop_topic(lists, d, k)
                else:
                    drop_tilted(lists, tilt, d, k)
                smooth += shift(words, w, k, -1, alpha, groups)
            if tilt is None:
                k = draw_topic(words, lists, d, alpha, groups, smooth, sums, key, t, topics)
            else:
                k = draw_tilted(
                    words.weights, lists, tilt, d, alpha, groups, smooth, sums, key, t, topics
                )
            smooth += shift(words, w, k, 1, alpha, groups)
            z[t] = k


@kernel
def shift(
    words: Words, w: int, k: int, by: int, alpha: np.ndarray, groups: np.ndarray
) -> float:  # fmt: skip
    """Move `by` tokens of word `w` into topic `k`; return the change of Σ α_k q_k."""
    before = words.weights[0, k]
    shift_word(words, w, k, by)
    growth = alpha[0, k] * (words.weights[0, k] - before)
    groups[0, k // LANES] += growth
    return growth


@kernel
def ask_for(lists: Lists, far: int, near: int) -> None:
    """Prefetch where document `far` has its list, and the first row of the list of `near`.

    Prefetching all rows of a list would take a loop whose length the processor cannot predict, and
    cost more than it saves.
    """
    prefetch_item(lists.first, far)
    prefetch_item(lists.length, far)
    prefetch(lists.pairs, lists.first[near])


@kernel
def draw_topic(
    words: Words, lists: Lists, d: int, alpha: np.ndarray, groups: np.ndarray, smooth: float,
    sums: np.ndarray, key: int, t: int, topics: int,
) -> int:  # fmt: skip
    """Draw a topic from the distribution of token `t`, and put it into its document's list."""
    at, n = lists.first[d], lists.length[d]
    running = splat(alpha, 0.0)
    for b in range(rows_of(n)):
        weights = gather(words.weights, lists.pairs, at + b)
        running = madd(load_counts(lists.pairs, at + b, LANES), weights, running)
        store(sums, b, 0, running)
    ends = cumulate(running)
    own = np.float64(lane(ends, LANES - 1))
    rest = uniform(key, t) * (own + smooth)
    if rest < own:
        place = draw_position(sums, ends, rows_of(n), rest / own, n)
        lists.pairs[at + place // LANES, LANES + place % LANES] += 1
        return lists.pairs[at + place // LANES, place % LANES]
    k = draw_any(words.weights, alpha, groups, sums, (rest - own) / smooth, key, t, topics)
    add_topic(lists, d, k)
    return k
