"""Topic models: planted topics, equal bits, counts, and the shares and perplexity of documents."""

import naive_topics as naive
import numpy as np
import pytest
import scipy.sparse as sp
from corpora import DOCS, WORDS, K, assert_counted, assert_same, corpus, lda, many_sweeps, planted
from hypothesis import given
from hypothesis import strategies as st
from processes import nothing_left
from real_data import DATA
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone

from strads import default_engine
from strads.algorithms.topics import progress as progress_module
from strads.algorithms.topics.counts.token_counts import split_tokens, token_counts

SAMPLERS = ("dense", "sparse")
BOTH = pytest.mark.parametrize("sampler", SAMPLERS)


# -- what is learnt --------------------------------------------------------------------------------


@many_sweeps
@BOTH
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("overlap", [0, 2])
def test_planted_topics_are_found(sampler, workers, overlap):
    X, phi, theta = planted(overlap=overlap, docs=150)
    model = lda(3, sampler=sampler, n_workers=workers, max_iter=60, doc_topic_prior=0.15,
                topic_word_prior=0.05).fit(X)  # fmt: skip
    found = model.components_ / model.components_.sum(axis=1, keepdims=True)
    distance = np.abs(phi[:, None] - found).sum(axis=2)
    planted_ones, match = linear_sum_assignment(distance)
    assert distance[planted_ones, match].max() < 0.35
    shares = model.transform(X)[:, match]
    assert np.abs(shares - theta).sum(axis=1).mean() < 0.3
    assert_counted(model, X)


@many_sweeps
@pytest.mark.parametrize("sampler", ["dense", pytest.param("sparse", marks=pytest.mark.slow)])
@pytest.mark.parametrize("init", ["random", "grouped"])
def test_few_chains_begin_where_they_cannot_leave(sampler, init):
    # With their own β in a grouped first sweep nearly half of them do.
    missed = 0
    for seed in range(40):
        X, phi, _ = planted(docs=150, seed=seed)
        model = lda(3, sampler=sampler, max_iter=40, doc_topic_prior=0.1, topic_word_prior=0.01,
                    init=init, random_state=seed).fit(X)  # fmt: skip
        found = model.components_ / model.components_.sum(axis=1, keepdims=True)
        missed += np.abs(phi[:, None] - found).sum(axis=2).min(axis=1).max() > 0.5
    assert missed <= 2


def test_workers_follow_each_other_when_topics_begin_as_groups():
    X = corpus(1, docs=40)
    for init, more in (("random", 0), ("grouped", 1)):
        for sweeps in (1, 3):
            model = lda(init=init, n_workers=2, syncs_per_sweep=4, max_iter=sweeps).fit(X)
            assert model.statistics_["schedules"]["main"]["rounds"] == 4 * sweeps + more
            assert model.topic_word_prior_ == 1 / K
    with pytest.raises(ValueError, match="init"):
        lda(init="guess").fit(X)


@many_sweeps
def test_priors_are_learnt_where_topics_are_of_unequal_weight():
    X, _, _ = planted(docs=200, shares=np.array([3.0, 0.3, 0.1]), seed=1)
    given = {"max_iter": 120, "doc_topic_prior": 0.3, "topic_word_prior": 0.05}
    fixed, fitted = (lda(3, optimize_priors=o, **given).fit(X) for o in (False, True))
    np.testing.assert_allclose(fixed.doc_topic_prior_, 0.3, rtol=1e-6)
    assert fixed.topic_word_prior_ == 0.05
    alpha, sizes = fitted.doc_topic_prior_, fitted.topic_counts_.sum(axis=0)
    assert np.argmax(alpha) == np.argmax(sizes)
    assert np.all(np.diff(np.log(np.sort(alpha))) > np.log(2.0))
    assert fitted.topic_word_prior_ != 0.05
    likelihoods = [m.history_[-1]["log_likelihood_per_token"] for m in (fixed, fitted)]
    assert likelihoods[1] > likelihoods[0]


@many_sweeps
def test_more_exchanges_make_the_s_error_smaller():
    X = corpus(1, docs=100, words=64, mean=3.0)
    errors = [
        np.mean([
            figures["s_error"]
            for figures in lda(4, n_workers=2, syncs_per_sweep=n, max_iter=5).fit(X).history_[1:]
        ])
        for n in (2, 32)
    ]  # fmt: skip
    assert 0.0 < errors[1] < errors[0] / 3
    assert all(figures["s_error"] == 0.0 for figures in lda(4).fit(X).history_)


# -- equal bits ------------------------------------------------------------------------------------


@BOTH
def test_random_state_decides(sampler):
    X = corpus(2)
    one, two, other = (lda(sampler=sampler, random_state=s).fit(X) for s in (1, 1, 2))
    assert_same(one, two)
    assert not np.array_equal(one.assignments_, other.assignments_)
    drawn, again = (lda(random_state=np.random.RandomState(3)).fit(X) for _ in range(2))
    assert_same(drawn, again)
    assert_same(lda().fit(X), lda(random_state=0).fit(X.toarray().astype(np.float32)))


@BOTH
@pytest.mark.parametrize("workers", [1, 2])
def test_sweeps_go_on_where_they_ended(sampler, workers):
    X = corpus(3)
    given = {"sampler": sampler, "n_workers": workers, "random_state": 5, "evaluate_every": 2}
    whole, parts = lda(max_iter=5, **given).fit(X), lda(max_iter=2, warm_start=True, **given).fit(X)
    assert parts.history_ == whole.history_[:2]
    parts.set_params(max_iter=3).fit(X)
    assert_same(parts, whole)
    assert parts.n_iter_ == whole.n_iter_ == 5
    assert parts.history_ == whole.history_
    assert_same(parts.set_params(warm_start=False, max_iter=5).fit(X), whole)
    assert parts.n_iter_ == len(parts.history_) == 5


@pytest.mark.slow  # by day the tests of programs compare executors
@pytest.mark.processes
@BOTH
def test_processes_give_the_bits_of_a_serial_run(sampler, monkeypatch):
    X = corpus(4, docs=60)
    default_engine().close()  # of whichever test was before
    with nothing_left():
        engine = default_engine()
        model = lda(sampler=sampler, n_workers=2, optimize_priors=True, max_iter=21)
        parallel, repeated = clone(model).fit(X), clone(model).fit(X)
        assert parallel.statistics_["executor"] == "processes"
        shares = parallel.transform(X)

        class Serial:
            def iterate(self, program, **given):
                return engine.iterate(program, **given, executor="serial")

        monkeypatch.setattr(progress_module, "default_engine", Serial)
        serial = clone(model).fit(X)
        assert serial.statistics_["executor"] != "processes"
        for other in (repeated, serial):
            assert_same(parallel, other)
            assert parallel.history_ == other.history_
        np.testing.assert_array_equal(shares, serial.set_params(n_workers=1).transform(X))
        engine.close()


# -- counts ----------------------------------------------------------------------------------------


@st.composite
def corpora(draw):
    """Few tokens: empty documents, single tokens and unseen words are common."""
    docs, words = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    counts = st.sampled_from([0, 0, 0, 1, 1, 2, 7])
    rows = draw(st.lists(st.lists(counts, min_size=words, max_size=words),
                         min_size=docs, max_size=docs))  # fmt: skip
    rows[0][0] += not np.any(rows)
    return np.array(rows)


@given(X=corpora(), workers=st.integers(1, 3), sampler=st.sampled_from(SAMPLERS),
       seed=st.integers(0, 99))  # fmt: skip
def test_counts_are_those_of_the_topics(X, workers, sampler, seed):
    rng = np.random.default_rng(seed)
    model = lda(3, sampler=sampler, n_workers=workers, max_iter=2, random_state=seed)
    shuffled = X[rng.permutation(len(X))][:, rng.permutation(X.shape[1])]
    for counts in (X, shuffled, sp.csc_matrix(X)):
        assert_counted(model.fit(counts), counts)
        assert model.assignments_.dtype == np.uint16
        assert model.topic_counts_.dtype == np.int32
        assert np.isfinite(model.history_[-1]["log_likelihood_per_token"])


def test_components_are_counts_plus_prior():
    X = corpus(5)
    model = lda(topic_word_prior=0.25).fit(X)
    np.testing.assert_array_equal(model.components_, model.topic_counts_.T + 0.25)
    np.testing.assert_allclose(model.doc_topic_prior_, 1 / K, rtol=1e-6)
    assert lda().fit(X).topic_word_prior_ == 1 / K
    assert not hasattr(lda(), "components_")


def test_what_was_given_is_not_changed_and_may_have_duplicates_and_zeros():
    X = sp.csr_array((np.array([1, 2, 0, 3]), np.array([1, 1, 0, 2]), [0, 3, 4]), shape=(2, 3))
    before = X.copy()
    model = lda(2).fit(X)
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(X, part), getattr(before, part))
    assert_same(model, lda(2).fit(np.array([[0, 3, 0], [0, 0, 3]])))


def test_partial_fit_adds_to_the_counts():
    X, more = corpus(6), corpus(7, docs=DOCS // 2)
    model = lda().partial_fit(X)
    assert_same(model, lda().fit(X))
    before = model.topic_counts_
    model.partial_fit(more)
    words = np.repeat(more.indices, more.data)
    added = np.zeros_like(before)
    np.add.at(added, (words, model.assignments_), 1)
    np.testing.assert_array_equal(model.topic_counts_, before + added)
    assert len(model.history_) == 6
    model.set_params(warm_start=True).fit(more)  # further sweeps for those of the last call
    np.testing.assert_array_equal(model.topic_counts_.sum(axis=1), (X.sum(0) + more.sum(0)))
    assert model.n_iter_ == 6
    with pytest.raises(ValueError, match=f"expecting {WORDS} features"):
        model.partial_fit(more[:, 1:])
    with pytest.raises(ValueError, match=f"{K + 1}, but {K} topics.*; set n_components={K}, or"):
        model.set_params(n_components=K + 1).partial_fit(more)


def test_all_documents_together_are_fewer_than_2_to_the_31_tokens():
    X, model = corpus(6), lda()
    model.fit(X)
    model.topic_counts_[1, 1] += 2**31 - 1 - 2 * X.sum()  # as if of many calls
    model.partial_fit(X)
    assert model.topic_counts_.sum() == 2**31 - 1
    counts = model.topic_counts_.copy()
    says = f"{X.sum()} tokens, and {2**31 - 1} were fitted before: .* fewer documents, or start"
    with pytest.raises(ValueError, match=says):
        model.partial_fit(X)
    np.testing.assert_array_equal(model.topic_counts_, counts)


@pytest.mark.parametrize(
    ("every", "sweeps", "due"), [(3, 7, [3, 6, 7]), (0, 4, [4]), (1, 2, [1, 2]), (9, 2, [2])]
)
def test_the_likelihood_is_evaluated_when_due(every, sweeps, due):
    model = lda(evaluate_every=every, max_iter=sweeps).fit(corpus(8))
    figures = model.history_
    found = [n for n, f in enumerate(figures, 1) if "log_likelihood_per_token" in f]
    assert found == due
    assert len(figures) == model.n_iter_ == sweeps
    assert all("s_error" in f for f in figures)


def test_a_callback_stops_a_fit():
    X, seen = corpus(9), []

    def enough(step):
        seen.append(step.epoch)
        return step.epoch == 2

    model = lda(max_iter=5, callbacks=enough).fit(X)
    assert seen == [1, 2]
    assert model.n_iter_ == len(model.history_) == 2
    assert_same(model, lda(max_iter=2).fit(X))


# -- documents judged ------------------------------------------------------------------------------


def test_shares_of_documents():
    X = corpus(10)
    model = lda(doc_topic_prior=0.5).fit(X)
    model.doc_topic_prior_ = np.arange(1.0, K + 1)
    shares = model.transform(X)
    assert shares.shape == (DOCS, K)
    assert shares.min() > 0.0
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    prior = model.doc_topic_prior_ / model.doc_topic_prior_.sum()
    np.testing.assert_allclose(shares[DOCS // 2], prior, rtol=1e-5)
    np.testing.assert_array_equal(model.transform(X[[3]]), shares[[3]])
    np.testing.assert_array_equal(model.transform(X.toarray()[::-1]), shares[::-1])
    unseen = np.zeros((1, WORDS), int)
    unseen[0, WORDS // 3] = 2
    assert model.transform(unseen).sum() == pytest.approx(1.0)
    np.testing.assert_allclose(model.transform(unseen * 0), prior[None], rtol=1e-5)
    np.testing.assert_array_equal(lda().fit_transform(X), lda().fit(X).transform(X))


def test_shares_are_the_fixed_point():
    X = corpus(16, mean=3.0)
    model = lda().fit(X)
    phi = (model.components_ / model.components_.sum(axis=1, keepdims=True)).T
    alpha, shares = model.doc_topic_prior_, model.transform(X)
    for d in range(DOCS):
        row = X[[d]]
        expected, _ = naive.expected_topics(row.indices, row.data, phi, alpha, 300)
        theta = (expected + alpha) / (expected + alpha).sum()
        np.testing.assert_allclose(shares[d], theta, atol=0.01)


def test_perplexity_is_of_the_tokens_withheld():
    X = corpus(11, mean=2.0)
    model = lda(random_state=7).fit(X)
    given, rest = split_tokens(token_counts(model, X), 7)
    np.testing.assert_array_equal((given + rest).toarray(), X.toarray())
    phi = model.components_ / model.components_.sum(axis=1, keepdims=True)
    chances = model.transform(given) @ phi
    expected = float((rest.toarray() * np.log(chances)).sum())
    assert model.score(X) == pytest.approx(expected * X.sum() / rest.sum(), rel=1e-4)
    assert model.perplexity(X) == pytest.approx(np.exp(-expected / rest.sum()), rel=1e-4)
    assert model.perplexity(rest, observed=given) == pytest.approx(model.perplexity(X), rel=1e-12)
    blind = sp.csr_array(X.shape, dtype=np.int32)
    mixture = phi.T @ (model.doc_topic_prior_ / model.doc_topic_prior_.sum())
    by_hand = np.exp(-(X.sum(axis=0) * np.log(mixture)).sum() / X.sum())
    assert model.perplexity(X, observed=blind) == pytest.approx(by_hand, rel=1e-4)
    with pytest.raises(ValueError, match="observed has shape.*: give other tokens of the same doc"):
        model.perplexity(X, observed=X[1:])
    with pytest.raises(ValueError, match=r"observed\[0, 0\] is 0.5: observed must hold counts"):
        model.perplexity(X, observed=np.full(X.shape, 0.5))
    with pytest.raises(ValueError, match="X has no token to be judged; give longer"):
        model.perplexity(blind)


@many_sweeps
def test_better_topics_are_less_perplexed():
    X, _, _ = planted(docs=120)
    new = planted(docs=40, seed=5)[0]
    other = planted(docs=120, shares=np.full(3, 50.0), seed=6)[0]
    trained, hardly = lda(3, max_iter=60).fit(X), lda(3, max_iter=1).fit(other)
    assert trained.perplexity(new) < 0.8 * hardly.perplexity(new)
    assert trained.score(new) > hardly.score(new)


# -- real data -------------------------------------------------------------------------------------


KOS = DATA / "uci-kos" / "counts.npz"


@pytest.mark.skipif(not KOS.is_file(), reason="real data sets are not on this machine")
@many_sweeps
def test_uci_kos():
    X = sp.csr_array(sp.load_npz(KOS))
    model = lda(20, max_iter=30).fit(X[:3000])
    assert model.history_[-1]["log_likelihood_per_token"] > -8.4
    assert model.perplexity(X[3000:]) < 2050
