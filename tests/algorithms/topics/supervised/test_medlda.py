"""The supervised topic model as scikit-learn's users know it."""

import numpy as np
import pytest
import scipy.sparse as sp
from corpora import many_sweeps
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from strads import LatentDirichletAllocation, MedLDA

METHODS = pytest.mark.parametrize("method", ["dual", "gibbs"])
#: For tests that are compiled: by day one of the two programs.
DUAL_BY_DAY = pytest.mark.parametrize(
    "method", ["dual", pytest.param("gibbs", marks=pytest.mark.slow)]
)
NAMES = np.array(["green", "red", "white"])


def labelled(seed=0, docs=60, each=5):
    """Documents about one of three topics, which are their labels, and common words."""
    rng = np.random.default_rng(seed)
    y = np.arange(docs) % 3
    rates = np.full((docs, 3 * each + 5), 0.15)
    for d in range(docs):
        rates[d, each * y[d] : each * (y[d] + 1)] = 1.5
    rates[:, 3 * each :] = 2.0
    return sp.csr_array(rng.poisson(rates)), NAMES[y]


def medlda(k=6, **given):
    return MedLDA(k, **{"max_iter": 15, "n_workers": 1, "evaluate_every": 5} | given)


@pytest.mark.slow  # many fits, and every type of X is compiled
@many_sweeps
def test_check_estimator():
    results = check_estimator(medlda(3, max_iter=3), on_fail=None, on_skip=None)
    assert {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"} == {}
    assert sum(r["status"] == "passed" for r in results) >= 55


@many_sweeps
@DUAL_BY_DAY
@pytest.mark.parametrize("workers", [1, 2])
def test_labels_of_new_documents_are_predicted(method, workers):
    X, y = labelled()
    model = medlda(method=method, n_workers=workers).fit(X, y)
    assert model.classes_.tolist() == NAMES.tolist()
    assert model.coef_.shape == (3, 6)
    new, truth = labelled(seed=1)
    assert model.score(X, y) == 1.0
    assert model.score(new, truth) > 0.9
    scores = model.decision_function(new)
    np.testing.assert_allclose(scores, model.transform(new) @ model.coef_.T)
    assert np.all(NAMES[scores.argmax(axis=1)] == model.predict(new))
    figures = [one for one in model.history_ if "hinge_loss" in one]
    assert len(figures) == 3
    assert figures[-1]["hinge_loss"] < 0.3 * model.margin
    assert (sum(one["s_error"] for one in model.history_) > 0.0) == (workers == 2)


@many_sweeps
def test_labels_decide_which_topics_there_are():
    # The strongest groups of words have nothing to do with the label, two rarer words have.
    rng = np.random.default_rng(0)
    group, y = rng.integers(0, 2, 200), rng.integers(0, 2, 200)
    rates = np.where(np.arange(12) // 6 == group[:, None], 3.0, 0.1)
    X = sp.csr_array(np.hstack([rng.poisson(rates), rng.poisson(3.0 * (y == [[0], [1]]).T)]))
    plain = LatentDirichletAllocation(4, max_iter=60, n_workers=1).fit(X)
    model = medlda(4, max_iter=60).fit(X[:150], y[:150])
    assert model.score(X[150:], y[150:]) > 0.9
    told = np.corrcoef(np.c_[plain.transform(X), y].T)[-1, :-1]
    assert np.abs(np.corrcoef(model.decision_function(X), y)[0, 1]) > np.abs(told).max()


@METHODS
def test_two_classes_have_one_row_of_weights(method):
    X, y = labelled(docs=30)
    model = medlda(method=method, max_iter=3).fit(X, y == "red")
    assert model.coef_.shape == (1, 6)
    scores = model.decision_function(X)
    assert scores.shape == (30,)
    np.testing.assert_array_equal(model.predict(X), scores > 0.0)
    for label, weights in ((True, model.coef_[0]), (False, -model.coef_[0])):
        topics = model.topics_of(label)
        assert np.all(weights[topics] > 0.0)
        assert np.all(np.diff(weights[topics]) <= 0.0)
    assert {*model.topics_of(True)} | {*model.topics_of(False)} == set(np.flatnonzero(model.coef_))


@many_sweeps
@DUAL_BY_DAY
def test_documents_may_have_several_labels_or_none(method):
    X, y = labelled(docs=45)
    Y = np.column_stack([y == "red", y != "green", np.zeros(45)]).astype(int)
    model = medlda(method=method, max_iter=12).fit(X, Y)
    assert model.classes_.tolist() == [0, 1, 2]
    found = model.predict(X)
    assert found.shape == Y.shape
    assert set(np.unique(found)) <= {0, 1}
    np.testing.assert_array_equal(found, model.decision_function(X) > 0.0)
    assert (found[:, 2] == 0).all()
    of_sparse = medlda(method=method, max_iter=12).fit(X, sp.csr_array(Y))
    np.testing.assert_array_equal(of_sparse.coef_, model.coef_)


@many_sweeps
def test_topic_words_of_a_label():
    X, y = labelled()
    model = medlda().fit(X, y)
    every = model.topic_words(8)
    topics = model.topics_of("red")
    assert model.topic_words(8, label="red") == [every[k] for k in topics]
    # The words that documents of all labels have are shared out among the topics of the labels.
    best = {word for topic in model.topic_words(8, label="red") for word, _ in topic}
    assert len(best & set(range(5, 10))) >= 3
    assert not best & {*range(5), *range(10, 15)}
    with pytest.raises(ValueError, match="label='blue' is none of the 3 labels"):
        model.topic_words(label="blue")


def test_words_that_no_fitted_document_has_are_dropped():
    X, y = labelled(docs=30)
    X = X.toarray()
    X[:, 7] = 0
    model = medlda(max_iter=3).fit(X, y)
    new = X.copy()
    new[:, 7] = np.arange(30)
    np.testing.assert_array_equal(model.transform(new), model.transform(X))
    np.testing.assert_array_equal(model.decision_function(new), model.decision_function(X))
    np.testing.assert_allclose(model.transform(new, normalize=False).sum(axis=1),
                               X.sum(axis=1) + 1.0, rtol=1e-5)  # fmt: skip
    assert model.perplexity(X, observed=new) == model.perplexity(X, observed=X)


@METHODS
def test_sweeps_go_on_where_they_ended(method):
    X, y = labelled(docs=30)
    given = {"method": method, "random_state": 4}
    whole = medlda(max_iter=5, **given).fit(X, y)
    parts = medlda(max_iter=2, warm_start=True, **given).fit(X, y).set_params(max_iter=3).fit(X, y)
    np.testing.assert_array_equal(parts.assignments_, whole.assignments_)
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    assert parts.n_iter_ == len(parts.history_) == 5
    with pytest.raises(ValueError, match="warm_start=True: X or the classes"):
        parts.fit(X, np.where(y == "red", "blue", y))
    with pytest.raises(ValueError, match="warm_start=True: X has"):
        parts.fit(2 * X, y)
    other = medlda(max_iter=2, method="dual" if method == "gibbs" else "gibbs")
    parts.set_params(method=other.method).fit(X, y)
    assert parts.n_iter_ == 8
    assert hasattr(parts, "dual_coef_") == (other.method == "dual")


def test_a_fit_goes_on_with_the_same_documents_only():
    X, y = labelled(docs=12)
    model = medlda(warm_start=True, max_iter=1).fit(X, y)
    longer = np.vstack([X.toarray() if hasattr(X, "toarray") else X, np.zeros((1, X.shape[1]))])
    with pytest.raises(ValueError, match="warm_start=True: X or the classes in y are not those"):
        model.fit(longer, np.append(y, y[0]))


def test_a_saved_model_predicts_the_same(tmp_path):
    X, y = labelled(docs=12)
    for number, labels in enumerate((y, y == "red", np.column_stack([y == "red", y == "green"]))):
        model = medlda(3, max_iter=1).fit(X, labels)
        model.save(tmp_path / f"{number}")
        again = MedLDA.load(tmp_path / f"{number}")
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
        np.testing.assert_array_equal(again.dual_coef_, model.dual_coef_)


def test_what_is_refused():
    X, y = labelled(docs=12)
    for given, says in (
        ({"C": 0.0}, "'C'"), ({"margin": -1.0}, "'margin'"), ({"method": "em"}, "'method'"),
        ({"dual_iter": 0}, "'dual_iter'"), ({"method": "gibbs", "sampler": "sparse"}, "goes with"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=says):
            medlda(**given).fit(X, y)
    with pytest.raises(ValueError, match="only one class: 'red'"):
        medlda().fit(X, np.full(12, "red"))
    with pytest.raises(ValueError, match="LatentDirichletAllocation"):
        medlda().fit(X, None)
    with pytest.raises(ValueError, match="Unknown label type"):
        medlda().fit(X, np.linspace(0.0, 1.0, 12))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        medlda().fit(X, y[:5])
    with pytest.raises(ValueError, match=r"X\[0, 0\] is 0.5: X must hold counts"):
        medlda().fit(np.full((12, 2), 0.5), y)
    with pytest.raises(ValueError, match="labels of several types"):
        medlda().fit(X, np.array(["red", 1, None] * 4, dtype=object))
    with pytest.raises(NotFittedError):
        medlda().topics_of("red")


def test_documents_without_a_token():
    _, y = labelled(docs=6)
    with pytest.warns(UserWarning, match="X holds no token"):
        model = medlda().fit(np.zeros((6, 4), int), y)
    assert model.coef_.shape == (3, 6)
    assert model.predict(np.zeros((2, 4), int)).shape == (2,)


def test_random_state_decides_and_single_precision_does_not():
    X, y = labelled(docs=30)
    one, two, other = (medlda(max_iter=3, random_state=s).fit(X, y) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
    assert not np.array_equal(one.assignments_, other.assignments_)
    single = medlda(max_iter=3, random_state=1).fit(X.astype(np.float32), y)
    np.testing.assert_array_equal(single.assignments_, one.assignments_)
    assert str(single.transform(X).dtype) == "float32"
