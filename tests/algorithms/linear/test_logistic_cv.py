"""Logistic regression with its penalty chosen by cross-validation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from regressions import JIT
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.estimator_checks import check_estimator
from test_logistic import labels
from test_multinomial import classes

from strads import SparseLogisticRegression, SparseLogisticRegressionCV
from strads.algorithms.linear.solver.residual_form import held_columns

POINTS, FOLDS = (4, 3) if JIT else (3, 2)


def by_hand(X, y, alphas, folds, **given):
    """Held-out losses of separate fits."""
    return np.array([
        [log_loss(y[test], SparseLogisticRegression(alpha, tol=1e-9, **given)
                  .fit(X[train], y[train]).predict_proba(X[test]), labels=np.unique(y))
         for train, test in folds]
        for alpha in alphas
    ])  # fmt: skip


@pytest.mark.compiled
@pytest.mark.parametrize(("form", "l1_ratio", "intercept"), [
    ("gram", 1.0, True), ("residual", 0.5, False),
    *(pytest.param(*case, marks=pytest.mark.slow)
      for case in (("residual", 1.0, True), ("dense", 0.5, False))),
])  # fmt: skip
def test_losses_are_those_of_separate_fits(form, l1_ratio, intercept, monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda *_: form == "residual")
    X, y = labels(1)
    given = X.toarray() if form == "dense" else X
    model = SparseLogisticRegressionCV(
        POINTS, l1_ratio=l1_ratio, fit_intercept=intercept, cv=FOLDS, tol=1e-8
    ).fit(given, y)
    folds = list(StratifiedKFold(FOLDS).split(X, y))
    expected = by_hand(
        sp.csr_array(X), y, model.alphas_, folds, l1_ratio=l1_ratio, fit_intercept=intercept
    )
    np.testing.assert_allclose(model.loss_path_, expected, rtol=1e-4)
    best = int(expected.mean(axis=1).argmin())
    assert model.alpha_ == model.alphas_[best]
    alone = SparseLogisticRegression(model.alpha_, l1_ratio=l1_ratio, fit_intercept=intercept)
    np.testing.assert_allclose(
        model.decision_function(given), alone.fit(given, y).decision_function(given), atol=1e-2
    )
    assert model.certified_
    assert model.C_ == pytest.approx(1.0 / (len(y) * model.alpha_))


def test_the_largest_penalty_has_no_weights():
    X, y = labels(2)
    model = SparseLogisticRegressionCV(2, eps=0.5, cv=2).fit(X, y)
    for strength, empty in ((1.0 + 1e-9, True), (0.95, False)):
        alone = SparseLogisticRegression(strength * model.alphas_[0]).fit(X, y)
        assert bool(np.any(alone.coef_)) != empty


@pytest.mark.compiled
def test_of_more_classes_each_has_a_penalty():
    X, target = labels(3)
    rng = np.random.default_rng(0)
    y = np.where(target > 0, "yes", rng.choice(["no", "maybe"], size=len(target)))
    model = SparseLogisticRegressionCV(POINTS, cv=2).fit(X, y)
    assert model.alpha_.shape == model.C_.shape == (3,)
    assert model.loss_path_.shape == (3, POINTS, 2)
    assert model.alphas_.shape == (3, POINTS)
    assert model.predict_proba(X).shape == (len(y), 3)
    assert set(model.predict(X)) <= {"no", "maybe", "yes"}


@pytest.mark.compiled
@pytest.mark.parametrize("intercept", [True, False])
def test_of_more_classes_together_there_is_one_penalty(intercept):
    X, y = classes(0)
    given = {"l1_ratio": 0.8, "fit_intercept": intercept, "multi_class": "multinomial"}
    model = SparseLogisticRegressionCV(POINTS, cv=FOLDS, eps=0.05, tol=1e-8, **given).fit(X, y)
    assert model.loss_path_.shape == (POINTS, FOLDS)
    folds = list(StratifiedKFold(FOLDS).split(X, y))
    expected = by_hand(sp.csr_array(X), y, model.alphas_, folds, **given)
    np.testing.assert_allclose(model.loss_path_, expected, rtol=1e-4)
    assert model.alpha_ == model.alphas_[int(expected.mean(axis=1).argmin())]
    alone = SparseLogisticRegression(model.alpha_, tol=1e-8, **given).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), alone.predict_proba(X), atol=1e-4)
    assert model.certified_
    for strength, empty in ((1.0 + 1e-9, True), (0.95, False)):
        alone = SparseLogisticRegression(strength * model.alphas_[0], **given).fit(X, y)
        assert bool(np.any(alone.coef_)) != empty


@pytest.mark.compiled
def test_a_multinomial_path_has_weights_a_rule_and_an_early_end():
    X, y = classes(1)
    weights = np.random.default_rng(0).random(len(y)) + 0.1
    given = {"multi_class": "multinomial", "cv": FOLDS, "eps": 1e-3}
    least = SparseLogisticRegressionCV(POINTS, **given).fit(X, y, weights)
    sparse = SparseLogisticRegressionCV(POINTS, rule="1se", **given).fit(X, y, weights)
    assert sparse.alpha_ >= least.alpha_
    stopped = SparseLogisticRegressionCV(POINTS, early_stopping=1, **given).fit(X, y, weights)
    assert np.isnan(stopped.loss_path_[-1]).any() or not JIT
    two = SparseLogisticRegressionCV(2, multi_class="multinomial", cv=2).fit(X, y == y[0])
    assert two.coef_.shape == (1, X.shape[1])


@pytest.mark.compiled
def test_rule_weights_and_early_stopping():
    X, y = labels(4)
    weights = np.random.default_rng(0).random(len(y)) + 0.1
    least = SparseLogisticRegressionCV(POINTS, cv=FOLDS).fit(X, y, weights)
    sparse = SparseLogisticRegressionCV(POINTS, cv=FOLDS, rule="1se").fit(X, y, weights)
    assert sparse.alpha_ >= least.alpha_
    stopped = SparseLogisticRegressionCV(
        POINTS, cv=FOLDS, eps=1e-4, early_stopping=1, class_weight="balanced"
    ).fit(X, y, weights)
    assert np.isnan(stopped.loss_path_[-1]).any() or not JIT


def test_a_fold_without_a_class_is_refused():
    X, y = labels(5)
    y[:] = 0.0
    y[0] = 1.0
    half = len(y) // 2
    rows = np.arange(len(y))
    with pytest.raises(ValueError, match="no sample of class"):
        SparseLogisticRegressionCV(2, cv=[(rows[half:], rows[:half])]).fit(X, y)


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
def test_check_estimator():
    model = SparseLogisticRegressionCV(5, cv=2, eps=0.1)
    results = check_estimator(model, on_fail=None)
    failed = {each["check_name"] for each in results if each["status"] == "failed"}
    # Folds are cut from rows, so a row of weight two is not two rows.
    assert failed <= {"check_sample_weight_equivalence_on_dense_data",
                      "check_sample_weight_equivalence_on_sparse_data"}  # fmt: skip
