"""Penalties of several tasks, and of groups, chosen by cross-validation; and their paths."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import MultiTaskElasticNetCV as Reference
from sklearn.linear_model import MultiTaskLassoCV as LassoReference
from sklearn.linear_model import lasso_path as reference_path
from sklearn.model_selection import KFold
from sklearn.utils.estimator_checks import check_estimator

from strads import (
    GroupLasso,
    GroupLassoCV,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    enet_path,
    lasso_path,
)


def made(seed=0, n=48, p=12):
    rng = np.random.default_rng(seed)
    X, W = rng.normal(size=(n, p)), np.zeros((p, 2))
    W[[2, 3, 7]] = rng.normal(size=(3, 2))
    return X, X @ W + 0.3 * rng.normal(size=(n, 2)) + [5.0, -3.0]


@pytest.mark.parametrize("kind", [np.array, pytest.param(sp.csc_array, marks=pytest.mark.slow)])
def test_errors_and_choice_are_those_of_scikit_learn(kind):
    X, Y = made()
    given = {"l1_ratio": [0.4, 1.0], "alphas": 4, "eps": 0.05, "cv": 3}
    expected = Reference(**given, tol=1e-11, max_iter=10**5).fit(X, Y)
    model = MultiTaskElasticNetCV(**given, tol=1e-9).fit(kind(X), Y)
    np.testing.assert_allclose(model.mse_path_, expected.mse_path_, rtol=1e-4)
    np.testing.assert_allclose(model.alphas_, expected.alphas_)
    assert (model.alpha_, model.l1_ratio_) == pytest.approx((expected.alpha_, expected.l1_ratio_))
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-5)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-4)
    assert model.certified_
    assert set(LassoReference().get_params()) <= set(MultiTaskLassoCV().get_params())
    assert set(Reference().get_params()) <= set(MultiTaskElasticNetCV().get_params())


def test_weights_of_samples_count_in_fits_and_errors():
    X, Y = made(1)
    weights = np.random.default_rng(2).integers(1, 3, len(Y)).astype(float)
    repeated = np.repeat(np.arange(len(Y)), weights.astype(int))
    last = 16  # the rows of one fold, in both forms
    folds = [(np.arange(last, len(Y)), np.arange(last))]
    as_rows = [(np.flatnonzero(repeated >= last), np.flatnonzero(repeated < last))]
    given = {"alphas": [0.3, 0.1], "tol": 1e-10}
    weighted = MultiTaskLassoCV(**given, cv=folds).fit(X, Y, weights)
    plain = MultiTaskLassoCV(**given, cv=as_rows).fit(X[repeated], Y[repeated])
    np.testing.assert_allclose(weighted.mse_path_, plain.mse_path_, rtol=1e-6)
    np.testing.assert_allclose(weighted.coef_, plain.coef_, atol=1e-6)


@pytest.mark.parametrize("positive", [False, True])
def test_groups_are_judged_as_their_own_fits_are(positive):
    X, Y = made(3)
    folds = KFold(3)
    model = GroupLassoCV(
        3, weights="sqrt", alphas=3, eps=0.05, cv=folds, positive=positive, tol=1e-9
    ).fit(X, Y[:, 0])
    assert model.mse_path_.shape == (3, 3)
    for k, (train, test) in enumerate(folds.split(X)):
        single = GroupLasso(3, model.alphas_[1], weights="sqrt", positive=positive, tol=1e-9)
        missed = Y[test, 0] - single.fit(X[train], Y[train, 0]).predict(X[test])
        assert model.mse_path_[1, k] == pytest.approx(float(np.mean(missed**2)), rel=1e-4)
    assert model.alpha_ == model.alphas_[np.argmin(model.mse_path_.mean(axis=1))]
    assert model.certified_ and model.coef_.shape == (12,)


@pytest.mark.parametrize("positive", [False, True])
def test_the_largest_penalty_is_the_least_without_weights(positive):
    X, Y = made(4)
    given = {"groups": [4, 2, 6], "weights": [1.0, 2.0, 0.5], "positive": positive}
    largest = GroupLassoCV(**given, alphas=2, eps=0.9, cv=2).fit(X, Y).alphas_[0]
    assert not GroupLasso(alpha=largest * (1 + 1e-9), **given).fit(X, Y).coef_.any()
    assert GroupLasso(alpha=largest * 0.98, tol=1e-9, **given).fit(X, Y).coef_.any()


def test_paths_of_several_targets():
    X, Y = made(5)
    Y = Y - Y.mean(axis=0)
    given = {"alphas": 4, "eps": 0.05}
    alphas, coefs, gaps, epochs = lasso_path(X, Y, **given, tol=1e-9, return_n_iter=True)
    expected = reference_path(X, Y, **given, tol=1e-12, max_iter=10**5)
    np.testing.assert_allclose(alphas, expected[0])
    np.testing.assert_allclose(coefs, expected[1], atol=1e-5)
    assert coefs.shape == (2, 12, 4) and gaps.max() <= 1e-9 and len(epochs) == 4
    centred = enet_path(X, Y + 7.0, alphas=[0.1], l1_ratio=1.0, fit_intercept=True, tol=1e-9)
    single = MultiTaskLasso(0.1, tol=1e-9).fit(X, Y + 7.0)
    np.testing.assert_allclose(centred[1][..., 0], single.coef_, atol=1e-6)


def test_a_callback_ends_a_path():
    X, Y = made(6)
    ends = iter([False, False, False, True])
    alphas, coefs, _ = lasso_path(X, Y, alphas=50, callbacks=lambda step: next(ends, True))
    assert len(alphas) == coefs.shape[-1] < 50


def test_what_is_refused():
    X, Y = made(7)
    with pytest.raises(ValueError, match="positive=True needs y of one dimension"):
        lasso_path(X, Y, positive=True)
    with pytest.raises(ValueError, match="For mono-task outputs, use LassoCV"):
        MultiTaskLassoCV().fit(X, Y[:, 0])
    halves = [(np.arange(24), np.arange(24, 48)), (np.arange(24, 48), np.arange(24))]
    weights = np.repeat([1.0, 0.0], 24)
    with pytest.raises(ValueError, match="rows that fold 0 has to judge on have sample_weight 0"):
        MultiTaskLassoCV(cv=halves).fit(X, Y, sample_weight=weights)
    with pytest.raises(ValueError, match="rows that fold 0 has to fit to have sample_weight 0"):
        GroupLassoCV(cv=halves).fit(X, Y, sample_weight=1.0 - weights)
    with pytest.raises(ValueError, match="rule='1se' needs a standard error"):
        MultiTaskLassoCV(alphas=2, cv=halves[:1], rule="1se").fit(X, Y)
    with pytest.raises(ValueError, match="the largest one overflows"):
        MultiTaskLassoCV().fit(X, Y * 1e200)
    with pytest.raises(ValueError, match=r"coef_init is of shape \(12,\), but must have shape"):
        lasso_path(X, Y, coef_init=np.zeros(12))
    with pytest.raises(ValueError, match="groups=5 must divide the number of features"):
        GroupLassoCV(5).fit(X, Y)
    with pytest.raises(ValueError, match="a callback or max_seconds ended the fit"):
        GroupLassoCV(3, callbacks=lambda step: True).fit(X, Y)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [MultiTaskLassoCV, MultiTaskElasticNetCV, GroupLassoCV])
def test_check_estimator(kind):
    # The tolerance: one check compares predictions of two fits to seven digits.
    results = check_estimator(kind(alphas=3, eps=0.1, cv=2, tol=1e-12), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
    assert sum(r["status"] == "passed" for r in results) > 40
