"""Logistic regression: against scikit-learn, in all forms, with the conventions of estimators."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from labelled import Labelled
from regressions import JIT, make
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

from strads import NotCertifiedWarning, SparseLogisticRegression, default_engine
from strads.algorithms.linear.losses.logistic import LogisticLoss
from strads.algorithms.linear.solver.proximal_newton import program as program_module
from strads.algorithms.linear.solver.proximal_newton.program import ProximalNewton
from strads.algorithms.linear.solver.residual_form import held_columns


def labels(seed=0, **given):
    """Sparse X and labels of 0 and 1."""
    X, target = make(seed, **given)
    noise = np.random.default_rng(seed).normal(size=len(target))
    target = target + 0.3 * noise
    return X, (target > np.median(target)).astype(np.float64)


def strength(X, y, ratio=20, intercept=True):
    return Labelled(X, y, None, 1.0, intercept, False).strength(ratio)


def true_gap(model, X, y, weights=None, alpha=None):
    alpha = model.alpha if alpha is None else alpha
    case = Labelled(X, y, weights, alpha, model.fit_intercept, model.positive, model.l1_ratio)
    return case.true_gap(model)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.processes)])
@pytest.mark.parametrize("form", ["gram", "residual", "dense", "tall"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_gap_in_all_forms(form, workers, l1_ratio, monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda *_: form == "residual")
    monkeypatch.setattr(program_module, "ROW_ENTRIES", np.inf)
    if form == "tall":  # as dense data of many rows: rounds on a Gram matrix
        monkeypatch.setattr("strads.algorithms.linear.solver.newton.leader.NEWTON_ROWS", 0)
    X, y = labels()
    given = X if form in ("gram", "residual") else np.asfortranarray(X.toarray())
    alpha = strength(X, y) / l1_ratio
    model = SparseLogisticRegression(alpha, l1_ratio=l1_ratio, tol=1e-9, n_workers=workers)
    model.fit(given, y)
    assert model.certified_
    assert model.dual_gap_ <= 1e-9
    assert true_gap(model, X, y) <= model.dual_gap_ + 1e-11
    last = model.history_[-1]
    assert bool(last["residual_form"]) == (form == "residual")
    assert bool(last["newton_systems"]) == (form == "dense")


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("C", [1.0, 5.0, 50.0] if JIT else [1.0])
def test_it_agrees_with_scikit_learn(C, intercept):
    X, y = labels(3, n=80, p=12)
    X = X.toarray()
    model = SparseLogisticRegression(C=C, fit_intercept=intercept, tol=1e-10).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = LogisticRegression(
            C=C, penalty="l1", solver="saga", fit_intercept=intercept, tol=1e-10, max_iter=10**5
        ).fit(X, y)
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-4 * (1.0 + C))
    np.testing.assert_allclose(model.intercept_, reference.intercept_, atol=1e-4 * (1.0 + C))
    np.testing.assert_allclose(model.predict_proba(X), reference.predict_proba(X), atol=1e-3)


def test_alpha_and_C_say_the_same():
    X, y = labels(1)
    one = SparseLogisticRegression(C=2.0).fit(X, y)
    other = SparseLogisticRegression(1.0 / (2.0 * len(y))).fit(X, y)
    assert one.coef_.tobytes() == other.coef_.tobytes()
    weights = np.where(y > 0, 3.0, 0.5)
    one = SparseLogisticRegression(C=2.0).fit(X, y, weights)
    other = SparseLogisticRegression(1.0 / (2.0 * weights.sum())).fit(X, y, weights)
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-6)


def test_weights_of_samples_are_repetitions():
    X, y = labels(2, n=40, p=30)
    times = np.random.default_rng(0).integers(0, 4, size=len(y))
    times[:2] = 1
    alpha = strength(X, y)
    weighted = SparseLogisticRegression(alpha, tol=1e-10).fit(X, y, times)
    rows = np.repeat(np.arange(len(y)), times)
    repeated = SparseLogisticRegression(alpha, tol=1e-10).fit(sp.csr_array(X)[rows], y[rows])
    assert weighted.certified_
    assert repeated.certified_
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-4)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-4)
    assert true_gap(weighted, X, y, times.astype(float)) <= weighted.dual_gap_ + 1e-11


def test_weights_of_classes():
    X, y = labels(4)
    y[: len(y) // 3] = 0.0
    y[0] = 1.0
    balanced = SparseLogisticRegression(C=0.5, class_weight="balanced").fit(X, y)
    by_hand = len(y) / (2.0 * np.where(y > 0, y.sum(), (1 - y).sum()))
    explicit = SparseLogisticRegression(C=0.5).fit(X, y, by_hand)
    np.testing.assert_allclose(balanced.coef_, explicit.coef_, atol=1e-8)
    named = SparseLogisticRegression(C=0.5, class_weight={0.0: 1.0, 1.0: 2.0}).fit(X, y)
    assert named.predict(X).sum() > SparseLogisticRegression(C=0.5).fit(X, y).predict(X).sum()


def test_of_more_classes_each_is_separated_from_the_others():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = SparseLogisticRegression(C=1.0).fit(X, names)
    assert model.coef_.shape == (3, 4)
    assert model.certified_
    assert model.dual_gap_.shape == (3,)
    assert model.score(X, names) > 0.9
    for k, name in enumerate(model.classes_):
        alone = SparseLogisticRegression(C=1.0).fit(X, names == name)
        np.testing.assert_allclose(model.coef_[k], alone.coef_[0])
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), shares)


@pytest.mark.parametrize("seed", range(4) if JIT else [0])
@pytest.mark.parametrize("ratio", [5, 50, 500] if JIT else [5])
def test_positive_weights(seed, ratio):
    X, y = labels(seed)
    model = SparseLogisticRegression(strength(X, y, ratio), positive=True, tol=1e-8)
    for given in (X, X.toarray()):
        model.fit(given, y)
        assert model.certified_
        assert model.coef_.min() >= 0.0
        assert model.coef_.max() > 0.0
        assert true_gap(model, X, y) <= 1e-8 + 1e-11


@pytest.mark.skipif(not JIT, reason="many epochs: compiled only")
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_raw_columns_and_nearly_separable_classes(C):
    X, y = load_breast_cancer(return_X_y=True)
    model = SparseLogisticRegression(C=C).fit(X, y)
    assert model.certified_
    assert true_gap(model, X, y, alpha=1.0 / (C * len(y))) <= model.dual_gap_ + 1e-11
    far = SparseLogisticRegression(C=C).fit(X + 1e6, y)
    assert far.certified_
    np.testing.assert_allclose(far.decision_function(X + 1e6), model.decision_function(X), atol=0.1)


def test_separable_classes():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    model = SparseLogisticRegression(1e-9).fit(X, [0, 0, 1, 1])
    assert model.certified_
    assert model.score(X, [0, 0, 1, 1]) == 1.0
    np.testing.assert_allclose(model.intercept_, 0.0, atol=1e-6)


def test_without_any_weight_above_the_largest_penalty():
    X, y = labels(6)
    y[: len(y) // 4] = 1.0
    model = SparseLogisticRegression(1.01 * strength(X, y, 1)).fit(X, y)
    assert not model.coef_.any()
    np.testing.assert_allclose(model.intercept_, np.log(y.sum() / (len(y) - y.sum())))
    assert model.certified_


def test_single_precision():
    X, y = labels(7)
    model = SparseLogisticRegression(strength(X, y)).fit(X.astype(np.float32), y)
    assert model.coef_.dtype == np.float32
    assert model.certified_
    assert true_gap(model, X.astype(np.float32), y) <= model.dual_gap_ + 1e-11


def test_warm_start():
    X, y = labels(8)
    model = SparseLogisticRegression(strength(X, y), warm_start=True).fit(X, y)
    first = len(model.history_)
    model.fit(X, y)
    assert len(model.history_) < first
    assert model.certified_
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(X[:, :5], y)


def test_callbacks_and_max_iter_end_it():
    X, y = labels(9)
    alpha = strength(X, y, 100)
    with pytest.warns(ConvergenceWarning):
        stopped = SparseLogisticRegression(alpha, callbacks=lambda step: True).fit(X, y)
    assert stopped.verdict_ == "callback"
    with pytest.warns(ConvergenceWarning):
        short = SparseLogisticRegression(alpha, max_iter=1).fit(X, y)
    assert short.verdict_ == "max_iter"
    assert short.dual_gap_ >= true_gap(short, X, y)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": np.zeros(25)}, "only one class"),
        ({"y": np.linspace(0, 1, 25)}, "Unknown label type"),
        ({"sample_weight": np.r_[np.zeros(12), np.ones(13)]}, "no sample of class"),
        ({"sample_weight": -np.ones(25)}, "sample_weight"),
    ],
)
def test_bad_input(given, message):
    X = np.random.default_rng(0).normal(size=(25, 3))
    y = np.repeat([0, 1], [12, 13])
    with pytest.raises(ValueError, match=message):
        SparseLogisticRegression().fit(X, given.pop("y", y), **given)
    with pytest.raises(ValueError, match="'C' parameter"):
        SparseLogisticRegression(C=0.0).fit(X, y)


def test_without_l1_penalty_it_warns():
    X, y = labels(10, n=30, p=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", NotCertifiedWarning)
        with pytest.warns(UserWarning, match="l1_ratio=0"):
            SparseLogisticRegression(l1_ratio=0.0, max_iter=20).fit(X, y)


def test_a_saved_model_predicts_the_same(tmp_path):
    X, y = labels(11)
    names = np.array(["no", "yes"])[y.astype(int)]
    model = SparseLogisticRegression(strength(X, y)).fit(X, names)
    model.save(tmp_path / "model.npz")
    again = SparseLogisticRegression.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.sparse_coef_.nnz == np.count_nonzero(model.coef_)


def program(X, y, alpha):
    return ProximalNewton(
        loss=LogisticLoss(), X=X, y=y, row_weight=np.ones(len(y)), alpha=alpha, tol=1e-9,
        max_epochs=10**4, centred=1,
    )  # fmt: skip


@pytest.mark.compiled
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("residual_form", [False, True])
def test_a_saved_run_goes_on_with_the_same_bits(tmp_path, workers, residual_form, monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda *_: residual_form)
    X, y = labels(12)
    alpha = strength(X, y, 100)
    options = {"workers": workers, "executor": "serial", "epochs": 100}
    with default_engine().iterate(program(X, y, alpha), **options) as steps:
        next(steps)
        next(steps)
        steps.save(tmp_path / "fit.npz")
        undisturbed = steps.finish()
    saved = tmp_path / "fit.npz"
    result = default_engine().run(program(X, y, alpha), resume_from=saved, **options)
    assert result.status == undisturbed.status == "converged"
    np.testing.assert_array_equal(result.state["w"], undisturbed.state["w"])


@pytest.mark.processes
@pytest.mark.parametrize("sparse", [True, False])
def test_processes_equal_serial(sparse):
    X, y = labels(13)
    given = X if sparse else np.asfortranarray(X.toarray())
    alpha = strength(X, y, 50)
    serial = default_engine().run(
        program(given, y, alpha), workers=2, executor="serial", epochs=100, check=True
    )
    processes = default_engine().run(program(given, y, alpha), workers=2, epochs=100)
    assert processes.statistics["executor"] == "processes"
    np.testing.assert_array_equal(serial.state["w"], processes.state["w"])


@pytest.mark.compiled
@pytest.mark.slow
def test_check_estimator():
    results = check_estimator(SparseLogisticRegression(), on_fail=None)
    failed = [each["check_name"] for each in results if each["status"] not in ("passed", "skipped")]
    assert failed == []
