"""Collapsed Gibbs sampling of topics by the topics a document has: for many topics.

The same law as :mod:`strads.kernels.topics.dense`, in two parts: p ∝ n_dk q_k + α_k q_k. The first
has as many terms as the document has topics. The second is the same for all tokens of a word but
for the topics that they change: it is kept as sums over sixteen topics each, to one of which a
change is added, and drawn in two steps (a tree of two levels: Yu, Hsieh, Yun, Vishwanathan and
Dhillon, WWW 2015, have one of log₂ K).
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, add, load, madd, mul, prefetch, splat, store, total
from strads.kernels.random import uniform
from strads.kernels.topics.lane_counts import (
    at_most,
    cumulate,
    gather,
    lane,
    load_counts,
    prefetch_item,
)
from strads.kernels.topics.lane_draws import draw_position
from strads.kernels.topics.lists import Lists, add_topic, drop_topic, rows_of
from strads.kernels.topics.words import NONE, Words, shift_word, weigh_word

kernel = numba.njit(nogil=True, error_model="numpy")

#: How many tokens ahead a document's list is asked for, and before that, where it is.
NEAR, FAR = 4, 12
#: Tokens of a word after which its sums, which changes are added to, are computed anew.
ANEW = 1024


@kernel
def sample_sparse(
    lo: int, hi: int, first: np.ndarray, doc: np.ndarray, z: np.ndarray, words: Words,
    lists: Lists, alpha: np.ndarray, groups: np.ndarray, sums: np.ndarray, topics: int, key: int,
) -> None:  # fmt: skip
    """Draw a topic for every token of words lo…hi−1.

    Parameters
    ----------
    lo, hi, first, doc, z, words, alpha, topics, key
        See :func:`strads.kernels.topics.dense.sample_dense`.
    lists : Lists
        n_dk, changed.
    groups : ndarray of float32, shape (1, padded topics / LANES, padded)
        Work space: Σ α_k q_k over sixteen topics each.
    sums : ndarray of float32, shape (padded topics / LANES + 1, LANES)
        Work space.
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
                drop_topic(lists, d, k)
                smooth += shift(words, w, k, -1, alpha, groups)
            k = draw_topic(words, lists, d, alpha, groups, smooth, sums, key, t, topics)
            smooth += shift(words, w, k, 1, alpha, groups)
            z[t] = k


@kernel
def shift(
    words: Words, w: int, k: int, by: int, alpha: np.ndarray, groups: np.ndarray
) -> float:  # fmt: skip
    """Move tokens into a topic; return by how much the sum over all groups has grown."""
    before = words.weights[0, k]
    shift_word(words, w, k, by)
    growth = alpha[0, k] * (words.weights[0, k] - before)
    groups[0, k // LANES] += growth
    return growth


@kernel
def ask_for(lists: Lists, far: int, near: int) -> None:
    """Have a document's list ready when its token comes: where it is, then its first rows.

    As many rows as there are would be a loop that nobody can predict, and cost more than it saves.
    """
    prefetch_item(lists.first, far)
    prefetch_item(lists.length, far)
    prefetch(lists.pairs, lists.first[near])


@kernel
def sum_groups(weights: np.ndarray, alpha: np.ndarray, groups: np.ndarray) -> float:
    """Sum α_k q_k over sixteen topics each; return the sum over all."""
    whole = 0.0
    for b in range(weights.shape[1] // LANES):
        part = total(mul(load(weights, 0, b * LANES), load(alpha, 0, b * LANES)))
        groups[0, b] = part
        whole += part
    return whole


@kernel
def draw_topic(
    words: Words, lists: Lists, d: int, alpha: np.ndarray, groups: np.ndarray, smooth: float,
    sums: np.ndarray, key: int, t: int, topics: int,
) -> int:  # fmt: skip
    """Draw a topic, one of the document's or any, and put it into its list."""
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


@kernel
def draw_any(
    weights: np.ndarray, alpha: np.ndarray, groups: np.ndarray, sums: np.ndarray, u: float,
    key: int, t: int, topics: int,
) -> int:  # fmt: skip
    """Draw a topic in proportion to α_k q_k: sixteen topics first, then one of them."""
    running = splat(alpha, 0.0)
    vectors = groups.shape[1] // LANES
    for b in range(vectors):
        running = add(running, load(groups, 0, b * LANES))
        store(sums, b, 0, running)
    group = draw_position(sums, cumulate(running), vectors, u, rows_of(topics))
    at = group * LANES
    ends = cumulate(mul(load(weights, 0, at), load(alpha, 0, at)))
    bound = np.float32(uniform(key, t, 1) * lane(ends, LANES - 1))
    return min(at + min(at_most(ends, bound), LANES - 1), topics - 1)
