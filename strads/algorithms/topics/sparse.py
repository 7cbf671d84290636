"""Collapsed Gibbs sampling with a list of the topics of every document: for many topics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from strads.algorithms.topics.sampler import TopicSampler
from strads.engine import Partition, Phase, data, derived, kernel, scratch
from strads.kernels.lanes import LANES, padded
from strads.kernels.random import fold
from strads.kernels.topics.gamma_rises import slope_rise
from strads.kernels.topics.lists import PAIRS, Lists, add_topic, lists_part, sort_topics
from strads.kernels.topics.sparse import sample_sparse
from strads.kernels.topics.totals import (
    alpha_mass,
    begin_round,
    count_all,
    count_words,
    end_round,
    still_wrong,
    words_part,
    words_slope,
)
from strads.kernels.topics.words import NONE, Words, invert_totals


class SparseSampler(TopicSampler):
    """Draws a topic from those of the token's document, or from all topics by their prior weights.

    The kernel is in :mod:`strads.kernels.topics.sparse`. Every list is sorted before a sweep, so
    that the sweep depends only on the topics and not on the order in which they entered the lists.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.topics.sampler.TopicSampler`.
    """

    list_first = data("docs", dtype=np.int64)
    list_length = derived("docs", dtype=np.int32, local=True)
    list_pairs = derived("rows", "pairs", dtype=np.uint16, local=True)
    groups = scratch("one", "grouped", dtype=np.float32)
    sums = scratch("vectors", "lanes", dtype=np.float32)

    def __init__(self, *, topics: int, **given: Any) -> None:
        vectors = padded(topics) // LANES
        super().__init__(
            topics=topics,
            grouped=padded(vectors),
            vectors=vectors + 1,
            lanes=LANES,
            pairs=PAIRS,
            **given,
        )
        lengths = np.minimum(self.layout.lengths, topics)
        self._rows = -(-lengths // LANES)
        self.given["rows"] = int(max(self._rows.sum(), 1))
        self.phases: Mapping[str, Phase] = {
            "order": Phase(push="order", name="order"), **self.phases,
        }  # fmt: skip

    def partition(self) -> dict[str, Partition]:
        """Return the partitions; the rows of a list belong to the worker of its document."""
        return {**super().partition(), "rows": self.layout.along_docs(self._rows)}

    def setup(self, rng: np.random.Generator) -> None:
        """Set the first row of every list."""
        super().setup(rng)
        self.list_first[:] = np.cumsum(self._rows) - self._rows

    def cycle(self) -> Iterator[str]:
        """Yield the phase that sorts the lists, then the phases of a sweep."""
        self._swept = self.sweep
        yield "order"
        yield from super().cycle()

    @kernel
    def order(docs, list_first, list_length, list_pairs):
        lists = Lists(list_first, list_length, list_pairs)
        for d in range(docs[0], docs[1]):
            sort_topics(lists, d)

    @kernel
    def push(
        block, worker, first, doc, z, word_counts, totals, inverse, weights, beta, mass,
        list_first, list_length, list_pairs, alpha, groups, sums, count, chain, sweep,
        moved, behind, wrong,
    ):  # fmt: skip
        begin_round(totals, moved, worker, behind, wrong)
        words = Words(word_counts, totals, inverse, weights, beta, mass)
        lists = Lists(list_first, list_length, list_pairs)
        invert_totals(words, count)
        sample_sparse(
            block[0], block[-1] + 1, first[worker], doc, z, words, lists, alpha, groups, sums,
            count, fold(chain, sweep),
        )  # fmt: skip
        end_round(totals, moved, worker)

    @kernel
    def rebuild(
        words, docs, tokens, rows, first, doc, z, continued, base, base_totals, word_counts, totals,
        list_first, list_length, list_pairs, behind, wrong,
    ):  # fmt: skip
        count_words(words, first, z, continued, base, word_counts)
        count_all(z, base_totals, totals, behind, wrong)
        list_length[docs[0] : docs[1]] = 0
        list_pairs[rows[0] : rows[1]] = 0
        lists = Lists(list_first, list_length, list_pairs)
        for t in range(tokens[0], tokens[1]):
            if z[t] != NONE:
                add_topic(lists, doc[t], z[t])

    @kernel
    def measure(
        words, docs, worker, word_counts, list_first, list_length, list_pairs, totals,
        alpha, beta, mass, count, due, behind, wrong,
    ):  # fmt: skip
        error = still_wrong(behind, wrong)
        if not due:
            return error, 0.0
        found = words_part(words, worker, word_counts, totals, count, beta, mass)
        lists = Lists(list_first, list_length, list_pairs)
        found += lists_part(docs, lists, alpha, alpha_mass(alpha, count))
        return error, found

    @kernel
    def add_slopes(
        words, docs, word_counts, list_first, list_length, list_pairs, alpha, beta, count, slopes,
        whole,
    ):  # fmt: skip
        slopes[:] = 0.0
        whole[0], whole[1] = 0.0, words_slope(words, word_counts, count, beta)
        mass = alpha_mass(alpha, count)
        for d in range(docs[0], docs[1]):
            length = 0
            for j in range(list_length[d]):
                row, column = list_first[d] + j // LANES, j % LANES
                n, k = list_pairs[row, LANES + column], list_pairs[row, column]
                length += n
                slopes[k] += slope_rise(n, alpha[0, k])
            whole[0] += slope_rise(length, mass)
