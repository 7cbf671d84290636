"""The comparisons of topic models run, on a tiny corpus, with the solvers that are there."""

import numpy as np
import pytest
from scipy.special import gammaln

from bench.topics import command, cost, judge
from bench.topics.data import corpus, split, tokens
from bench.topics.data.sentences import first_sentence
from bench.topics.judge import ALPHA, ETA, Tokens
from bench.topics.problem import Topics

TOPICS = 5


@pytest.fixture
def counts():
    return corpus("tiny")


def some_topics(counts):
    documents, words = tokens(counts)
    return Tokens(documents, words, np.random.default_rng(0).integers(TOPICS, size=len(words)))


def naive(tokens, shape):
    n_dk, n_wk = np.zeros((shape[0], TOPICS)), np.zeros((shape[1], TOPICS))
    np.add.at(n_dk, (tokens.documents, tokens.topics), 1)
    np.add.at(n_wk, (tokens.words, tokens.topics), 1)
    value = 0.0
    for table, prior in ((n_dk, ALPHA), (n_wk.T, ETA)):
        whole = prior * table.shape[1]
        value += np.sum(gammaln(whole) - gammaln(whole + table.sum(axis=1)))
        value += np.sum(gammaln(prior + table) - gammaln(prior))
    return value / len(tokens.words)


def test_log_likelihood_is_that_of_all_counts(counts):
    found = some_topics(counts)
    expected = naive(found, counts.shape)
    assert judge.log_likelihood(found, counts, TOPICS) == pytest.approx(expected, rel=1e-12)


def test_topics_of_another_corpus_are_refused(counts):
    found = some_topics(counts)
    with pytest.raises(ValueError, match="were given topics, not"):
        judge.log_likelihood(Tokens(*(each[1:] for each in found)), counts, TOPICS)
    moved = found._replace(words=(found.words + 1) % counts.shape[1])
    with pytest.raises(ValueError, match="another corpus"):
        judge.log_likelihood(moved, counts, TOPICS)


def test_a_split_keeps_every_token_once(counts):
    part, n = split("tiny", 3), counts.shape[0]
    assert (part.train.shape[0], part.hidden.shape[0]) == (n - n // 10, n // 10)
    columns = sum(each.sum(axis=0) for each in part)
    assert np.array_equal(columns, counts.sum(axis=0))
    whole = (part.observed + part.hidden).sum(axis=1)
    assert np.array_equal(part.observed.sum(axis=1), whole // 2)
    assert split("tiny", 3, most=4).hidden.shape[0] == 4


def test_perplexity_of_what_knows_nothing_is_the_vocabulary(counts):
    words, part = counts.shape[1], split("tiny", 0)
    phi = np.full((TOPICS, words), 1.0 / words)
    theta = judge.proportions(phi, part.observed)
    assert theta.sum(axis=1) == pytest.approx(1.0)
    assert judge.perplexity(theta, phi, part.hidden) == pytest.approx(words)


def test_proportions_are_a_fixed_point(counts):
    part, phi = (
        split("tiny", 0),
        judge.topics_of_words(some_topics(counts), counts.shape[1], TOPICS),
    )
    theta, given = judge.proportions(phi, part.observed), part.observed.toarray()
    again = ALPHA + theta * ((given / (theta @ phi)) @ phi.T)
    assert again / again.sum(axis=1, keepdims=True) == pytest.approx(theta, abs=1e-4)


def test_tomotopy_is_judged_by_its_own_topics(counts, need):
    need(Topics, "tomotopy-2")
    _, model = Topics("tiny").fit("tomotopy-2", {"topics": TOPICS, "iterations": 10})
    value = judge.log_likelihood(model.tokens(), counts, TOPICS)
    assert value == pytest.approx(model.model.ll_per_word, abs=0.2)  # it leaves out some terms
    own = np.array([model.model.get_topic_word_dist(k) for k in range(TOPICS)])
    order = [int(word) for word in model.model.used_vocabs]
    assert model.phi()[:, order] == pytest.approx(own, rel=1e-4)


def test_race(capsys, need):
    need(Topics, "tomotopy-1")
    rows = command.main(tiny=True, peer_workers=[1], no_cold=True)
    assert rows[-1]["solver"] == "tomotopy-1"
    assert rows[-1]["reached"]
    assert "LL a token" in capsys.readouterr().out


def test_staleness(tmp_path):
    rows = command.main(tiny=True, s_error=True, workers=[2])
    assert len({each["syncs"] for each in rows}) == len(cost.SYNCS)
    last = {each["syncs"]: each["s_error"] for each in rows if each["sweep"] > 1}
    assert min(last.values()) >= 0.0
    assert last[2 * max(cost.SYNCS)] < last[2]
    cost.draw(rows, tmp_path / "s.png")
    assert (tmp_path / "s-tiny-5.png").exists()


def test_quality(counts):
    for how in ("heldout", "transform"):
        for run in command.main(tiny=True, workers=[1], peers=["sklearn"], **{how: True}):
            assert run["perplexity"] < counts.shape[1]


def test_memory():
    (run,) = command.main(tiny=True, memory=True, workers=[2], peers=[])
    assert run["peak_mib"] >= run["input_mib"] > 10.0


def test_sentences_end_at_their_first_mark():
    assert first_sentence("Is 3.5 too much? No.") == "Is 3.5 too much"
    assert first_sentence("no mark at all") == "no mark at all"
