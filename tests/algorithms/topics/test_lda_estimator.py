"""Topic models as estimators: names, files, refused input, scikit-learn's conventions."""

import numpy as np
import pytest
import scipy.sparse as sp
from corpora import WORDS, K, assert_same, corpus, lda
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from strads import LatentDirichletAllocation, MatrixFactorization
from strads.engine.errors import DataError

# -- names -----------------------------------------------------------------------------------------


def test_words_of_topics():
    X = corpus(12)
    model = lda().fit(X)
    phi = model.components_ / model.components_.sum(axis=1, keepdims=True)
    topics = model.topic_words(WORDS + 5)
    assert [len(topic) for topic in topics] == [WORDS] * K
    for t, topic in enumerate(topics):
        words, chances = zip(*topic, strict=True)
        assert sorted(words) == list(range(WORDS))
        np.testing.assert_allclose(chances, phi[t, list(words)], rtol=1e-12)
        assert list(chances) == sorted(chances, reverse=True)
        assert sum(chances) == pytest.approx(1.0)
    names = np.array([f"w{i}" for i in range(WORDS)])
    for vocabulary in (names, list(names)):
        assert [w for w, _ in model.topic_words(2, vocabulary)[1]] == [
            f"w{w}" for w, _ in topics[1][:2]
        ]
    assert model.topic_words(np.int64(2)) == [topic[:2] for topic in topics]
    for bad, says in (
        (["a", "b"], f"has 2 words, the model {WORDS}"),
        # A vectorizer's vocabulary_ is in another order than its columns.
        ({str(name): w for w, name in enumerate(names)}, "is of type dict"),
        ({*map(str, names)}, "is of type set"), ("w" * WORDS, "is of type str"),
        (WORDS, "is of type int"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"vocabulary {says}: give a name for every column of"):
            model.topic_words(3, bad)
    for bad in (0, -1, 2.5, "3", None):
        with pytest.raises(ValueError, match=f"top_n={bad!r} must be a whole number of at least 1"):
            model.topic_words(bad)
    with pytest.raises(NotFittedError):
        lda().topic_words()


def test_names_of_a_data_frame():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(corpus(13).toarray(), columns=[f"w{i}" for i in range(WORDS)])
    model = lda().set_output(transform="pandas").fit(X)
    assert model.topic_words(1)[0][0][0].startswith("w")
    shares = model.transform(X)
    names = [f"latentdirichletallocation{t}" for t in range(K)]
    assert shares.columns.tolist() == list(model.get_feature_names_out()) == names
    with pytest.raises(ValueError, match="feature names"):
        model.transform(X.rename(columns={"w0": "x"}))


def test_clones_and_pipelines():
    model = lda(2, doc_topic_prior=0.2, sampler="sparse", random_state=4)
    assert clone(model).get_params() == model.get_params()
    texts = ["cat dog cat", "dog cat dog", "", "bond stock bond", "stock stock bond"] * 4
    pipeline = make_pipeline(CountVectorizer(), model.set_params(max_iter=20))
    shares = pipeline.fit_transform(texts)
    assert shares.shape == (20, 2)
    best = shares.argmax(axis=1)
    assert best[0] == best[1] != best[3] == best[4]
    names = pipeline[0].get_feature_names_out()
    topics = [{w for w, _ in topic} for topic in model.topic_words(2, names)]
    assert sorted(map(sorted, topics)) == [["bond", "stock"], ["cat", "dog"]]
    assert pipeline.score(texts) < 0.0


# -- files -----------------------------------------------------------------------------------------


def test_a_file_keeps_the_model_and_it_goes_on(tmp_path):
    X, path = corpus(14), tmp_path / "topics"
    model = lda(warm_start=True, evaluate_every=1, callbacks=[print]).fit(X)
    model.save(path)
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}  # each one without a pickle
    np.testing.assert_array_equal(arrays["topic_counts_"], model.topic_counts_)
    np.testing.assert_array_equal(arrays["assignments_"], model.assignments_)
    again = LatentDirichletAllocation.load(path)
    assert_same(again, model)
    assert again.get_params() == model.get_params() | {"callbacks": None}
    assert again.history_ == model.history_
    assert again.n_iter_ == 3
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    assert again.perplexity(X) == model.perplexity(X)
    assert_same(again.fit(X), model.set_params(callbacks=None).fit(X))
    assert_same(again.partial_fit(X), model.partial_fit(X))
    with pytest.raises(NotFittedError):
        lda().save(path)


def rewritten(path, change):
    """Change the arrays of a saved model."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    with path.open("wb") as out:
        np.savez(out, **arrays)


def test_files_that_are_no_topic_model(tmp_path):
    X, path = corpus(15), tmp_path / "model.npz"
    lda().fit(X).save(path)
    whole = path.read_bytes()
    with pytest.raises(DataError, match="use LatentDirichletAllocation.load"):
        MatrixFactorization.load(path)
    for content in (b"", b"words", whole[: len(whole) // 2], whole[:-40]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"Give a file written by LatentDirichletAllocation\."):
            LatentDirichletAllocation.load(path)
    for change, message in (
        (lambda a: a.pop("topic_counts_"), "topic_counts_"),
        (lambda a: a.pop("doc_topic_prior_"), "doc_topic_prior_ is missing"),
        (lambda a: a.update(doc_topic_prior_=np.ones(1)), "doc_topic_prior_ is of another shape"),
    ):
        path.write_bytes(whole)
        rewritten(path, change)
        with pytest.raises(DataError, match=message):
            LatentDirichletAllocation.load(path)
    MatrixFactorization(2, max_iter=1, n_workers=1).fit(X).save(path)
    with pytest.raises(DataError, match="use MatrixFactorization.load"):
        LatentDirichletAllocation.load(path)
    with pytest.raises(FileNotFoundError):
        LatentDirichletAllocation.load(tmp_path / "missing.npz")


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("n_components", [0, 65_536, 2.5]), ("max_iter", [0]), ("evaluate_every", [0.5]),
        ("doc_topic_prior", [0, -1.0, np.nan, np.inf]), ("n_workers", [0, 1025]),
        ("perp_tol", [-1.0, "x"]), ("mean_change_tol", [-1.0, None]), ("n_jobs", [0, 1025, 1.5]),
        ("max_doc_update_iter", [0, None]), ("verbose", [-1]),
        ("topic_word_prior", [0, -1.0, np.nan, np.inf, "x"]), ("sampler", ["alias"]),
        ("syncs_per_sweep", [0]), ("optimize_priors", ["x"]), ("callbacks", [3]),
        ("random_state", ["x"]), ("warm_start", [None]),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"'{name}' parameter.* must be"):
            lda().set_params(**{name: value}).fit(corpus())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (-1, "is -1"), (0.5, "is 0.5"), (2.0**31, r"is 2.14748e\+09"), (1e30, r"is 1e\+30"),
        (np.nan, "is NaN"), (np.inf, "is inf"), (-np.inf, "is -inf"),
    ],
)  # fmt: skip
def test_what_is_no_count_is_named(value, says, dtype):
    model, X = lda().fit(corpus()), corpus().toarray().astype(dtype)
    X[2, 1] = value
    for bad in (X, sp.csr_array(X), sp.csc_matrix(X)):
        for attempt in (lda().fit, lda().partial_fit, model.transform, model.score):
            with pytest.raises(ValueError, match=rf"X\[2, 1\] {says}: X must hold counts, whole"):
                attempt(bad)


def test_what_to_do_about_it_is_said():
    X = corpus().toarray().astype(object)
    for value, says in (
        (-1, "^Negative values in data passed to LatentDirichletAllocation: X.*TF-IDF use NMF$"),
        (0.5, "^X.*for weights such as TF-IDF use NMF$"),
        (None, r"^X\[2, 1\] is NaN.*replace it, or leave the document out$"),
    ):
        X[2, 1] = value
        with pytest.raises(ValueError, match=says):
            lda().fit(X)


def test_what_does_not_fit_is_refused():
    model, X = lda().fit(corpus()), corpus().toarray()
    huge = sp.csr_array(([2**30, 2**30], ([0, 1], [0, 1])))
    with pytest.raises(ValueError, match="X holds 2147483648 tokens.*fewer than"):
        lda().fit(huge)
    for attempt in (model.transform, model.perplexity, model.score):
        with pytest.raises(ValueError, match=f"X has 1 features.*expecting {WORDS}"):
            attempt(np.ones((2, 1)))
    with pytest.raises(NotFittedError):
        lda().transform(X)


def test_a_warm_start_with_something_else_is_refused():
    X = corpus().toarray()
    model = lda(warm_start=True).fit(X)
    counts = model.topic_counts_
    other = X.copy()
    row = int(np.argmax(X.sum(axis=1)))
    taken = int(np.argmax(X[row]))
    other[row, taken] -= 1
    other[row, WORDS // 3] += 1  # as many tokens, of another word
    for bad, says in ((X[1:-1], f"but {X.sum()} tokens"), (other, r"in column \d+ than")):
        with pytest.raises(ValueError, match=f"^warm_start=True: X.*{says}.*warm_start=False"):
            model.fit(bad)
    with pytest.raises(ValueError, match=f"n_components is {K + 1}"):
        model.set_params(n_components=K + 1).fit(X)
    assert model.topic_counts_ is counts
