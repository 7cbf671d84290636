"""Supervised topic models with lists of the topics of documents: for many topics."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.topics.sparse import SparseSampler
from strads.algorithms.topics.supervised.sampler import DualWeights
from strads.engine import derived, kernel, scratch
from strads.kernels.random import fold
from strads.kernels.topics.lists import Lists, lists_part, sort_topics
from strads.kernels.topics.sparse import sample_sparse
from strads.kernels.topics.supervised.separation import (
    add_list,
    dual_step,
    measure_list,
    score_list,
)
from strads.kernels.topics.supervised.tilt import Tilt, tilt_document
from strads.kernels.topics.totals import (
    alpha_mass,
    begin_round,
    end_round,
    still_wrong,
    words_part,
)
from strads.kernels.topics.words import Words, invert_totals


class SparseDual(DualWeights, SparseSampler):
    """Does what ``DenseDual`` does, and keeps only the factors of a few topics of each document.

    The kernels are in :mod:`strads.kernels.topics.supervised.tilt`. The distribution of a token is
    that of ``DenseDual``.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.topics.supervised.sampler.DualWeights`.
    """

    # The phases of the labels read the lists of all documents.
    list_length = derived("docs", dtype=np.int32, private=True)
    list_pairs = derived("rows", "pairs", dtype=np.uint16, private=True)
    factors = derived("rows", "lanes", dtype=np.float32, returned=False)
    peaks = derived("docs", "lanes", dtype=np.uint16, returned=False)
    excess = derived("docs", "lanes", dtype=np.float32, returned=False)
    reference = derived("docs", dtype=np.float32, returned=False)
    tilts = derived("docs", "labels", dtype=np.float32, returned=False)
    supports = derived("docs", "labels", dtype=np.uint16, returned=False)
    supported = derived("docs", dtype=np.int32, returned=False)
    exponents = scratch("one", "topics", dtype=np.float32)
    more_sums = scratch("vectors", "lanes", dtype=np.float32)
    aside = scratch("three", "lanes")

    def __init__(self, **given: Any) -> None:
        super().__init__(three=3, **given)

    @kernel
    def favour(
        docs, list_first, list_length, list_pairs, signs, dual, coef, alpha, factors, peaks,
        excess, reference, tilts, supports, supported, exponents, more_sums, aside, count,
    ):  # fmt: skip
        lists = Lists(list_first, list_length, list_pairs)
        tilt = Tilt(
            factors, peaks, excess, reference, tilts, supports, supported, coef, more_sums, aside
        )
        size = len(list_first)
        for d in range(docs[0], docs[1]):
            sort_topics(lists, d)  # factors are in the order of the list
            length, _ = measure_list(lists, d)
            found = 0
            for y in range(coef.shape[0]):
                a = dual[y * size + d]
                if a > 0.0:
                    tilts[d, found], supports[d, found] = a * signs[d, y] / length, y
                    found += 1
            supported[d] = found
            tilt_document(lists, tilt, d, alpha, exponents, count)

    @kernel
    def push(
        block, worker, first, doc, z, word_counts, totals, inverse, weights, beta, mass,
        list_first, list_length, list_pairs, alpha, groups, sums, count, chain, sweep,
        moved, behind, wrong, factors, peaks, excess, reference, tilts, supports, supported,
        coef, more_sums, aside,
    ):  # fmt: skip
        begin_round(totals, moved, worker, behind, wrong)
        words = Words(word_counts, totals, inverse, weights, beta, mass)
        lists = Lists(list_first, list_length, list_pairs)
        invert_totals(words, count)
        sample_sparse(
            block[0], block[-1] + 1, first[worker], doc, z, words, lists, alpha, groups, sums,
            count, fold(chain, sweep),
            Tilt(
                factors, peaks, excess, reference, tilts, supports, supported, coef, more_sums,
                aside,
            ),
        )  # fmt: skip
        end_round(totals, moved, worker)

    @kernel
    def separate(
        labels, list_first, list_length, list_pairs, signs, dual, coef, cost, margin, passes,
        sizes,
    ):  # fmt: skip
        lists = Lists(list_first, list_length, list_pairs)
        size = len(list_first)
        for d in range(size):
            sizes[d, 0], sizes[d, 1] = measure_list(lists, d)
        for y in range(labels[0], labels[1]):
            coef[y, :] = 0.0
            for d in range(size):
                a = dual[y * size + d]
                if a > 0.0:
                    add_list(lists, d, a * signs[d, y] / sizes[d, 0], coef, y)
            for _ in range(passes):
                for d in range(size):
                    length, square = sizes[d, 0], sizes[d, 1]
                    if length == 0.0:
                        continue
                    score, sign = score_list(lists, d, coef, y), signs[d, y]
                    old = np.float64(dual[y * size + d])
                    new = dual_step(old, score, sign, length, square, cost, margin)
                    if new != old:
                        dual[y * size + d] = new
                        add_list(lists, d, (new - old) * sign / length, coef, y)

    @kernel
    def measure(
        words, docs, worker, word_counts, list_first, list_length, list_pairs, totals, alpha, beta,
        mass, count, due, behind, wrong, signs, coef, margin,
    ):  # fmt: skip
        error = still_wrong(behind, wrong)
        if not due:
            return error, 0.0, 0.0
        lists = Lists(list_first, list_length, list_pairs)
        found = words_part(words, worker, word_counts, totals, count, beta, mass)
        found += lists_part(docs, lists, alpha, alpha_mass(alpha, count))
        loss = 0.0
        for d in range(docs[0], docs[1]):
            length, _ = measure_list(lists, d)
            for y in range(coef.shape[0]):
                score = score_list(lists, d, coef, y) / max(length, 1.0)
                loss += max(margin - signs[d, y] * score, 0.0)
        return error, found, loss
