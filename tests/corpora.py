"""Corpora that tests of topic models share, and what is demanded of any fitted model."""

import numba
import numpy as np
import pytest
import scipy.sparse as sp

from strads import LatentDirichletAllocation

JIT = not numba.config.DISABLE_JIT
many_sweeps = pytest.mark.skipif(not JIT, reason="many sweeps: compiled only")
DOCS, WORDS, K = (30, 20, 4) if JIT else (8, 6, 3)


def corpus(seed=0, docs=DOCS, words=WORDS, mean=1.0):
    """Counts without a structure, with an empty document and a word that is never seen."""
    counts = np.random.default_rng(seed).poisson(mean, (docs, words))
    counts[docs // 2] = counts[:, words // 3] = 0
    return sp.csr_array(counts.astype(np.int32))


def planted(topics=3, each=6, overlap=0, docs=60, length=30, shares=None, seed=0):
    """Documents of topics that are uniform over words of their own, and over `overlap` more."""
    rng = np.random.default_rng(seed)
    phi = np.zeros((topics, topics * each))
    for t in range(topics):
        phi[t, np.arange(t * each, (t + 1) * each + overlap) % phi.shape[1]] = 1.0
    phi /= phi.sum(axis=1, keepdims=True)
    theta = rng.dirichlet(np.full(topics, 0.15) if shares is None else shares, docs)
    return sp.csr_array(rng.multinomial(length, theta @ phi).astype(np.int32)), phi, theta


def lda(k=K, **given):
    return LatentDirichletAllocation(k, **{"max_iter": 3, "n_workers": 1} | given)


def assert_counted(model, X):
    """Demand that the counts are those of the topics of the tokens."""
    X = sp.csr_array(X)
    words = np.repeat(X.indices, X.data)
    expected = np.zeros_like(model.topic_counts_)
    np.add.at(expected, (words, model.assignments_), 1)
    np.testing.assert_array_equal(model.topic_counts_, expected)
    assert model.topic_counts_.sum() == len(model.assignments_) == X.sum()
    np.testing.assert_array_equal(model.topic_counts_.sum(axis=1), X.sum(axis=0))


def assert_same(one, other):
    np.testing.assert_array_equal(one.assignments_, other.assignments_)
    np.testing.assert_array_equal(one.topic_counts_, other.topic_counts_)
    np.testing.assert_array_equal(one.doc_topic_prior_, other.doc_topic_prior_)
    assert one.topic_word_prior_ == other.topic_word_prior_
