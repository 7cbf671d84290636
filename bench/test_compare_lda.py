"""The comparisons of topic models run, on a tiny corpus, with the solvers that are there."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

from bench.compare.lda import (
    child,
    command,
    corpora,
    curves,
    judge,
    ours,
    solvers,
    staleness,
)
from bench.compare.lda.judge import ALPHA, ETA, Tokens
from bench.compare.lda.solver import Setting
from bench.harness import pictures
from strads.engine.compiling.disk import cache_dir

TOPICS = 5


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STRADS_CACHE_DIR", str(cache_dir()))  # compiled code stays where it is
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def corpus():
    return corpora.load("tiny")


def _need(*names):
    if solvers.present(names) != [*names]:
        pytest.skip(f"not all of {names} are installed")


def _some_topics(corpus):
    documents, words = corpora.tokens(corpus.counts)
    return Tokens(documents, words, np.random.default_rng(0).integers(TOPICS, size=len(words)))


def _naive(tokens, shape):
    n_dk, n_wk = np.zeros((shape[0], TOPICS)), np.zeros((shape[1], TOPICS))
    np.add.at(n_dk, (tokens.documents, tokens.topics), 1)
    np.add.at(n_wk, (tokens.words, tokens.topics), 1)
    value = 0.0
    for table, prior in ((n_dk, ALPHA), (n_wk.T, ETA)):
        whole = prior * table.shape[1]
        value += np.sum(gammaln(whole) - gammaln(whole + table.sum(axis=1)))
        value += np.sum(gammaln(prior + table) - gammaln(prior))
    return value / len(tokens.words)


def test_log_likelihood_is_that_of_all_counts(corpus):
    tokens = _some_topics(corpus)
    assert judge.log_likelihood(tokens, corpus.counts, TOPICS) == pytest.approx(
        _naive(tokens, corpus.counts.shape), rel=1e-12
    )


def test_topics_of_another_corpus_are_refused(corpus):
    tokens = _some_topics(corpus)
    with pytest.raises(ValueError, match="were given topics, not"):
        judge.log_likelihood(Tokens(*(each[1:] for each in tokens)), corpus.counts, TOPICS)
    moved = tokens._replace(words=(tokens.words + 1) % corpus.counts.shape[1])
    with pytest.raises(ValueError, match="another corpus"):
        judge.log_likelihood(moved, corpus.counts, TOPICS)


def test_a_split_keeps_every_token_once(corpus):
    part = corpora.split(corpus, seed=3)
    n = corpus.counts.shape[0]
    assert (part.train.counts.shape[0], part.hidden.shape[0]) == (n - n // 10, n // 10)
    columns = sum(each.sum(axis=0) for each in (part.train.counts, part.observed, part.hidden))
    assert np.array_equal(columns, corpus.counts.sum(axis=0))
    whole = (part.observed + part.hidden).sum(axis=1)
    assert np.array_equal(part.observed.sum(axis=1), whole // 2)
    assert corpora.split(corpus, seed=3, most=4).hidden.shape[0] == 4


def test_perplexity_of_what_knows_nothing_is_the_vocabulary(corpus):
    words = corpus.counts.shape[1]
    part, phi = corpora.split(corpus, seed=0), np.full((TOPICS, words), 1.0 / words)
    theta = judge.proportions(phi, part.observed)
    assert theta.sum(axis=1) == pytest.approx(1.0)
    assert judge.perplexity(theta, phi, part.hidden) == pytest.approx(words)


def test_proportions_are_a_fixed_point(corpus):
    part, phi = (
        corpora.split(corpus, seed=0),
        judge.topics_of_words(_some_topics(corpus), corpus.counts.shape[1], TOPICS),
    )
    theta = judge.proportions(phi, part.observed)
    counts = part.observed.toarray()
    again = ALPHA + theta * ((counts / (theta @ phi)) @ phi.T)
    assert again / again.sum(axis=1, keepdims=True) == pytest.approx(theta, abs=1e-4)


def test_tomotopy_is_judged_by_its_own_topics(corpus):
    _need("tomotopy-2")
    setting = Setting(TOPICS, 10, 2)
    _, model = solvers.fit("tomotopy-2", corpus.counts, setting)
    value = judge.log_likelihood(model.tokens(), corpus.counts, TOPICS)
    assert value == pytest.approx(model.model.ll_per_word, abs=0.2)  # it leaves out some terms
    own = np.array([model.model.get_topic_word_dist(k) for k in range(TOPICS)])
    order = [int(word) for word in model.model.used_vocabs]
    assert model.phi()[:, order] == pytest.approx(own, rel=1e-4)


def test_our_sweeps_are_a_beginning_of_longer_fits(corpus):
    _need("strads-2")
    setting, values = Setting(TOPICS, 12, 2), []
    for sweeps in (5, 12):
        _, model = solvers.fit("strads-2", corpus.counts, setting._replace(sweeps=sweeps))
        values.append(judge.log_likelihood(model.tokens(), corpus.counts, TOPICS))
    # Our own figure has its priors in float32, the judge in float64.
    reached = values[0] - 1e-6
    assert 0 < ours.sweeps_until(corpus.counts, setting, lambda x: x >= reached) <= 5
    assert ours.sweeps_until(corpus.counts, setting, lambda x: x >= 0.0) == 0


def _run(*words):
    return command.main(["--tiny", "--peer-workers", "1", *words])


def test_race(capsys):
    _need("tomotopy-2")
    laps = _run("--no-cold")
    assert laps[-1]["solver"] == "tomotopy-1"
    assert laps[-1]["reached"]
    assert "LL a token" in capsys.readouterr().out


def test_cold():
    _need("tomotopy-2")
    assert child.start("tiny", "tomotopy-2", TOPICS, [2], cold=True).run()["seconds"] > 0.0


def test_curves(tmp_path, monkeypatch):
    _need("tomotopy-2")
    points = _run("--curves")
    mine = [point for point in points if point["solver"] == "tomotopy-1"]
    assert [point["sweeps"] for point in mine] == curves.counts_of_sweeps(4) == [1, 2, 3, 4]
    assert mine[-1]["value"] > mine[0]["value"]
    monkeypatch.setattr(pictures, "RESULTS", tmp_path)
    drawn = curves.draw(pd.DataFrame(points), "lda-curves", "tiny")
    assert drawn is None or drawn.exists()


def test_s_error(tmp_path, monkeypatch):
    _need("strads-2")
    sweeps = _run("--s-error", "--workers", "2")
    assert len({each["syncs"] for each in sweeps}) == len(staleness.SYNCS)
    last = {each["syncs"]: each["s_error"] for each in sweeps if each["sweep"] > 1}
    assert min(last.values()) >= 0.0
    assert last[2 * max(staleness.SYNCS)] < last[2]
    monkeypatch.setattr(pictures, "RESULTS", tmp_path)
    drawn = staleness.draw(pd.DataFrame(sweeps), "lda-s-error", "tiny")
    assert drawn is None or drawn.exists()


def test_heldout(corpus):
    _need("sklearn-1")
    runs = _run("--heldout")
    assert {run["solver"] for run in runs} >= {"sklearn-1"}
    assert all(run["perplexity"] < corpus.counts.shape[1] for run in runs)


@pytest.mark.parametrize("name", ["strads-2", "tomotopy-1"])
def test_memory(name):
    _need(name)
    runs = {run["solver"]: run for run in _run("--memory", "--workers", "2")}
    assert runs[name]["peak_mib"] >= runs[name]["input_mib"] > 10.0


def test_scaling(capsys):
    _need("strads-1")
    _run("--scaling")
    assert "two processes" in capsys.readouterr().out


def test_transform(corpus):
    _need("tomotopy-1")
    for run in _run("--transform", "--peers", "tomotopy"):
        assert run["documents"] == corpus.counts.shape[0] // 10
        assert run["perplexity"] < corpus.counts.shape[1]
