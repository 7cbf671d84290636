"""Topic models as scikit-learn's users know them: arguments, checks, searches, empty documents."""

import inspect
import re
import warnings
from itertools import product
from pathlib import Path

import naive_topics as naive
import numpy as np
import pytest
import scipy.sparse as sp
from corpora import DOCS, WORDS, K, assert_counted, assert_same, corpus, lda, many_sweeps, planted
from scipy.special import logsumexp, psi
from sklearn import decomposition
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import check_estimator

from strads import Instrument, LatentDirichletAllocation
from strads.algorithms.topics.arguments import UNNEEDED, number_of_workers
from strads.engine import available_cores

SIGNATURE = inspect.signature(decomposition.LatentDirichletAllocation).parameters


@many_sweeps
def test_check_estimator():
    results = check_estimator(lda(3), on_fail=None, on_skip=None)
    assert {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"} == {}
    assert sum(r["status"] == "passed" for r in results) >= 45


# -- arguments -------------------------------------------------------------------------------------


def test_every_argument_of_scikit_learn_is_taken_or_ignored_aloud():
    ours = inspect.signature(LatentDirichletAllocation).parameters
    assert SIGNATURE.keys() - ours.keys() == UNNEEDED.keys()
    assert {name: SIGNATURE[name].default for name in UNNEEDED} == UNNEEDED
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # defaults, of which users need not hear
        assert lda(**UNNEEDED).get_params() == lda().get_params()
    for name, value in (("learning_method", "online"), ("learning_offset", 50.0)):
        with pytest.warns(UserWarning, match=f"^LatentDir.* ignores {name}={value!r}: [^\n]*$"):
            model = LatentDirichletAllocation(3, **{name: value})
        assert name not in model.get_params()
        with pytest.raises(ValueError, match=f"has no parameter {name}: .*; leave it out$"):
            model.set_params(**{name: value})
    with pytest.warns(UserWarning, match="batch_size=5, total_samples=9:") as caught:
        model = LatentDirichletAllocation(batch_size=5, total_samples=9)
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match="learning_method='svi' must be 'batch' or 'online'"):
        LatentDirichletAllocation(learning_method="svi")
    with pytest.raises(TypeError, match="unexpected keyword argument 'max_itr'"):
        LatentDirichletAllocation(max_itr=5)


def test_the_table_of_differences_is_whole():
    whole = (Path(__file__).parents[3] / "docs" / "differences.md").read_text(encoding="utf-8")
    section = whole.split("\n## LatentDirichletAllocation\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"\b[a-z]\w+", row)}
    assert listed >= SIGNATURE.keys()
    X = corpus(1)
    theirs = decomposition.LatentDirichletAllocation(K, max_iter=1).fit(X)
    ours = lda().fit(X)
    public = [name for name in {*dir(theirs), *vars(theirs)} if not name.startswith("_")]
    assert {n for n in public if not hasattr(ours, n)} - UNNEEDED.keys() <= listed
    for name in UNNEEDED:
        assert not hasattr(ours, name)


def test_n_jobs_is_the_number_of_workers():
    cores = available_cores()
    for n_jobs, workers in ((1, 1), (3, 3), (-1, cores), (-2, max(1, cores - 1)), (-1000, 1)):
        assert number_of_workers(None, n_jobs, 5) == workers
    X = corpus(1)
    assert_same(lda(n_workers=None, n_jobs=1).fit(X), lda().fit(X))
    with pytest.raises(ValueError, match="n_workers=1 and n_jobs=2 both set .*; give one"):
        lda(n_jobs=2).fit(X)


@pytest.mark.parametrize(("verbose", "every", "with_figures"), [(0, 1, 0), (2, 1, 3), (2, 2, 2)])
def test_a_line_a_sweep(verbose, every, with_figures, capsys):
    lda(verbose=verbose, evaluate_every=every).fit(corpus(1))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("step ")]
    assert len(lines) == (3 if verbose else 0)
    assert sum("log_likelihood_per_token" in line for line in lines) == with_figures


def test_a_fit_stops_when_its_perplexity_changes_little():
    X = corpus(1)
    given = {"evaluate_every": 2, "max_iter": 9}
    whole = lda(**given).fit(X)
    bounds = [np.exp(-f["log_likelihood_per_token"]) for f in whole.history_[1:8:2]]
    assert whole.n_iter_ == 9
    model = lda(perp_tol=1e6, **given).fit(X)
    assert model.n_iter_ == len(model.history_) == 4
    assert model.bound_ == pytest.approx(bounds[1])
    assert lda(perp_tol=0.0, **given).fit(X).n_iter_ == 9
    assert lda(perp_tol=1e6, max_iter=4, evaluate_every=0).fit(X).n_iter_ == 4
    going = lda(perp_tol=1e6, max_iter=3, evaluate_every=2, warm_start=True).fit(X)
    assert going.n_iter_ == 3
    assert going.fit(X).n_iter_ == 6  # evaluated after sweeps 4 and 6 of the chain


def test_callbacks_of_every_kind_stop_a_fit_without_advice():
    class Stop(Instrument):
        def after_step(self, run, step):
            if step.epoch == 2:
                run.stop("enough")

    X = corpus(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for callbacks in (Stop(), (Stop(),), [lambda step: step.epoch == 2, Stop()]):
            model = lda(max_iter=5, evaluate_every=0, callbacks=callbacks).fit(X)
            assert model.n_iter_ == len(model.history_) == 2
            assert np.isnan(model.bound_)


def test_inference_ends_as_it_is_told():
    X = corpus(2, mean=3.0)
    model = lda().fit(X)
    shares = model.transform(X)
    once = model.set_params(max_doc_update_iter=1).transform(X)
    assert not np.array_equal(once, shares)
    model.set_params(max_doc_update_iter=100)
    np.testing.assert_array_equal(model.set_params(mean_change_tol=1e9).transform(X), once)
    assert model.perplexity(X) == model.set_params(max_doc_update_iter=1).perplexity(X)
    finer = model.set_params(max_doc_update_iter=1000, mean_change_tol=0).transform(X)
    np.testing.assert_allclose(finer, shares, atol=0.05)


# -- results ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "result"),
    [
        (np.float32, "float32"), (np.float64, "float64"), (np.int32, "float64"),
        (np.bool_, "float64"),
    ],
)  # fmt: skip
def test_results_have_the_type_of_x(dtype, result, tmp_path):
    X = corpus(3).toarray().astype(dtype)
    for given in (X, sp.csr_array(X)):
        model = lda().fit(given)
        model.save(tmp_path / "model")
        for fitted in (model, LatentDirichletAllocation.load(tmp_path / "model")):
            results = (
                fitted.components_, fitted.exp_dirichlet_component_, fitted.doc_topic_,
                fitted.transform(given), fitted.transform(corpus(4), normalize=False),
            )  # fmt: skip
            assert [str(r.dtype) for r in results] == [result] * 5
        eps = np.finfo(result).eps
        np.testing.assert_allclose(model.transform(given).sum(axis=1), 1.0, rtol=8 * eps)
    single, other = lda().fit(X.astype(np.float32)), lda().fit(X)
    assert_same(single, other)
    np.testing.assert_allclose(single.transform(X), other.transform(X), rtol=1e-5)
    np.testing.assert_allclose(single.components_, other.components_, rtol=1e-6)


def test_shares_that_are_not_normalised():
    X = corpus(5)
    model = lda(doc_topic_prior=0.3)
    shares = model.fit_transform(X)
    counts = model.transform(X, normalize=False)
    np.testing.assert_allclose(counts.sum(axis=1), X.sum(axis=1) + 0.3 * K, rtol=1e-6)
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), shares, rtol=1e-12)
    np.testing.assert_array_equal(model.fit_transform(X, normalize=False), counts)


@pytest.mark.parametrize("sampler", ["dense", "sparse"])
def test_topics_of_the_documents_that_were_fitted(sampler, tmp_path):
    X, more = corpus(6), corpus(7, docs=DOCS // 2)
    model = lda(sampler=sampler, doc_topic_prior=0.2)
    with pytest.raises(NotFittedError):
        _ = model.doc_topic_
    for fit, docs in ((model.fit, X), (model.partial_fit, more)):
        fit(docs)
        of = np.repeat(np.repeat(np.arange(docs.shape[0]), np.diff(docs.indptr)), docs.data)
        counts = np.zeros((docs.shape[0], K))
        np.add.at(counts, (of, model.assignments_), 1)
        expected = (counts + 0.2) / (docs.sum(axis=1) + 0.2 * K)[:, None]
        np.testing.assert_allclose(model.doc_topic_, expected, rtol=1e-6)
    model.save(tmp_path / "model")
    again = LatentDirichletAllocation.load(tmp_path / "model")
    np.testing.assert_array_equal(again.doc_topic_, model.doc_topic_)


def test_the_expected_logarithm_of_a_topic():
    model = lda().fit(corpus(8))
    counts = model.components_
    expected = np.exp(psi(counts) - psi(counts.sum(axis=1))[:, None])
    np.testing.assert_allclose(model.exp_dirichlet_component_, expected, rtol=1e-12)


def test_the_bound_is_above_the_perplexity():
    X = np.array([[2, 1, 0], [0, 1, 1]])
    doc, word = naive.tokens_of(sp.csr_array(X))
    every = [np.array(z) for z in product(range(2), repeat=len(doc))]
    alpha = np.full(2, 0.5)
    joint = np.array([naive.joint(doc, word, z, X.shape, alpha, 0.25) for z in every])
    model = lda(2, doc_topic_prior=0.5, topic_word_prior=0.25).fit(X)
    assert np.isclose(model.bound_, np.exp(-joint / len(doc)), rtol=1e-6).any()
    assert model.bound_ > np.exp(-logsumexp(joint) / len(doc))


def test_judging_again_gives_the_same_figure(tmp_path):
    X = corpus(9, mean=2.0)
    model = lda(random_state=np.random.RandomState(3)).fit(X)
    perplexity = model.perplexity(X)
    assert model.perplexity(X) == model.perplexity(X.toarray()) == perplexity
    assert model.perplexity(X, sub_sampling=True) == model.perplexity(X, False) == perplexity
    assert np.exp(-model.score(X) / X.sum()) == pytest.approx(perplexity)
    with pytest.warns(UserWarning, match="random_state"):
        model.save(tmp_path / "model")
    assert LatentDirichletAllocation.load(tmp_path / "model").perplexity(X) == perplexity
    with pytest.raises(ValueError, match="sub_sampling is of type csr_array .* by name: observed="):
        model.perplexity(X, X)


# -- little to fit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["dense", "sparse"])
def test_one_topic(sampler):
    X = corpus(10)
    model = lda(1, sampler=sampler, optimize_priors=True, max_iter=21, topic_word_prior=0.5).fit(X)
    assert_counted(model, X)
    np.testing.assert_array_equal(model.topic_counts_[:, 0], X.sum(axis=0))
    np.testing.assert_array_equal(model.transform(X), np.ones((DOCS, 1)))
    np.testing.assert_array_equal(model.doc_topic_, np.ones((DOCS, 1)))
    assert model.perplexity(X) > 1.0


@pytest.mark.parametrize("sampler", ["auto", "dense", "sparse"])
def test_documents_without_a_token(sampler, tmp_path):
    X = corpus(11)
    for empty in (np.zeros((2, WORDS)), sp.csr_array((2, WORDS), dtype=np.int32)):
        with pytest.warns(UserWarning, match="X holds no token: .*; give documents with words"):
            model = lda(sampler=sampler, random_state=1).fit(empty)
        assert model.components_.shape == (K, WORDS)
        np.testing.assert_array_equal(model.components_, np.float64(1 / K))
        for shares in (model.doc_topic_, model.transform(empty)):
            np.testing.assert_allclose(shares, np.full((2, K), 1 / K))
        assert len(model.assignments_) == model.n_iter_ == 0
        assert model.history_ == []
        np.testing.assert_allclose(model.transform(X).sum(axis=1), 1.0)
        model.save(tmp_path / "model")
        again = LatentDirichletAllocation.load(tmp_path / "model")
        np.testing.assert_array_equal(again.components_, model.components_)
    model.partial_fit(X)
    assert_counted(model, X)
    counts = model.topic_counts_.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(empty)  # nothing is added, as in a stream that pauses
    np.testing.assert_array_equal(model.topic_counts_, counts)


# -- searches --------------------------------------------------------------------------------------


@many_sweeps
def test_a_search_finds_the_number_of_planted_topics():
    X = planted(topics=4, docs=120)[0]
    model = lda(max_iter=25, doc_topic_prior=0.1, topic_word_prior=0.05)
    search = GridSearchCV(model, {"n_components": [1, 4]}, cv=2).fit(X)
    assert search.best_params_ == {"n_components": 4}
    assert search.best_estimator_.components_.shape == (4, X.shape[1])
    scores = cross_val_score(clone(model).set_params(n_components=4), X, cv=2)
    np.testing.assert_array_equal(
        scores, [search.cv_results_[f"split{i}_test_score"][1] for i in range(2)]
    )
    assert search.transform(X).shape == (120, 4)
    bad = GridSearchCV(model, {"learning_decay": [0.5, 0.7]}, cv=2)
    with pytest.raises(ValueError, match="has no parameter learning_decay: .*; leave it out"):
        bad.fit(X)


@many_sweeps
def test_a_search_over_a_pipeline():
    texts = ["cat dog cat cat dog", "bond stock bond stock", "", "dog cat dog dog"] * 6
    pipeline = Pipeline([("counts", CountVectorizer()), ("topics", lda(2, max_iter=20))])
    search = GridSearchCV(pipeline, {"topics__n_components": [1, 2]}, cv=2).fit(texts)
    assert search.best_params_ == {"topics__n_components": 2}
    assert search.best_estimator_.get_feature_names_out().tolist() == [
        "latentdirichletallocation0", "latentdirichletallocation1"
    ]  # fmt: skip
    assert cross_val_score(pipeline, texts, cv=2).max() < 0.0
