"""Collapsed Gibbs sampling with a dense array of topic counts a document: for few topics."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.topics.sampler import TopicSampler
from strads.engine import derived, kernel, scratch
from strads.kernels.lanes import LANES, padded
from strads.kernels.random import fold
from strads.kernels.topics.dense import docs_part, sample_dense
from strads.kernels.topics.gamma_rises import slope_rise
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


class DenseSampler(TopicSampler):
    """Draws the topic of a token from the weights of all topics.

    The kernel is in :mod:`strads.kernels.topics.dense`.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.topics.sampler.TopicSampler`.
    """

    doc_counts = derived("docs", "topics", dtype=np.uint16, local=True)
    sums = scratch("vectors", "lanes", dtype=np.float32)

    def __init__(self, *, topics: int, **given: Any) -> None:
        vectors = padded(topics) // LANES
        super().__init__(topics=topics, vectors=vectors, lanes=LANES, **given)

    @kernel
    def push(
        block, worker, first, doc, z, word_counts, totals, inverse, weights, beta, mass,
        doc_counts, alpha, sums, count, chain, sweep, moved, behind, wrong,
    ):  # fmt: skip
        begin_round(totals, moved, worker, behind, wrong)
        words = Words(word_counts, totals, inverse, weights, beta, mass)
        invert_totals(words, count)
        sample_dense(
            block[0], block[-1] + 1, first[worker], doc, z, words, doc_counts, alpha, sums, count,
            fold(chain, sweep),
        )  # fmt: skip
        end_round(totals, moved, worker)

    @kernel
    def rebuild(
        words, docs, tokens, first, doc, z, continued, base, base_totals, word_counts, doc_counts,
        totals, behind, wrong,
    ):  # fmt: skip
        count_words(words, first, z, continued, base, word_counts)
        count_all(z, base_totals, totals, behind, wrong)
        for d in range(docs[0], docs[1]):
            for k in range(doc_counts.shape[1]):
                doc_counts[d, k] = 0
        for t in range(tokens[0], tokens[1]):
            if z[t] != NONE:
                doc_counts[doc[t], z[t]] += 1

    @kernel
    def measure(
        words, docs, worker, word_counts, doc_counts, totals, alpha, beta, mass, count, due,
        behind, wrong,
    ):  # fmt: skip
        error = still_wrong(behind, wrong)
        if not due:
            return error, 0.0
        found = words_part(words, worker, word_counts, totals, count, beta, mass)
        found += docs_part(docs, doc_counts, alpha, count, alpha_mass(alpha, count))
        return error, found

    @kernel
    def add_slopes(words, docs, word_counts, doc_counts, alpha, beta, count, slopes, whole):
        slopes[:] = 0.0
        whole[0], whole[1] = 0.0, words_slope(words, word_counts, count, beta)
        mass = alpha_mass(alpha, count)
        for d in range(docs[0], docs[1]):
            length = 0
            for k in range(count):
                n = doc_counts[d, k]
                if n > 0:
                    length += n
                    slopes[k] += slope_rise(n, alpha[0, k])
            whole[0] += slope_rise(length, mass)
