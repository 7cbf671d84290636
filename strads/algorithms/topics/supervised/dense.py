"""Supervised topic models with dense counts: by dual coordinate descent, and by exact sampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.topics.dense import DenseSampler
from strads.algorithms.topics.supervised.sampler import DualWeights, SupervisedSampler
from strads.engine import derived, kernel, scratch
from strads.kernels.random import fold
from strads.kernels.topics.dense import docs_part, sample_dense
from strads.kernels.topics.supervised.exponents import (
    Exponents,
    expect_label,
    raise_factors,
)
from strads.kernels.topics.supervised.normals import inverse_gaussian
from strads.kernels.topics.supervised.posterior import add_document, begin_posterior, draw_weights
from strads.kernels.topics.supervised.separation import (
    add_counts,
    dual_step,
    measure_counts,
    score_counts,
)
from strads.kernels.topics.totals import (
    alpha_mass,
    begin_round,
    end_round,
    still_wrong,
    words_part,
)
from strads.kernels.topics.words import Words, invert_totals

#: Numbers that make keys of their own of the key of a sweep.
AUXILIARY, WEIGHTS = 1, 2


class DenseSupervised(SupervisedSampler, DenseSampler):
    """Base of both samplers with dense counts; it has the figures.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.topics.supervised.sampler.SupervisedSampler`.
    """

    doc_counts = derived("docs", "topics", dtype=np.uint16, private=True)  # labels read all

    @kernel
    def measure(
        words, docs, worker, word_counts, doc_counts, totals, alpha, beta, mass, count, due,
        behind, wrong, signs, coef, margin,
    ):  # fmt: skip
        error = still_wrong(behind, wrong)
        if not due:
            return error, 0.0, 0.0
        found = words_part(words, worker, word_counts, totals, count, beta, mass)
        found += docs_part(docs, doc_counts, alpha, count, alpha_mass(alpha, count))
        loss = 0.0
        for d in range(docs[0], docs[1]):
            length, _ = measure_counts(doc_counts, d)
            for y in range(coef.shape[0]):
                score = score_counts(doc_counts, d, coef, y) / max(length, 1.0)
                loss += max(margin - signs[d, y] * score, 0.0)
        return error, found, loss


class DenseDual(DualWeights, DenseSupervised):
    """Finds the weights of labels by coordinate descent, and keeps factors during a sweep.

    The factor of topic k is exp(Σ_y a_dy t_dy η_yk / N_d), with the dual variables a. This is a
    stochastic EM algorithm, and no sampler of the posterior.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.topics.supervised.sampler.DualWeights`.
    """

    factors = derived("docs", "topics", dtype=np.float32, returned=False)
    exponents = scratch("one", "topics", dtype=np.float32)

    @kernel
    def favour(docs, doc_counts, signs, dual, coef, factors, exponents, count):
        size = doc_counts.shape[0]
        for d in range(docs[0], docs[1]):
            exponents[0, :] = 0.0
            length, _ = measure_counts(doc_counts, d)
            for y in range(coef.shape[0]):
                slope = dual[y * size + d] * signs[d, y] / max(length, 1.0)
                if slope != 0.0:
                    for k in range(count):
                        exponents[0, k] += np.float32(slope * coef[y, k])
            raise_factors(exponents, 0, factors, d, count)

    @kernel
    def push(
        block, worker, first, doc, z, word_counts, totals, inverse, weights, beta, mass,
        doc_counts, alpha, sums, count, chain, sweep, moved, behind, wrong, factors,
    ):  # fmt: skip
        begin_round(totals, moved, worker, behind, wrong)
        words = Words(word_counts, totals, inverse, weights, beta, mass)
        invert_totals(words, count)
        sample_dense(
            block[0], block[-1] + 1, first[worker], doc, z, words, doc_counts, alpha, sums, count,
            fold(chain, sweep), factors, None,
        )  # fmt: skip
        end_round(totals, moved, worker)

    @kernel
    def separate(labels, doc_counts, signs, dual, coef, cost, margin, passes, sizes):
        size = doc_counts.shape[0]
        for d in range(size):
            sizes[d, 0], sizes[d, 1] = measure_counts(doc_counts, d)
        for y in range(labels[0], labels[1]):
            coef[y, :] = 0.0
            for d in range(size):
                a = dual[y * size + d]
                if a > 0.0:
                    add_counts(doc_counts, d, a * signs[d, y] / sizes[d, 0], coef, y)
            for _ in range(passes):
                for d in range(size):
                    length, square = sizes[d, 0], sizes[d, 1]
                    if length == 0.0:
                        continue
                    score, sign = score_counts(doc_counts, d, coef, y), signs[d, y]
                    old = np.float64(dual[y * size + d])
                    new = dual_step(old, score, sign, length, square, cost, margin)
                    if new != old:
                        dual[y * size + d] = new
                        add_counts(doc_counts, d, (new - old) * sign / length, coef, y)


class DenseGibbs(DenseSupervised):
    """Draws auxiliary variables, topics and weights in turn: an exact Gibbs sampler.

    With one worker its law is that of the pseudo-posterior, the posterior with exp(−loss) in place
    of a likelihood of the labels (:mod:`strads.kernels.topics.supervised.exponents`).

    Parameters
    ----------
    topics : int
        Number of topics.
    **given
        See :class:`~strads.algorithms.topics.supervised.sampler.SupervisedSampler`.
    """

    exponents = derived("docs", "topics", dtype=np.float32, returned=False)
    pulls = derived("docs", "labels", dtype=np.float32, returned=False)
    factors = scratch("one", "topics", dtype=np.float32)
    precision = scratch("square", "square")
    linear = scratch("square")
    listed = scratch("square", dtype=np.int64)

    def __init__(self, *, topics: int, **given: Any) -> None:
        super().__init__(topics=topics, square=topics, **given)

    @kernel
    def favour(
        docs, doc_counts, signs, coef, exponents, pulls, cost, margin, count, chain, sweep
    ):  # fmt: skip
        key = fold(fold(chain, sweep), AUXILIARY)
        given = Exponents(exponents, pulls, coef)
        for d in range(docs[0], docs[1]):
            exponents[d, :] = 0.0
            pulls[d, :] = 0.0
            length, _ = measure_counts(doc_counts, d)
            if length == 0.0:
                continue
            for y in range(coef.shape[0]):
                score, sign = score_counts(doc_counts, d, coef, y), np.float64(signs[d, y])
                gap = abs(margin - sign * score / length)
                pull = inverse_gaussian(
                    0.5 * cost / gap, 0.25 * cost * cost, key, d * coef.shape[0] + y
                )
                expect_label(given, d, y, sign, pull, score, length, cost, margin, count)

    @kernel
    def push(
        block, worker, first, doc, z, word_counts, totals, inverse, weights, beta, mass,
        doc_counts, alpha, sums, count, chain, sweep, moved, behind, wrong, factors, exponents,
        pulls, coef,
    ):  # fmt: skip
        begin_round(totals, moved, worker, behind, wrong)
        words = Words(word_counts, totals, inverse, weights, beta, mass)
        invert_totals(words, count)
        sample_dense(
            block[0], block[-1] + 1, first[worker], doc, z, words, doc_counts, alpha, sums, count,
            fold(chain, sweep), factors, Exponents(exponents, pulls, coef),
        )  # fmt: skip
        end_round(totals, moved, worker)

    @kernel
    def separate(
        labels, doc_counts, signs, coef, pulls, cost, margin, chain, sweep, precision, linear,
        listed,
    ):  # fmt: skip
        key = fold(fold(chain, sweep), WEIGHTS)
        for y in range(labels[0], labels[1]):
            begin_posterior(precision, linear)
            for d in range(doc_counts.shape[0]):
                length, _ = measure_counts(doc_counts, d)
                if length > 0.0:
                    pull = pulls[d, y] * length * length
                    slope = signs[d, y] * (pull * margin + 0.5 * cost) / length
                    add_document(doc_counts, d, pulls[d, y], slope, precision, linear, listed)
            draw_weights(precision, linear, coef, y, key)
