"""``strads.pilot``: the part that it fits, what it predicts, and what can start from it."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

import strads
from strads.diagnosis.pilot.forecast import forecast
from strads.diagnosis.pilot.part import LEAST, choose_part
from strads.diagnosis.trials.parts import parts_of
from strads.diagnosis.trials.problems import problem_of
from strads.engine import DataError


@pytest.fixture
def regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 300))
    return X, X[:, 100:105] @ [5.0, 4.0, -3.0, 2.0, 2.0] + 0.1 * rng.normal(size=80)


@pytest.fixture
def stars():
    rng = np.random.default_rng(0)
    return sp.csr_array(rng.integers(1, 6, (120, 20)) * (rng.random((120, 20)) < 0.5))


@pytest.mark.parametrize("layout", [np.asarray, sp.csc_array])
def test_the_part_has_the_highest_scores(regression, layout):
    X, y = regression
    part = choose_part(problem_of("lasso"), layout(X), y, 0.2, 0)
    assert part.columns
    assert part.X.shape == (80, 60)
    found = np.abs(X.T @ (y - y.mean()))
    assert found[part.chosen].min() >= np.delete(found, part.chosen).max()


def test_each_class_has_its_features():
    rng = np.random.default_rng(0)
    X = 0.01 * rng.normal(size=(90, 200))
    y = np.repeat([3, 5, 9], 30)
    for k, label in enumerate((3, 5, 9)):
        X[:, 10 * k] += y == label
    part = choose_part(problem_of("svm"), X, y, 0.25, 0)
    assert {0, 10, 20} <= set(part.chosen)


def test_of_documents_some_are_chosen(stars):
    part = choose_part(problem_of("lda"), stars, None, 0.5, 0)
    assert part.X.shape == (60, 20)
    np.testing.assert_array_equal(part.X.toarray(), stars.toarray()[part.chosen])
    assert choose_part(problem_of("mf"), stars, None, 0.01, 0).X.shape[0] == LEAST


def test_the_whole_starts_from_the_pilot(regression, tmp_path):
    X, y = regression
    found = strads.pilot(X, y, share=0.2, alpha=0.2, cores=1)
    assert found.model.coef_.shape == (300,)
    outside = np.delete(found.model.coef_, found.chosen)
    assert not outside.any()
    assert found.figures["support"] == np.count_nonzero(found.model.coef_) > 0
    assert found.figures["gap"] <= 1e-6
    assert found.model.dual_gap_ == np.inf  # nothing is known of the features left out
    assert not found.model.certified_
    found.model.save(tmp_path / "model.npz")
    whole = strads.Lasso(0.2, n_workers=1).fit(X, y)
    for start in (found.model, strads.Lasso.load(tmp_path / "model.npz")):
        start.fit(X, y)
        assert start.certified_
        np.testing.assert_allclose(start.coef_, whole.coef_, atol=1e-4)
        assert start.n_iter_ <= whole.n_iter_


def test_features_that_would_join_are_counted(regression):
    X, y = regression
    tight = strads.pilot(X, y, share=0.2, alpha=0.02, cores=1)
    left = y - X @ tight.model.coef_ - tight.model.intercept_
    above = np.abs(X.T @ (left - left.mean())) > 80 * 0.02 * (1 + 1e-9)
    above[tight.chosen] = False
    assert tight.figures["outside"] == above.sum() > 0
    everything = strads.pilot(X, y, share=1.0, alpha=0.02, cores=1)
    assert everything.figures["outside"] == 0.0
    assert everything.model.certified_
    assert everything.forecast.growth == 1.0


def test_a_larger_pilot_starts_from_a_smaller_one(regression):
    X, y = regression
    small = strads.pilot(X, y, share=0.2, alpha=0.2, cores=1)
    large = strads.pilot(X, y, share=1.0, alpha=0.2, cores=1, start=small.model)
    alone = strads.pilot(X, y, share=1.0, alpha=0.2, cores=1)
    assert large.figures["steps"] <= alone.figures["steps"]
    np.testing.assert_allclose(large.model.coef_, alone.model.coef_, atol=1e-4)
    with pytest.raises(DataError, match="300 features, X has 299"):
        strads.pilot(X[:, :299], y, start=small.model)


@pytest.mark.parametrize("problem", ["logistic", "svm"])
def test_classifiers_start_from_a_pilot(regression, problem):
    X, y = regression
    found = strads.pilot(X, np.sign(y), problem=problem, share=0.3, C=0.1, cores=1)
    assert found.model.coef_.shape == (1, 300)
    assert found.model.fit(X, np.sign(y)).certified_


def test_users_and_documents_are_added_later(stars):
    found = strads.pilot(
        stars.astype(float), problem="mf", share=0.5, n_components=3, max_iter=2, cores=1
    )
    order = np.concatenate([found.chosen, np.setdiff1d(np.arange(120), found.chosen)])
    assert found.model.partial_fit(stars.astype(float)[order]).user_factors_.shape == (120, 3)
    topics = strads.pilot(stars, problem="lda", share=0.5, n_components=3, max_iter=2, cores=1)
    others = np.setdiff1d(np.arange(120), topics.chosen)
    topics.model.partial_fit(stars[others])
    assert topics.model.topic_counts_.sum() == stars.sum()
    with pytest.raises(DataError, match="partial_fit"):
        strads.pilot(stars, problem="lda", start=topics.model)


def test_figures_and_forecast_are_told(regression):
    found = strads.pilot(*regression, share=0.2, cores=1)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["chosen"] == 60
    assert told["forecast"]["growth"] == 5.0
    assert found.forecast.data_bytes == 80 * 300 * 8
    assert "60 of 300 features" in str(found)
    assert "predicted time" in str(found)


def test_full_passes_grow_with_the_entries_and_the_rest_does_not():
    run = {
        "phases": {"score": {"seconds": 1.0, "launches": 1}, "descend": {"seconds": 3.0,
                                                                         "launches": 1}},
        "processes": {}, "schedules": {}, "seconds": 5.0, "measure_seconds": 0.0,
    }  # fmt: skip
    parts = parts_of([run], 6.0, [{}])
    small, large = np.ones((2, 10)), np.ones((2, 40))
    ahead = forecast(problem_of("lasso"), large, small, parts, [run], strads.Lasso())
    assert ahead.seconds == pytest.approx(4.0 * (1.0 + 1.0) + 3.0 + 1.0)
    assert ahead.run_bytes == 8 * 2 * 30 + 72 * 30
    two = strads.MatrixFactorization(max_iter=2)
    ahead = forecast(problem_of("mf"), large, small, parts, [run], two)
    assert ahead.seconds == pytest.approx(4.0 * 1.0 + 1.0 + 2 * 4.0 * 4.0)


def test_a_part_is_made_to_fit_into_memory(regression):
    X, y = regression
    found = strads.pilot(X, y, share=1.0, alpha=0.2, memory=4.0 * 80 * 100 * 8, cores=1)
    assert LEAST <= len(found.chosen) <= 100
    with pytest.raises(DataError, match="smallest part"):
        strads.pilot(X, y, memory=10.0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"share": 0.0}, "share=0.0"),
        ({"share": 1.5}, "share=1.5"),
        ({"seconds": -1.0}, "seconds"),
        ({"cores": 0}, "cores=0"),
        ({"memory": -1.0}, "memory"),
        ({"rank": 3}, "'rank' is no parameter"),
    ],
)
def test_wrong_budgets_are_named(regression, change, says):
    with pytest.raises(ValueError, match=says):
        strads.pilot(*regression, **change)


def test_a_budget_of_seconds_ends_the_fit(regression):
    found = strads.pilot(*regression, share=1.0, alpha=0.001, tol=1e-12, seconds=1e-9, cores=1)
    assert found.stopped
    assert found.figures["steps"] == 1.0
    assert "at least" in str(found)
