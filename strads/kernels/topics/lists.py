"""Lists of the topics of each document: pairs (topic, count), sixteen pairs in a row.

A row holds sixteen topics, then their sixteen counts: one cache line if both have 16 bits. The list
of document d begins at row ``first[d]``. Its first ``length[d]`` pairs are in use, in any order,
and none of their counts is zero. Counts behind them are zero, so that whole rows may be summed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numba
import numpy as np

from strads.kernels.lanes import LANES
from strads.kernels.topics.gamma_rises import log_rise
from strads.kernels.topics.lane_counts import match

kernel = numba.njit(nogil=True, error_model="numpy")

#: Number of columns of a row.
PAIRS: Final = 2 * LANES


class Lists(NamedTuple):
    """Lists of all documents.

    Attributes
    ----------
    first : ndarray of int64, shape (documents,)
        First row of each list.
    length : ndarray of int32, shape (documents,)
        Number of pairs in use.
    pairs : ndarray of uint16 or uint32, shape (rows, PAIRS)
    """

    first: np.ndarray
    length: np.ndarray
    pairs: np.ndarray


@kernel
def rows_of(n: int) -> int:
    """Return the number of rows that `n` pairs take."""
    return (n + LANES - 1) // LANES


@kernel
def find_topic(lists: Lists, at: int, n: int, k: int) -> int:
    """Return the position of topic `k` in the list of `n` pairs at row `at`, or −1 if none."""
    for b in range(rows_of(n)):
        found = match(lists.pairs, at + b, k)
        if found < LANES:
            # Topics behind the end of the list are left from earlier pairs and do not count.
            return b * LANES + found if b * LANES + found < n else -1
    return -1


@kernel
def drop_topic(lists: Lists, d: int, k: int) -> int:
    """Take one token of topic `k`, which must be there, out of the list of document `d`.

    The last pair moves to the place of a topic that has no token left. Return the place of `k`.
    """
    at, n = lists.first[d], lists.length[d]
    place = find_topic(lists, at, n, k)
    row, column = at + place // LANES, place % LANES
    count = lists.pairs[row, LANES + column] - 1
    lists.pairs[row, LANES + column] = count
    if count == 0:
        last, end = at + (n - 1) // LANES, (n - 1) % LANES
        lists.pairs[row, column] = lists.pairs[last, end]
        lists.pairs[row, LANES + column] = lists.pairs[last, LANES + end]
        lists.pairs[last, LANES + end] = 0
        lists.length[d] = n - 1
    return place


@kernel
def add_topic(lists: Lists, d: int, k: int) -> None:
    """Put one token of topic `k` into the list of document `d`."""
    at, n = lists.first[d], lists.length[d]
    place = find_topic(lists, at, n, k)
    if place < 0:
        place = n
        lists.pairs[at + n // LANES, n % LANES] = k
        lists.length[d] = n + 1
    lists.pairs[at + place // LANES, LANES + place % LANES] += 1


@kernel
def sort_topics(lists: Lists, d: int) -> None:
    """Sort the list of document `d` by topic, so that it does not depend on earlier changes."""
    at, pairs = lists.first[d], lists.pairs
    for i in range(1, lists.length[d]):
        row, column = at + i // LANES, i % LANES
        k, count = pairs[row, column], pairs[row, LANES + column]
        j = i
        while j > 0:
            before, end = at + (j - 1) // LANES, (j - 1) % LANES
            if pairs[before, end] <= k:
                break
            row, column = at + j // LANES, j % LANES
            pairs[row, column] = pairs[before, end]
            pairs[row, LANES + column] = pairs[before, LANES + end]
            j -= 1
        pairs[at + j // LANES, j % LANES] = k
        pairs[at + j // LANES, LANES + j % LANES] = count


@kernel
def lists_part(docs: tuple[int, int], lists: Lists, alpha: np.ndarray, whole: float) -> float:
    """Return the terms of documents in ln p(words, z); see :func:`.dense.docs_part`."""
    found = 0.0
    for d in range(docs[0], docs[1]):
        length = 0
        for j in range(lists.length[d]):
            row, column = lists.first[d] + j // LANES, j % LANES
            n = lists.pairs[row, LANES + column]
            length += n
            found += log_rise(n, alpha[0, lists.pairs[row, column]])
        found -= log_rise(length, whole)
    return found
