"""The layout of topic models: every worker and every slice has its share of the tokens."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads.algorithms.topics.dense import DenseSampler
from strads.algorithms.topics.layout import TopicLayout, dealt
from strads.algorithms.topics.sparse import SparseSampler
from strads.kernels.topics.lists import rows_of

seeds = st.integers(0, 2**32 - 1)


def uneven(seed, shape=(60, 40)):
    """Counts of documents and words of very unequal sizes, which grow with the ids."""
    rng = np.random.default_rng(seed)
    sizes = [np.sort(rng.pareto(1.0, n)) for n in shape]
    return sp.csr_array(rng.poisson(np.minimum(np.outer(*sizes), 50.0)).astype(np.int32))


def loads(partition, costs):
    """Return the cost of every worker, from the costs of the given ids."""
    costs = costs[partition.order]
    return np.array([costs[slice(*partition.range(p))].sum() for p in range(partition.workers)])


@given(seed=seeds, workers=st.integers(1, 5), slices=st.integers(5, 9))
def test_shards_and_slices_have_equal_shares_of_the_tokens(seed, workers, slices):
    X = uneven(seed)
    partitions = TopicLayout.of(X, workers, slices, seed).partitions()
    for axis, name in ((1, "docs"), (0, "words")):
        partition, costs = partitions[name], X.sum(axis=axis) + 1.0
        np.testing.assert_array_equal(np.sort(partition.order), np.arange(len(costs)))
        assert loads(partition, costs).max() <= costs.sum() / workers + costs.max()


@given(frequencies=st.lists(st.integers(0, 30), min_size=1, max_size=40), slices=st.integers(1, 7))
def test_words_are_dealt_to_the_slice_with_the_fewest_tokens(frequencies, slices):
    frequencies = np.array(frequencies)
    hands, sums = [[] for _ in range(slices)], np.zeros(slices, int)
    for w in np.argsort(-frequencies, kind="stable"):
        s = int(np.argmin(sums))
        hands[s].append(w)
        sums[s] += frequencies[w] + 1
    assert sums.max() - sums.min() <= frequencies.max() + 1
    assert dealt(frequencies, slices).tolist() == [w for hand in hands for w in hand]


def test_documents_are_shuffled_by_the_seed():
    X = uneven(0)
    one, again, other = (TopicLayout.of(X, 2, 2, seed).docs.order for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    for order in (one, other):
        assert np.mean(order == np.arange(len(order))) < 0.2
    assert np.mean(one == other) < 0.2


@pytest.mark.parametrize(
    ("tokens", "workers", "rounds", "slices"),
    [
        (8_000, 1, None, 1), (8_000, 3, None, 3), (480_000, 1, None, 2), (480_000, 3, None, 6),
        (200_000, 3, None, 3), (200_000, 2, None, 4), (200_000, 2, 1, 2), (200_000, 2, 7, 7),
        (200_000, 2, 99, 8),
    ],
)  # fmt: skip
def test_slices_are_as_many_as_pay(tokens, workers, rounds, slices):
    X = sp.csr_array(np.full((1, 8), tokens // 8, np.int32))
    program = DenseSampler(
        X=X, topics=2, workers=workers, alpha=np.ones(2), beta=1.0, rounds=rounds
    )  # fmt: skip
    assert program.layout.slices == slices


@pytest.mark.parametrize("workers", [1, 3])
def test_rows_of_lists_go_with_their_documents(workers):
    X = uneven(1)
    program = SparseSampler(X=X, topics=40, workers=workers, alpha=np.ones(40), beta=1.0)
    partitions = program.partition()
    sizes = np.array([rows_of(min(int(n), 40)) for n in X.sum(axis=1)])
    assert {1, 2, 3} <= set(sizes.tolist())
    rows, docs = partitions["rows"], partitions["docs"]
    found = [hi - lo for lo, hi in map(rows.range, range(workers))]
    np.testing.assert_array_equal(found, loads(docs, sizes))
    assert rows.size == sizes.sum()
