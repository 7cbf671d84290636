"""Naive twins of the kernels of topic models: NumPy on unpadded counts, one token after the other.

A corpus is the document and the word of every token; `z` is its topics.
"""

from itertools import product

import numpy as np
from scipy.special import gammaln

from strads.kernels.lanes import padded


def widened(values, dtype):
    """Rows as kernels want them: zeros up to a whole number of vectors."""
    rows = np.atleast_2d(values)
    wide = np.zeros((len(rows), padded(rows.shape[1])), dtype)
    wide[:, : rows.shape[1]] = rows
    return wide


def tokens_of(X):
    """Document and word of every token, in the order of the matrix."""
    X = X.tocsr()
    doc = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    return np.repeat(doc, X.data), np.repeat(X.indices, X.data)


def count(ids, z, shape):
    """Tokens by id and topic, of those that have a topic."""
    counts = np.zeros(shape, np.int64)
    has = z < shape[1]
    np.add.at(counts, (ids[has], z[has]), 1)
    return counts


def conditional(of_doc, of_word, totals, alpha, beta, words):
    """p(z = k | all others), from counts without the token."""
    p = (of_doc + alpha) * (of_word + beta) / (totals + words * beta)
    return p / p.sum()


def joint(doc, word, z, shape, alpha, beta, base=0):
    """ln p(words, topics), given the topic counts of words elsewhere."""
    documents, words = shape
    n_dk = count(doc, z, (documents, len(alpha)))
    n_wk = count(word, z, (words, len(alpha)))

    def of_words(counts):
        return gammaln(counts + beta).sum() - gammaln(counts.sum(axis=0) + words * beta).sum()

    found = gammaln(n_dk + alpha).sum() - documents * gammaln(alpha).sum()
    found -= (gammaln(n_dk.sum(axis=1) + alpha.sum()) - gammaln(alpha.sum())).sum()
    return found + of_words(n_wk + base) - of_words(0 * n_wk + base)


def posterior(doc, word, shape, alpha, beta):
    """p(z | words) of all assignments, the last token's topic counting up first."""
    every = [np.array(z) for z in product(range(len(alpha)), repeat=len(doc))]
    values = np.array([joint(doc, word, z, shape, alpha, beta) for z in every])
    law = np.exp(values - values.max())
    return law / law.sum()


def sweep_law(doc, word, shape, alpha, beta, order):
    """Markov matrix of a sweep that visits tokens in this order, one by one."""
    k, n = len(alpha), len(doc)
    every = np.array(list(product(range(k), repeat=n)))
    law = np.eye(len(every))
    for t in order:
        step, rest = np.zeros_like(law), np.arange(n) != t
        for i, z in enumerate(every):
            n_dk = count(doc[rest], z[rest], (shape[0], k))[doc[t]]
            n_wk = count(word[rest], z[rest], (shape[1], k))
            place = k ** (n - 1 - t)
            others = i - z[t] * place + place * np.arange(k)
            step[i, others] = conditional(
                n_dk, n_wk[word[t]], n_wk.sum(axis=0), alpha, beta, shape[1]
            )
        law = law @ step
    return law


def lane_major(weights, lanes=16):
    """Positions in the order in which a draw goes through them."""
    return np.lexsort((np.arange(len(weights)) // lanes, np.arange(len(weights)) % lanes))


def near_draws(weights, order, share):
    """Positions whose part of the running sum, in that order, holds a share, up to rounding."""
    ends, near = np.cumsum(weights[order]), 1e-5 * weights.sum()
    within = (ends - weights[order] - near <= share) & (share <= ends + near)
    return order[within].tolist()


class TopicList:
    """Topics of a document, with their counts, in the order in which a list has them."""

    def __init__(self, entries):
        self.topics = [k for k, _ in entries]
        self.counts = dict(entries)

    def move(self, k, by):
        """Add tokens to a topic; one that has none left gives its place to the last."""
        if k not in self.counts:
            self.topics.append(k)
        self.counts[k] = self.counts.get(k, 0) + by
        if self.counts[k] == 0:
            place, last = self.topics.index(k), self.topics.pop()
            if last != k:
                self.topics[place] = last
            del self.counts[k]

    def draws(self, q, alpha, u, v, lanes=16):
        """Topics that the random numbers may mean: of the list, or any, sixteen by sixteen."""
        own = np.array([self.counts[k] * q[k] for k in self.topics])
        rest, near = u * (own.sum() + alpha @ q), 1e-5 * (own.sum() + alpha @ q)
        found = []
        if rest < own.sum() + near:
            found += [self.topics[i] for i in near_draws(own, lane_major(own), rest)]
        if rest > own.sum() - near:
            starts = np.arange(0, len(q), lanes)
            groups = np.add.reduceat(alpha * q, starts)
            for g in near_draws(groups, lane_major(groups), rest - own.sum()):
                some = np.arange(starts[g], min(starts[g] + lanes, len(q)))
                inner = (alpha * q)[some]
                found += some[near_draws(inner, np.arange(len(some)), v * groups[g])].tolist()
        return found


def expected_topics(indices, counts, phi, alpha, steps):
    """Expected topic counts of a document after that many visits of every word (CVB0).

    And the sum of the lengths of the last visit's changes.
    """
    shares = np.zeros((len(indices), len(alpha)))
    for _ in range(steps):
        before = shares.copy()
        for e, w in enumerate(indices):
            weights = (shares.sum(axis=0) - shares[e] + alpha) * phi[w]
            if weights.sum() > 0.0:
                shares[e] = counts[e] * weights / weights.sum()
    return shares.sum(axis=0), np.linalg.norm(shares - before, axis=1).sum()
