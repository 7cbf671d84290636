"""Penalties chosen by cross-validation: folds are rows without weight."""

import numpy as np
import pytest
import scipy.sparse as sp
from regressions import make
from sklearn.linear_model import ElasticNetCV as Reference
from sklearn.linear_model import LassoCV as LassoReference
from sklearn.model_selection import KFold
from sklearn.utils.estimator_checks import check_estimator

from strads import ElasticNetCV, LassoCV
from strads.algorithms.linear.cross_validation.held_out import best_of


@pytest.mark.compiled
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sparse", [True, False])
def test_errors_and_choice_are_those_of_scikit_learn(sparse, weighted):
    X, y = make()
    weights = np.random.default_rng(0).random(len(y)) if weighted else None
    given = {"l1_ratio": [0.4, 1.0], "alphas": 6, "eps": 0.03, "cv": 3}
    expected = Reference(**given, tol=1e-11, max_iter=10**5).fit(X.toarray(), y, weights)
    model = ElasticNetCV(**given, tol=1e-9).fit(X if sparse else X.toarray(), y, weights)
    np.testing.assert_allclose(model.mse_path_, expected.mse_path_, rtol=1e-3)
    np.testing.assert_allclose(model.alphas_, expected.alphas_)
    assert (model.alpha_, model.l1_ratio_) == pytest.approx((expected.alpha_, expected.l1_ratio_))
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-5)
    np.testing.assert_allclose(model.predict(X), expected.predict(X.toarray()), atol=1e-4)
    assert model.certified_


@pytest.mark.compiled
def test_lasso_cv():
    X, y = make(1)
    folds = KFold(4, shuffle=True, random_state=0)
    model = LassoCV(alphas=8, eps=0.01, cv=folds).fit(X, y)
    expected = LassoReference(alphas=8, eps=0.01, cv=folds, tol=1e-9, max_iter=10**5)
    expected.fit(X.toarray(), y)
    assert model.alpha_ == pytest.approx(expected.alpha_)
    assert model.mse_path_.shape == expected.mse_path_.shape
    assert model.l1_ratio_ == 1.0
    assert set(LassoReference().get_params()) <= set(LassoCV().get_params())
    assert set(Reference().get_params()) <= set(ElasticNetCV().get_params())


@pytest.mark.parametrize("kind", [LassoCV, ElasticNetCV])
def test_the_number_of_penalties_by_its_earlier_name(kind):
    X, y = make(1)
    given = {"eps": 0.1, "cv": 2}
    model = kind(n_alphas=3, **given).fit(X, y)
    np.testing.assert_array_equal(model.alphas_, kind(alphas=3, **given).fit(X, y).alphas_)
    assert len(kind(alphas=[0.1, 0.05], n_alphas=3, **given).fit(X, y).alphas_) == 2
    with pytest.raises(ValueError, match="n_alphas"):
        kind(n_alphas=0, **given).fit(X, y)


def test_columns_that_a_fold_does_not_have():
    """Entries in the test rows only: without weight the column is zero, and no reason to stop."""
    X, y = make(2)
    X = sp.csc_array(sp.hstack([X, sp.csc_array((np.ones(5), (range(5), [0] * 5)), (len(y), 1))]))
    model = LassoCV(alphas=4, eps=0.1, cv=KFold(4)).fit(X, y)
    expected = LassoReference(alphas=4, eps=0.1, cv=KFold(4), tol=1e-9).fit(X.toarray(), y)
    np.testing.assert_allclose(model.mse_path_, expected.mse_path_, rtol=1e-3)


@pytest.mark.compiled
def test_early_stopping_leaves_the_choice():
    X, y = make(3)
    whole = LassoCV(alphas=20, eps=1e-3, cv=3).fit(X, y)
    stopped = LassoCV(alphas=20, eps=1e-3, cv=3, early_stopping=2).fit(X, y)
    assert np.isnan(stopped.mse_path_).any()
    there = np.isfinite(stopped.mse_path_)
    np.testing.assert_allclose(stopped.mse_path_[there], whole.mse_path_[there], rtol=1e-3)
    assert stopped.alpha_ == whole.alpha_


@pytest.mark.compiled
def test_one_standard_error():
    errors = np.array([[9.0, 9.0], [1.2, 1.4], [1.1, 1.3], [1.0, 1.3], [2.0, 2.0]])
    assert best_of(errors, "min") == (3, pytest.approx(1.15))
    assert best_of(errors, "1se")[0] == 1
    errors[3] = np.nan
    assert best_of(errors, "min")[0] == 2
    X, y = make(4)
    given = {"alphas": 8, "eps": 0.02, "cv": 3}
    least, sparser = (LassoCV(rule=rule, **given).fit(X, y) for rule in ("min", "1se"))
    assert sparser.alpha_ >= least.alpha_


def test_what_is_refused():
    X, y = make(5)
    with pytest.raises(ValueError, match="a callback or max_seconds ended the fit"):
        LassoCV(callbacks=lambda step: True).fit(X, y)
    with pytest.raises(ValueError, match="rule"):
        LassoCV(rule="2se").fit(X, y)
    with pytest.raises(ValueError, match=r"l1_ratio\[1\] == 3.0"):  # before any path is fitted
        ElasticNetCV(l1_ratio=[0.5, 3.0]).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [LassoCV, ElasticNetCV])
def test_check_estimator(kind):
    results = check_estimator(kind(alphas=4, eps=0.1, cv=3), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
    assert sum(r["status"] == "passed" for r in results) > 40
