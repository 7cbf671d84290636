"""Multinomial logistic regression: against scikit-learn, its certificate, its conventions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from certified import FEW
from hypothesis import given
from regressions import JIT
from scipy.special import softmax
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator
from softmaxes import Several, several

from strads import Checkpoint, NotCertifiedWarning, SparseLogisticRegression, default_engine
from strads.algorithms.linear.multinomial.program import MultinomialNewton


def multinomial(*args, **options):
    return SparseLogisticRegression(*args, multi_class="multinomial", **options)


def classes(seed=0, n=90, p=40, k=4):
    """Sparse X, and labels that depend on a few of its columns."""
    n, p = (n, p) if JIT else (30, 10)
    rng = np.random.default_rng(seed)
    X = sp.random_array((n, p), density=0.3, format="csc", random_state=seed)
    scores = X @ (rng.normal(size=(p, k)) * (rng.random((p, k)) < 0.2)) * 4.0
    return X, (scores + rng.gumbel(size=(n, k))).argmax(axis=1)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("C", [0.3, 3.0] if JIT else [0.3])
def test_it_agrees_with_scikit_learn(C, intercept):
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = multinomial(C=C, fit_intercept=intercept, tol=1e-10).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = LogisticRegression(
            C=C, penalty="l1", solver="saga", fit_intercept=intercept, tol=1e-9, max_iter=10**5
        ).fit(X, y)
    assert model.certified_
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-3)
    np.testing.assert_allclose(model.predict_proba(X), reference.predict_proba(X), atol=1e-3)
    scores = model.decision_function(X)
    np.testing.assert_allclose(model.predict_proba(X), softmax(scores, axis=1), atol=1e-12)
    np.testing.assert_array_equal(model.predict(X), reference.predict(X))


@pytest.mark.usefixtures("shared_engine")
@pytest.mark.parametrize(
    ("store", "workers"),  # dense X is compiled for this test alone
    [(sp.csc_array, 1), (sp.csr_matrix, 1), (lambda X: X.toarray(), 1),
     pytest.param(sp.csc_array, 2, marks=pytest.mark.processes),
     pytest.param(lambda X: X.toarray(), 2, marks=[pytest.mark.processes, pytest.mark.slow])],
)  # fmt: skip
def test_gap_in_all_forms(store, workers):
    X, y = classes()
    model = multinomial(C=2.0, tol=1e-9, n_workers=workers).fit(store(X), y)
    assert model.certified_
    assert model.dual_gap_ <= 1e-9
    assert model.coef_.shape == (4, X.shape[1])
    assert abs(model.intercept_.sum()) < 1e-9
    case = Several(X, y, None, 1.0 / (2.0 * len(y)), 1.0, True, False)
    assert case.true_gap(model) <= model.dual_gap_ + 1e-12
    assert model.history_[-1]["certificate"] == model.dual_gap_


@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
@pytest.mark.parametrize(
    "schedule",
    [
        "priority",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("random", "round-robin")),
    ],
)
def test_schedules_agree(schedule):
    X, y = classes(1)
    one = multinomial(C=1.0, tol=1e-9).fit(X, y)
    other = multinomial(C=1.0, tol=1e-9, n_workers=2, schedule=schedule).fit(X, y)
    assert other.certified_
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-4)


@FEW
@given(case=several(30 if JIT else 12))
def test_no_gap_is_smaller_than_the_true_one(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (ConvergenceWarning, NotCertifiedWarning))
        model = case.fit(tol=1e-6, max_iter=2000)
        better = case.fit(tol=1e-9, max_iter=2000)
    assert model.dual_gap_ >= case.true_gap(model) * (1.0 - 1e-9) - 1e-12
    heights = [case.primal(each.coef_, each.intercept_) for each in (model, better)]
    above = float((heights[0] - heights[1]) / case.at_zero(len(model.classes_)))
    assert model.dual_gap_ >= above * (1.0 - 1e-9) - 1e-12
    assert model.verdict_ != "callback"
    if case.positive:
        assert model.coef_.min() >= 0.0


def test_a_large_penalty_leaves_the_shares_of_the_classes():
    X, y = classes(2)
    weights = np.random.default_rng(0).random(len(y)) + 0.5
    model = multinomial(alpha=1e3).fit(X, y, weights)
    assert np.count_nonzero(model.coef_) == 0
    shares = np.bincount(y, weights=weights) / weights.sum()
    np.testing.assert_allclose(model.predict_proba(X), np.tile(shares, (len(y), 1)), atol=1e-9)


def test_weights_of_samples_are_repetitions():
    X, y = classes(3)
    times = np.random.default_rng(0).integers(0, 3, size=len(y))
    times[[np.flatnonzero(y == k)[0] for k in np.unique(y)]] = 1
    rows = np.repeat(np.arange(len(y)), times)
    weighted = multinomial(C=1.0, tol=1e-10).fit(X, y, times)
    repeated = multinomial(C=1.0, tol=1e-10).fit(sp.csr_array(X)[rows], y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-4)
    balanced = multinomial(C=1.0, class_weight="balanced").fit(X, y)
    by_hand = (len(y) / (4.0 * np.bincount(y)))[y]
    other = multinomial(C=1.0).fit(X, y, by_hand)
    np.testing.assert_allclose(balanced.coef_, other.coef_, atol=1e-12)


@pytest.mark.parametrize("store", [sp.csc_array, lambda X: X.toarray()])
@pytest.mark.parametrize("exponent", [-330, 330])
def test_data_of_any_scale(exponent, store):
    X, y = classes(9)
    factor = 2.0**exponent
    one = multinomial(alpha=0.02 * factor).fit(store(X * factor), y)
    other = multinomial(alpha=0.02).fit(store(X), y)
    assert one.certified_
    np.testing.assert_allclose(one.coef_ * factor, other.coef_, atol=1e-3)


def test_two_classes_are_the_binary_problem():
    X, y = classes(4)
    one = multinomial(C=1.0).fit(X, y > 1)
    other = SparseLogisticRegression(C=1.0).fit(X, y > 1)
    assert one.coef_.tobytes() == other.coef_.tobytes()
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_a_warm_start_needs_no_steps():
    X, y = classes(5)
    model = multinomial(C=1.0, tol=1e-8, warm_start=True).fit(X, y)
    coef = model.coef_.copy()
    model.fit(X, y)
    assert model.history_[-1]["steps"] == 0
    np.testing.assert_array_equal(model.coef_, coef)
    model.set_params(C=0.5).fit(X, y)
    assert model.certified_
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(X[:, :5], y)


def test_it_says_why_it_ended():
    X, y = classes(6)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = multinomial(C=10.0, max_iter=1, tol=1e-12).fit(X, y)
    assert model.verdict_ == "max_iter"
    with pytest.warns(ConvergenceWarning, match="before it converged"):
        model = multinomial(C=10.0, callbacks=lambda step: True).fit(X, y)
    assert model.verdict_ == "callback"
    assert not model.certified_
    with pytest.raises(ValueError, match="not in the range of numbers"):
        multinomial().fit(X * 1e200, y)
    with pytest.raises(ValueError, match="multi_class"):
        SparseLogisticRegression(multi_class="both").fit(X, y)


def program(X, y):
    return MultinomialNewton(
        X=X, label=y, row_weight=np.ones(len(y)), alpha=0.2 / len(y), beta=0.0, tol=1e-9,
        max_epochs=10**5, centred=1,
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 4])
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(steps, tmp_path):
    (X, y), file = classes(7), tmp_path / "run.npz"
    whole = default_engine().run(program(X, y), workers=1, epochs=100, seed=0)
    default_engine().run(
        program(X, y), workers=1, epochs=steps, seed=0, instruments=[Checkpoint(file)]
    )
    resumed = default_engine().run(program(X, y), workers=1, epochs=100, seed=0, resume_from=file)
    assert resumed.status == "converged"
    assert resumed.state["w"].tobytes() == whole.state["w"].tobytes()
    assert resumed.figures == whole.figures


def test_it_is_saved_and_loaded(tmp_path):
    X, y = classes(8)
    model = multinomial(C=1.0).fit(X, np.array(list("abcd"))[y])
    model.save(tmp_path / "model")
    again = SparseLogisticRegression.load(tmp_path / "model")
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    assert again.multi_class == "multinomial"


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
def test_conventions():
    check_estimator(multinomial(C=1.0, tol=1e-8))
