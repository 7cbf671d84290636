"""Kernels of topic models, against naive twins and by their properties."""

from collections import Counter

import naive_topics as naive
import numba
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln, psi
from scipy.stats import chisquare

from strads.kernels.lanes import LANES, padded
from strads.kernels.random import uniform
from strads.kernels.topics.dense import sample_dense
from strads.kernels.topics.gamma_rises import digamma, log_rise, slope_rise
from strads.kernels.topics.groups import draw_any, sum_groups
from strads.kernels.topics.inference import infer_document
from strads.kernels.topics.layout import (
    Corpus,
    count_tokens,
    fill_tokens,
    read_topics,
    write_topics,
)
from strads.kernels.topics.lists import (
    PAIRS,
    Lists,
    add_topic,
    drop_topic,
    find_topic,
    rows_of,
    sort_topics,
)
from strads.kernels.topics.sparse import ANEW, sample_sparse
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
from strads.kernels.topics.words import NONE, Words, invert_totals, shift_word, weigh_word

JIT = not numba.config.DISABLE_JIT
NARROW_AND_WIDE = pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint32])
seeds = st.integers(0, 2**32 - 1)
unit = st.floats(0.0, 1.0, exclude_max=True)


# -- words -----------------------------------------------------------------------------------------


def words_for(n_wk, beta, totals=None):
    """Make random counts of words, ready for sampling."""
    wide = naive.widened(n_wk, np.int32)
    row = np.zeros((2, 1, wide.shape[1]), np.float32)
    totals = naive.widened(n_wk.sum(axis=0) if totals is None else totals, np.int32)[0].copy()
    words = Words(wide, totals, row[0], row[1], beta, beta * len(n_wk))
    invert_totals(words, n_wk.shape[1])
    return words


@given(seed=seeds, topics=st.sampled_from([1, 7, 16, 20]), beta=st.sampled_from([0.01, 0.5]))
def test_weights_of_a_word_follow_its_tokens(seed, topics, beta):
    rng = np.random.default_rng(seed)
    n_wk = rng.integers(0, 4, (5, topics))
    words = words_for(n_wk, beta)
    w = int(rng.integers(5))
    weigh_word(words, w)
    for _ in range(20):
        k = int(rng.integers(topics))
        by = -1 if n_wk[w, k] > 0 and rng.random() < 0.6 else 1
        n_wk[w, k] += by
        shift_word(words, w, k, by)
    expected = (n_wk[w] + beta) / (n_wk.sum(axis=0) + 5 * beta)
    for _ in range(2):  # as changes have left them, then recomputed
        np.testing.assert_allclose(words.weights[0, :topics], expected, rtol=1e-6)
        assert not words.weights[0, topics:].any()
        weigh_word(words, w)
    np.testing.assert_array_equal(words.counts[:, :topics], n_wk)
    np.testing.assert_array_equal(words.totals[:topics], n_wk.sum(axis=0))


# -- lists -----------------------------------------------------------------------------------------


def empty_lists(rows, dtype=np.uint16):
    """Make lists of documents with a given number of rows each."""
    rows = np.asarray(rows)
    first = (np.cumsum(rows) - rows).astype(np.int64)
    return Lists(first, np.zeros(len(rows), np.int32), np.zeros((rows.sum(), PAIRS), dtype))


def listed(lists, d):
    """Return the topics of a document, in the order of its list, with their counts."""
    n, at = lists.length[d], lists.first[d]
    rows = lists.pairs[at : at + rows_of(n)]
    return list(zip(rows[:, :LANES].ravel()[:n].tolist(), rows[:, LANES:].ravel()[:n].tolist()))


def assert_lists(lists, d, expected):
    found = listed(lists, d)
    assert dict(found) == {k: n for k, n in expected.items() if n > 0}
    assert len(found) == len(dict(found))
    end = lists.first[d + 1] if d + 1 < len(lists.first) else len(lists.pairs)
    counts = lists.pairs[lists.first[d] : end, LANES:].ravel()
    assert not counts[lists.length[d] :].any()


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@given(moves=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 39), st.booleans()), max_size=60))
def test_lists_are_as_dicts(dtype, moves):
    lists, twins = empty_lists([3, 3, 3], dtype), [Counter(), Counter(), Counter()]
    for d, k, adds in moves:
        if adds or twins[d][k] == 0:
            add_topic(lists, d, k)
            twins[d][k] += 1
        else:
            drop_topic(lists, d, k)
            twins[d][k] -= 1
    for d, twin in enumerate(twins):
        assert_lists(lists, d, twin)
        for k in range(41):
            place = find_topic(lists, lists.first[d], lists.length[d], k)
            assert (place >= 0) == (twin[k] > 0)
            assert place < 0 or listed(lists, d)[place][0] == k
        sort_topics(lists, d)
        assert_lists(lists, d, twin)
        assert [k for k, _ in listed(lists, d)] == sorted(+twin)


@pytest.mark.parametrize("room", [1, 2])
def test_a_full_list_stays_within_its_rows(room):
    lists = empty_lists([room] * 3)
    topics = np.random.default_rng(0).permutation(room * LANES) + 3
    add_topic(lists, 0, 1)
    add_topic(lists, 2, 1)
    for k in topics:
        add_topic(lists, 1, k)
    assert lists.length[1] == room * LANES
    for k in topics[::2]:
        drop_topic(lists, 1, k)
        add_topic(lists, 1, k + 100)
    sort_topics(lists, 1)
    assert [k for k, _ in listed(lists, 1)] == sorted([*topics[::2] + 100, *topics[1::2]])
    assert_lists(lists, 1, dict.fromkeys([*topics[::2] + 100, *topics[1::2]], 1))
    for d in (0, 2):
        assert listed(lists, d) == [(1, 1)]


def test_rows_of_entries():
    assert [rows_of(n) for n in (0, 1, 16, 17, 32)] == [0, 1, 1, 2, 2]


# -- samplers --------------------------------------------------------------------------------------


class Case:
    """Tokens of a few documents, laid out by words; some tokens have no topic yet."""

    def __init__(self, seed, topics, shape=(4, 5), tokens=30, none=0.3, dtype=np.uint16):
        rng = np.random.default_rng(seed)
        self.topics, self.shape, self.dtype = topics, shape, dtype
        self.doc = rng.integers(0, shape[0], tokens).astype(np.int32)
        self.word = np.sort(rng.integers(0, shape[1], tokens))
        self.z = rng.integers(0, topics, tokens).astype(np.uint16)
        self.z[rng.random(tokens) < none] = NONE
        self.first = np.searchsorted(self.word, np.arange(shape[1] + 1)).astype(np.int64)
        self.alpha = rng.uniform(0.05, 0.4, topics).astype(np.float32)
        self.beta = 0.25
        self.words = words_for(self.of_words(), self.beta)
        self.doc_counts = naive.widened(self.of_docs(), dtype)
        self.lists = empty_lists([padded(topics) // LANES] * shape[0], dtype)
        for d, k in zip(self.doc, self.z):
            if k != NONE:
                add_topic(self.lists, d, k)

    def of_words(self):
        return naive.count(self.word, self.z, (self.shape[1], self.topics))

    def of_docs(self):
        return naive.count(self.doc, self.z, (self.shape[0], self.topics))

    def sample(self, kind, key, lo=0, hi=None, first=None):
        given = lo, self.shape[1] if hi is None else hi, self.first if first is None else first
        vectors = padded(self.topics) // LANES
        sums = np.full((vectors + 1, LANES), np.nan, np.float32)
        alpha = naive.widened(self.alpha, np.float32)
        if kind == "dense":
            sample_dense(
                *given, self.doc, self.z, self.words, self.doc_counts, alpha, sums, self.topics, key
            )  # fmt: skip
        else:
            groups = np.zeros((1, padded(vectors)), np.float32)
            sample_sparse(
                *given, self.doc, self.z, self.words, self.lists, alpha, groups, sums,
                self.topics, key,
            )  # fmt: skip

    def assert_counted(self, kind):
        """Check that all counts are those of the tokens' topics."""
        n_wk, n_dk = self.of_words(), self.of_docs()
        np.testing.assert_array_equal(self.words.counts, naive.widened(n_wk, np.int32))
        np.testing.assert_array_equal(
            self.words.totals, naive.widened(n_wk.sum(axis=0), np.int32)[0]
        )
        if kind == "dense":
            np.testing.assert_array_equal(self.doc_counts, naive.widened(n_dk, self.dtype))
            return
        for d in range(self.shape[0]):
            assert_lists(self.lists, d, dict(enumerate(n_dk[d].tolist())))


SAMPLERS = pytest.mark.parametrize("kind", ["dense", "sparse"])
TOPICS = pytest.mark.parametrize("topics", [2, 17, 40])


@SAMPLERS
@TOPICS
@given(seed=seeds, wide=st.booleans(), tokens=st.integers(0, 30), lo=st.integers(0, 5))
def test_counts_are_those_of_the_topics(kind, topics, seed, wide, tokens, lo):
    case = Case(seed, topics, tokens=tokens, dtype=np.uint32 if wide else np.uint16)
    hi = int(np.random.default_rng(seed).integers(lo, 6))
    before, mine = case.z.copy(), (case.word >= lo) & (case.word < hi)
    for sweep in range(3):
        case.sample(kind, sweep, lo, hi)
        case.assert_counted(kind)
        assert np.all(case.z[mine] < topics)
        np.testing.assert_array_equal(case.z[~mine], before[~mine])


@SAMPLERS
def test_a_frequent_word(kind):
    """The word has so many tokens that its sums are recomputed on the way."""
    case = Case(0, 20, shape=(3, 1), tokens=ANEW + 200, none=1.0)
    case.sample(kind, 0)
    case.sample(kind, 1)
    case.assert_counted(kind)
    assert np.all(case.z < 20)


@pytest.mark.skipif(not JIT, reason="many topics: compiled only")
@SAMPLERS
def test_the_most_topics(kind):
    case = Case(2, NONE, shape=(2, 2), tokens=8, none=0.5)
    case.sample(kind, 0)
    case.assert_counted(kind)
    assert 0 < np.count_nonzero(case.z >= 2**15) < 8
    case.sample(kind, 1)
    case.assert_counted(kind)


@TOPICS
@given(seed=seeds)
def test_dense_topics_follow_the_conditional_one_by_one(topics, seed):
    case = Case(seed, topics)
    before = case.z.copy()
    case.sample("dense", seed)
    after, z = case.z, before.copy()
    order = naive.lane_major(np.zeros(topics))
    for t, k in enumerate(after):
        z[t] = NONE
        n_wk = naive.count(case.word, z, (case.shape[1], topics))
        n_dk = naive.count(case.doc, z, (case.shape[0], topics))
        law = naive.conditional(
            n_dk[case.doc[t]], n_wk[case.word[t]], n_wk.sum(axis=0), case.alpha, case.beta,
            case.shape[1],
        )  # fmt: skip
        end = np.cumsum(law[order])[np.flatnonzero(order == k)[0]]
        assert end - law[k] - 1e-5 <= uniform(seed, t) <= end + 1e-5
        z[t] = k


# Of 40 topics a document of forty tokens has more than a row of its list holds; 300 are more
# groups than a vector holds.
@pytest.mark.parametrize("topics", [2, 17, 40, 300])
@given(seed=seeds, tokens=st.one_of(st.integers(1, 30), st.just(120)))
def test_sparse_topics_are_drawn_in_two_parts_one_by_one(topics, seed, tokens):
    case = Case(seed, topics, shape=(3, 2), tokens=tokens)
    twins = [naive.TopicList(listed(case.lists, d)) for d in range(3)]
    before = case.z.copy()
    case.sample("sparse", seed)
    after, z = case.z, before.copy()
    for t, k in enumerate(after):
        twin = twins[case.doc[t]]
        if z[t] != NONE:
            twin.move(z[t], -1)
        z[t] = NONE
        n_wk = naive.count(case.word, z, (2, topics))
        q = (n_wk[case.word[t]] + case.beta) / (n_wk.sum(axis=0) + 2 * case.beta)
        assert k in twin.draws(q, case.alpha.astype(float), uniform(seed, t), uniform(seed, t, 1))
        twin.move(k, 1)
        z[t] = k


@pytest.mark.parametrize("topics", [5, 16, 17, 32])
def test_a_number_that_rounds_up_to_one_is_the_last_topic(topics):
    t = 33_706_514
    number = float(uniform(0, t, 1))
    assert number < float(np.float32(number)) == 1.0
    ones, sums = naive.widened(np.ones(topics), np.float32), np.zeros((1, LANES), np.float32)
    groups = np.zeros((1, LANES), np.float32)
    assert sum_groups(ones, ones, groups) == topics
    almost = np.nextafter(1.0, 0.0)
    assert draw_any(ones, ones, groups, sums, almost, 0, t, topics) == topics - 1


def pooled(found, law):
    """Return the p-value of the observed frequencies; rare topics are taken together."""
    expected = law * found.sum()
    rare = expected < 5.0
    if rare.any():
        found = np.r_[found[~rare], found[rare].sum()]
        expected = np.r_[expected[~rare], expected[rare].sum()]
    return chisquare(found, expected + 1e-12 * expected.sum()).pvalue if len(found) > 1 else 1.0


@SAMPLERS
@TOPICS
@pytest.mark.parametrize("t", [0, 11])
def test_one_topic_has_the_law_of_the_conditional(kind, topics, t):
    case = Case(1, topics, none=0.0, tokens=30 if topics > 2 else 13)
    first, w = case.first.copy(), case.word[t]
    first[w : w + 2] = t, t + 1  # as if no other token could change
    rest = np.arange(len(case.z)) != t
    n_wk = naive.count(case.word[rest], case.z[rest], (case.shape[1], topics))
    n_dk = naive.count(case.doc[rest], case.z[rest], (case.shape[0], topics))
    found, draws = np.zeros(topics, np.int64), 6000 if JIT else 1500
    for key in range(draws):
        case.sample(kind, key, w, w + 1, first)
        found[case.z[t]] += 1
    case.assert_counted(kind)

    def law(alpha=case.alpha, beta=case.beta, own=0):
        of_doc = n_dk[case.doc[t]] + own * (np.arange(topics) == case.z[t])
        return naive.conditional(of_doc, n_wk[w], n_wk.sum(axis=0), alpha, beta, case.shape[1])

    assert pooled(found, law()) > 1e-4
    wrong = [law(beta=1e-6), law(alpha=case.alpha[::-1]), law(own=1)]
    told = [np.abs(other - law()).sum() > 0.2 for other in wrong]
    assert any(told)
    for other, differs in zip(wrong, told):
        assert not differs or pooled(found, other) < 1e-6


# -- layout ----------------------------------------------------------------------------------------


@given(
    seed=seeds, documents=st.integers(1, 7), words=st.integers(1, 6),
    density=st.sampled_from([0.0, 0.4, 1.0]),
)  # fmt: skip
def test_tokens_are_laid_out_once_and_topics_come_back(seed, documents, words, density):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 4, (documents, words)) * (rng.random((documents, words)) < density)
    X = sp.csr_array(counts.astype(np.int32))
    rows, place = rng.permutation(documents), rng.permutation(words).astype(np.int32)
    corpus = Corpus(X.indptr, X.indices, X.data, rows, place)
    cut = int(rng.integers(0, documents + 1))
    first, tokens = np.zeros((2, words + 1), np.int64), int(counts.sum())
    for p, part in enumerate(((0, cut), (cut, documents))):
        count_tokens(corpus, *part, first[p, 1:])
    first = np.cumsum(first, axis=1)
    first[1] += first[0, -1]
    assert first[1, -1] == tokens
    doc, at = np.full(tokens, -1, np.int32), first.copy()
    fill_tokens(corpus, cut, documents, at[1], doc)
    fill_tokens(corpus, 0, cut, at[0], doc)
    np.testing.assert_array_equal(at[:, :-1], first[:, 1:])
    begin = np.r_[0, np.cumsum(counts.sum(axis=1))]
    topics = rng.integers(0, 9, tokens).astype(np.uint16)
    z, back = np.full(tokens, NONE, np.uint16), np.full(tokens, NONE, np.uint16)
    for p, part in enumerate(((0, cut), (cut, documents))):
        write_topics(corpus, *part, first[p].copy(), z, begin, topics)
        read_topics(corpus, *part, first[p].copy(), z, begin, back)
    np.testing.assert_array_equal(back, topics)
    of_doc, of_word = naive.tokens_of(X)
    for p, part in enumerate(((0, cut), (cut, documents))):
        for w in range(words):
            mine = slice(first[p, w], first[p, w + 1])
            column = int(np.flatnonzero(place == w)[0])
            expected = [
                (d, k)
                for d in range(*part)
                for k in topics[(of_doc == rows[d]) & (of_word == column)].tolist()
            ]
            assert list(zip(doc[mine].tolist(), z[mine].tolist())) == expected


# -- totals ----------------------------------------------------------------------------------------


def test_rounds_note_what_has_moved_and_how_wrong_copies_were():
    totals, behind, wrong = (np.zeros(LANES, np.int32) for _ in range(2)), None, np.zeros(1)
    totals, behind = totals
    moved = np.full((2, LANES), 99, np.int32)
    totals[:3], behind[:3] = (5, 2, 1), (3, -4, 1)
    begin_round(totals, moved, 1, behind, wrong)
    assert wrong[0] == 8.0
    assert not behind.any()
    totals[:3] += np.array([-2, 1, 1], np.int32)
    end_round(totals, moved, 1)
    assert moved[1, :4].tolist() == [-2, 1, 1, 0]
    assert np.all(moved[0] == 99)
    behind[0] = -2
    assert still_wrong(behind, wrong) == 10.0


@given(seed=seeds, topics=st.sampled_from([3, 16, 20]), continued=st.booleans())
def test_counts_of_words_and_their_part_of_the_likelihood(seed, topics, continued):
    case = Case(seed, topics)
    base = np.random.default_rng(seed).integers(0, 3, (5, topics)) * continued
    wide_base = (
        naive.widened(base, np.int32) if continued else np.zeros((0, padded(topics)), np.int32)
    )
    counts, first = np.full((5, padded(topics)), -1, np.int32), np.stack([case.first] * 2)
    first[1] = len(case.z)  # a worker without tokens
    for part in ((0, 2), (2, 5)):
        count_words(part, first, case.z, int(continued), wide_base, counts)
    n_wk = case.of_words() + base
    np.testing.assert_array_equal(counts, naive.widened(n_wk, np.int32))
    totals, behind = np.full(padded(topics), -1, np.int32), np.ones(padded(topics), np.int32)
    wrong = np.ones(1)
    count_all(case.z, naive.widened(base.sum(axis=0), np.int32)[0], totals, behind, wrong)
    np.testing.assert_array_equal(totals, naive.widened(n_wk.sum(axis=0), np.int32)[0])
    assert not (behind.any() or wrong.any())
    beta, mass = case.beta, 5 * case.beta
    found = sum(
        words_part(part, p, counts, totals, topics, beta, mass)
        for p, part in enumerate(((0, 2), (2, 5)))
    )
    expected = (gammaln(n_wk + beta) - gammaln(beta)).sum()
    expected -= (gammaln(n_wk.sum(axis=0) + mass) - gammaln(mass)).sum()
    assert found == pytest.approx(expected, abs=1e-9)
    slope = sum(words_slope(part, counts, topics, beta) for part in ((0, 2), (2, 5)))
    assert slope == pytest.approx((psi(n_wk + beta) - psi(beta)).sum(), abs=1e-9)
    alpha = naive.widened(case.alpha, np.float32)
    assert alpha_mass(alpha, topics) == pytest.approx(case.alpha.sum(dtype=np.float64))


@given(n=st.integers(0, 200), a=st.floats(1e-5, 1e4))
def test_rises_of_the_gamma_function(n, a):
    near = 1e-12 * (1.0 + abs(gammaln(n + a)) + abs(gammaln(a)))
    assert log_rise(n, a) == pytest.approx(gammaln(n + a) - gammaln(a), rel=1e-10, abs=near)
    near = 1e-10 * (1.0 + abs(psi(a)))
    assert slope_rise(n, a) == pytest.approx(psi(n + a) - psi(a), rel=1e-10, abs=near)
    assert digamma(a) == pytest.approx(psi(a), rel=1e-12, abs=1e-12)


# -- inference -------------------------------------------------------------------------------------


@given(
    seed=seeds, topics=st.sampled_from([1, 7, 16, 20]), entries=st.integers(0, 6),
    steps=st.integers(1, 6), empty=st.booleans(),
)  # fmt: skip
def test_expected_topics_of_a_document(seed, topics, entries, steps, empty):
    rng = np.random.default_rng(seed)
    phi = rng.dirichlet(np.full(8, 0.3), topics).T + 1e-6
    phi[0] *= not empty  # a word that no topic has
    alpha = rng.uniform(0.05, 0.5, topics)
    indices = rng.permutation(8)[:entries].astype(np.int32)
    counts = rng.integers(1, 5, entries).astype(np.float32)
    wide_phi, wide_alpha = naive.widened(phi, np.float32), naive.widened(alpha, np.float32)
    expected = np.full((2, padded(topics)), np.nan, np.float32)
    shares = np.full((entries + 1, padded(topics)), np.nan, np.float32)
    padding = np.zeros(1, np.int32), np.full(1, 9.0, np.float32)  # of another document
    given = np.r_[padding[0], indices], np.r_[padding[1], counts], 1, entries + 1

    def infer(steps, tol):
        return infer_document(
            *given, wide_phi, wide_alpha, expected, 1, shares, steps, tol
        )  # fmt: skip

    assert 1 <= infer(steps, 0.0) <= steps
    twin, _ = naive.expected_topics(indices, counts, phi, alpha, steps)
    np.testing.assert_allclose(expected[1, :topics], twin, rtol=1e-3, atol=1e-4)
    assert not expected[1, topics:].any()
    assert np.isnan(expected[0]).all()
    known = counts[(indices != 0) | (not empty)].sum()
    assert expected[1].sum() == pytest.approx(known, rel=1e-5)
    made, tol = infer(1000, 1e-3), 1e-3 * counts.sum()
    assert made < 1000
    twin, moved = naive.expected_topics(indices, counts, phi, alpha, made)
    np.testing.assert_allclose(expected[1, :topics], twin, rtol=1e-2, atol=1e-2)
    assert moved <= 1.01 * tol
    if made > 1:  # it did not stop a pass later than it had to
        assert naive.expected_topics(indices, counts, phi, alpha, made - 1)[1] >= 0.99 * tol
