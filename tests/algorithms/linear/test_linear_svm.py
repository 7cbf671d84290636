"""Linear support vector machines: gaps, agreement with scikit-learn, conventions of estimators."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import LOSSES, Problem, problems
from regressions import JIT
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC as TheirSVC
from sklearn.svm import LinearSVR as TheirSVR
from sklearn.utils.estimator_checks import check_estimator

from strads import (
    GeneralizedLinearRegressor,
    LinearSVC,
    LinearSVR,
    NotCertifiedWarning,
    SquaredHingeLoss,
    default_engine,
    svc_path,
)
from strads.algorithms.linear.dual import course as course_module
from strads.algorithms.linear.dual import fit as fit_module
from strads.algorithms.linear.dual import program as program_module
from strads.algorithms.linear.dual.fit import teams
from strads.algorithms.linear.dual.program import LinearSVM
from strads.kernels.lanes import LANES


def text(seed=0, n=120, p=40, classes=5):
    """Sparse rows of length one whose classes overlap, like documents."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    y[:classes] = np.arange(classes)
    means = rng.gamma(0.3, size=(classes, p))
    X = rng.poisson(means[y]).astype(np.float64)
    X[:, 0] += 1.0
    X /= np.linalg.norm(X, axis=1)[:, None]
    return sp.csr_array(X), y


def judged(model, X, y, weights=1.0, k=0):
    """The true gap of a fitted model, or of one of its classes."""
    X = X.toarray() if sp.issparse(X) else np.asarray(X, dtype=np.float64)
    scaling = model.intercept_scaling if model.fit_intercept else 0.0
    cost = model.C * np.broadcast_to(np.asarray(weights, dtype=np.float64), len(y))
    t, epsilon = y, getattr(model, "epsilon", 0.0)
    if isinstance(model, LinearSVC):
        label = model.classes_[1] if len(model.classes_) == 2 else model.classes_[k]
        t = np.where(y == label, 1.0, -1.0)
    coef, beta = np.atleast_2d(model.coef_)[k], np.atleast_2d(model.dual_coef_)[k]
    last = np.atleast_1d(model.intercept_)[k] / scaling if scaling else 0.0
    problem = Problem(X, t, cost, model.loss, epsilon, scaling)
    return problem.gap(np.append(coef, last), beta)


@pytest.mark.compiled
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.processes)])
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
@pytest.mark.parametrize(
    "kind",  # dense and single precision are compiled for this test alone
    ["csr", "csc", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("dense", "single"))],
)
def test_gaps_of_several_classes(kind, loss, workers):
    X, y = text(n=120 if JIT else 40)
    given = {"csr": X, "csc": sp.csc_matrix(X), "dense": X.toarray(),
             "single": X.astype(np.float32)}[kind]  # fmt: skip
    model = LinearSVC(loss=loss, tol=1e-6, n_workers=workers).fit(given, y)
    assert model.certified_
    assert model.verdict_ == "certified"
    assert model.dual_gap_.shape == (5,)
    for k in range(5):
        true = judged(model, np.asarray(given.toarray() if kind != "dense" else given), y, k=k)
        assert true <= model.dual_gap_[k] <= 1e-6
    assert model.score(given, y) > 0.5


@pytest.mark.parametrize("first", [True, False])
@settings(max_examples=max(30, settings.default.max_examples // 20) if JIT else 5)
@given(problem=problems(most=30), tol=st.sampled_from([1e-3, 1e-7]))
def test_no_gap_is_smaller_than_the_true_one(first, problem, tol):
    options = {
        "loss": problem.loss, "C": 1.0, "fit_intercept": problem.scaling > 0.0, "tol": tol,
        "intercept_scaling": problem.scaling or 1.0, "n_workers": 1,
    }  # fmt: skip
    model = LinearSVC(**options)
    if not LOSSES[problem.loss][0]:
        model = LinearSVR(epsilon=problem.epsilon, **options)
    before = program_module.SHORT
    program_module.SHORT = np.inf if first else -1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(problem.X, problem.t, problem.cost)
    finally:
        program_module.SHORT = before
    assert judged(model, problem.X, problem.t, problem.cost) <= model.dual_gap_
    assert model.certified_ == (model.dual_gap_ <= tol)
    assert model.certified_ or not JIT


def test_many_classes_lie_in_lanes_and_few_do_not():
    assert teams([1], 3).shape == (1, 1)
    assert teams(list(range(7)), 2).shape == (7, 1)
    for count, workers, rows in ((8, 2, 2), (20, 2, 2), (33, 2, 4), (33, 1, 3), (64, 4, 4)):
        found = teams(list(range(count)), workers)
        assert found.shape == (rows, LANES)
        assert sorted(found[found >= 0]) == list(range(count))
        assert np.ptp((found >= 0).sum(axis=1)) <= 1


@pytest.mark.compiles  # constants of the kernels that it changes
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_models_go_from_side_by_side_to_alone_to_newton(loss, monkeypatch):
    monkeypatch.setattr(program_module, "SHORT", -1)
    monkeypatch.setattr(program_module, "ALONE", 2)
    monkeypatch.setattr(course_module, "PATIENCE", 0)
    monkeypatch.setattr(course_module, "MORE_PATIENCE", 0)
    monkeypatch.setattr(course_module, "WIDE", 100)
    X, y = text(1, n=80 if JIT else 36)
    for room in (program_module.DIRECT, 0):
        monkeypatch.setattr(program_module, "DIRECT", room)
        model = LinearSVC(C=10.0, loss=loss, tol=1e-9, n_workers=1).fit(X, y)
        assert model.certified_
        first, last = model.history_[0], model.history_[-1]
        assert first["by_newton"] == 0
        assert last["newton_systems"] > 0
        assert (last["products"] > 0) == (room == 0)
        assert max(judged(model, X, y, k=k) for k in range(5)) <= 1e-9


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
@pytest.mark.parametrize("intercept", [True, False])
def test_it_agrees_with_scikit_learn(loss, intercept):
    X, y = load_iris(return_X_y=True)
    X, y = X[::3], y[::3]
    model = LinearSVC(loss=loss, fit_intercept=intercept, tol=1e-9).fit(X, y)
    theirs = TheirSVC(loss=loss, fit_intercept=intercept, tol=1e-9, max_iter=10**6, dual=True)
    theirs.fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(model.intercept_, theirs.intercept_, atol=1e-4)
    np.testing.assert_allclose(model.decision_function(X), theirs.decision_function(X), atol=1e-3)
    np.testing.assert_array_equal(model.predict(X), theirs.predict(X))


@pytest.mark.parametrize("loss", ["epsilon_insensitive", "squared_epsilon_insensitive"])
@pytest.mark.parametrize("epsilon", [0.0, 0.1])
def test_regression_agrees_with_scikit_learn(loss, epsilon):
    X, y = load_diabetes(return_X_y=True)
    X, y = 20.0 * X[::8], y[::8] / 100.0
    model = LinearSVR(loss=loss, epsilon=epsilon, tol=1e-9).fit(X, y)
    theirs = TheirSVR(loss=loss, epsilon=epsilon, tol=1e-9, max_iter=10**6, dual=True).fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-3)
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), atol=1e-3)
    assert judged(model, X, y) <= model.dual_gap_ <= 1e-9
    tube = np.abs(y - model.predict(X)) < epsilon - 1e-6
    assert not model.dual_coef_[tube].any()


def test_weights_of_samples_are_repetitions():
    X, y = text(2, n=50, classes=2)
    times = np.random.default_rng(0).integers(0, 4, size=len(y))
    times[:2] = 1
    rows = np.repeat(np.arange(len(y)), times)
    weighted = LinearSVC(tol=1e-10).fit(X, y, times)
    repeated = LinearSVC(tol=1e-10).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-4)
    assert not weighted.dual_coef_[0, times == 0].any()
    balanced = LinearSVC(class_weight="balanced", tol=1e-10).fit(X, y)
    by_hand = LinearSVC(tol=1e-10).fit(X, y, len(y) / (2.0 * np.bincount(y)[y]))
    np.testing.assert_allclose(balanced.coef_, by_hand.coef_, atol=1e-8)


@pytest.mark.compiled
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_warm_start_along_C(loss):
    X, y = text(3, n=100 if JIT else 30)
    warm = LinearSVC(loss=loss, warm_start=True, tol=1e-6)
    for C in (0.1, 0.2, 0.1, 5.0):
        cold = LinearSVC(C=C, loss=loss, tol=1e-6).fit(X, y)
        warm.set_params(C=C).fit(X, y)
        assert warm.certified_
        assert max(judged(warm, X, y, k=k) for k in range(5)) <= 1e-6
        np.testing.assert_allclose(warm.coef_, cold.coef_, atol=0.02 * np.abs(cold.coef_).max())
    again = warm.n_iter_
    assert warm.fit(X, y).n_iter_ < again
    assert warm.fit(X[:20], y[:20]).dual_coef_.shape[1] == 20  # starts anew


@pytest.mark.parametrize("classes", [2, 3])
def test_a_path_has_the_models_of_its_grid(classes):
    X, y = text(5, n=60 if JIT else 30, classes=classes)
    path = svc_path(X, y, Cs=[5.0, 0.1, 1.0], tol=1e-6, loss="hinge")
    np.testing.assert_array_equal(path.Cs, [0.1, 1.0, 5.0])
    models = 1 if classes == 2 else classes
    assert path.coefs.shape == (models, X.shape[1], 3)
    assert path.dual_gaps.shape == path.intercepts.shape == (models, 3)
    assert np.all(path.dual_gaps <= 1e-6)
    for k, C in enumerate(path.Cs):
        alone = LinearSVC(C=C, loss="hinge", tol=1e-6).fit(X, y)
        away = np.abs(path.coefs[..., k] - alone.coef_).max()
        assert away <= 0.02 * np.abs(alone.coef_).max()
    np.testing.assert_allclose(svc_path(X, y, Cs=2, tol=0.5).Cs, [1e-4, 1e4])
    with pytest.raises(ValueError, match="sets C itself"):
        svc_path(X, y, C=1.0)
    for Cs in ([], [0.0], 0, "a"):
        with pytest.raises(ValueError, match="must be a number of penalties"):
            svc_path(X, y, Cs=Cs)


@pytest.mark.processes
def test_more_workers_than_models():
    X, y = text(4, n=60, classes=3)
    one, four = LinearSVC(n_workers=1).fit(X, y), LinearSVC(n_workers=4).fit(X, y)
    assert four.certified_
    np.testing.assert_allclose(one.coef_, four.coef_, atol=0.05)
    y = (y > 0).astype(int)
    one, four = LinearSVC(n_workers=1).fit(X, y), LinearSVC(n_workers=4).fit(X, y)
    assert one.coef_.tobytes() == four.coef_.tobytes()


def test_a_repeated_fit_has_the_same_bits(monkeypatch):
    monkeypatch.setattr(program_module, "SHORT", -1)
    X, y = text(5, n=120 if JIT else 40)
    first, second = LinearSVC(random_state=3).fit(X, y), LinearSVC(random_state=3).fit(X, y)
    assert first.coef_.tobytes() == second.coef_.tobytes()
    other = LinearSVC(random_state=4).fit(X, y)
    assert first.coef_.tobytes() != other.coef_.tobytes()


@pytest.mark.slow  # sweeps are compiled for these tests alone; by day fits take Newton's method
@pytest.mark.compiled
def test_fits_that_end_early_say_so(monkeypatch):
    monkeypatch.setattr(program_module, "SHORT", -1)
    X, y = text(6)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = LinearSVC(max_iter=2, tol=1e-9).fit(X, y)
    assert (model.verdict_, model.n_iter_, model.certified_) == ("max_iter", 2, False)
    assert max(judged(model, X, y, k=k) for k in range(5)) <= model.dual_gap_.max()
    with pytest.warns(ConvergenceWarning, match="callback"):
        model = LinearSVC(tol=1e-9, callbacks=lambda step: True).fit(X, y)
    assert model.verdict_ == "callback"
    with pytest.warns(NotCertifiedWarning, match="lower C"):
        model = LinearSVC(tol=0.0, max_iter=10_000).fit(X, y)
    assert model.verdict_ == "precision"
    assert model.dual_gap_.max() < 1e-8


def test_bad_input_is_refused():
    X, y = text(7, n=20, classes=2)
    with pytest.raises(ValueError, match="only one class"):
        LinearSVC().fit(X, np.zeros(20))
    with pytest.raises(ValueError, match="no sample of class 1"):
        LinearSVC().fit(X, y, 1.0 - y)
    with pytest.raises(ValueError, match="scale the features"):
        LinearSVC().fit(X * 1e200, y)
    for wrong in ({"C": 0.0}, {"loss": "log"}, {"intercept_scaling": 0.0}, {"tol": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LinearSVC(**wrong).fit(X, y)
    with pytest.raises(ValueError, match="epsilon"):
        LinearSVR(epsilon=-1.0).fit(X, y)


def test_saved_models_predict_the_same(tmp_path):
    X, y = text(8)
    for model in (LinearSVC().fit(X, y), LinearSVR().fit(X, y.astype(float))):
        model.save(tmp_path / "model.npz")
        loaded = type(model).load(tmp_path / "model.npz")
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        assert loaded.dual_coef_.tobytes() == model.dual_coef_.tobytes()


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@pytest.mark.parametrize(
    "model",
    [LinearSVC(), LinearSVC(penalty="l1"), LinearSVR(tol=1e-10)],  # whose loss is not squared
    ids=["svc", "sparse", "svr"],
)
def test_conventions(model):
    check_estimator(model, on_skip=None)


def test_default_workers(monkeypatch):
    X, y = text(9)
    seen = []
    engine = default_engine()
    monkeypatch.setattr(fit_module, "ENTRIES", 0)
    monkeypatch.setattr(
        engine, "run", lambda program, **options: seen.append(options["workers"]) or 1 / 0
    )
    monkeypatch.setattr(fit_module, "default_engine", lambda: engine)
    monkeypatch.setattr("strads.algorithms.common.workers.available_cores", lambda: 2)
    for labels in (y, y > 0):
        with pytest.raises(ZeroDivisionError):
            LinearSVC().fit(X, labels)
    assert seen == [2, 1]


@pytest.mark.compiled
@pytest.mark.parametrize("intercept", [True, False])
def test_sparse_machines_are_those_of_the_squared_hinge(intercept):
    X, y = text(11, n=80 if JIT else 30, classes=3)
    for labels in (y, (y > 0).astype(int)):
        model = LinearSVC(penalty="l1", C=2.0, fit_intercept=intercept, tol=1e-8)
        model.fit(X, labels)
        assert model.certified_
        assert not hasattr(model, "dual_coef_")
        assert 0 < np.count_nonzero(model.coef_) < model.coef_.size
        for k in range(len(model.coef_)):
            label = model.classes_[k if len(model.coef_) > 1 else 1]
            target = (labels == label).astype(float)
            alone = GeneralizedLinearRegressor(
                SquaredHingeLoss(), alpha=1.0 / (2.0 * len(y)), fit_intercept=intercept, tol=1e-8
            ).fit(X, target)
            np.testing.assert_allclose(model.coef_[k], alone.coef_, atol=1e-8)
    if not intercept:
        theirs = TheirSVC(
            penalty="l1", dual=False, C=2.0, fit_intercept=False, tol=1e-8, max_iter=10**5
        ).fit(X, labels)
        np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-4)


def test_a_sparse_fit_after_a_dense_one():
    X, y = text(12, n=40, classes=2)
    model = LinearSVC(warm_start=True).fit(X, y)
    assert model.dual_coef_.shape == (1, 40)
    model.set_params(penalty="l1").fit(X, y)
    assert not hasattr(model, "dual_coef_")
    assert model.set_params(penalty="l2").fit(X, y).dual_coef_.shape == (1, 40)
    with pytest.raises(ValueError, match="squared_hinge"):
        LinearSVC(penalty="l1", loss="hinge").fit(X, y)


def machines(X, y, loss, workers):
    return LinearSVM(
        XT=X.T.tocsc(), y=y.astype(float), cost=np.full(len(y), 5.0),
        label=teams(list(range(8)), workers), squared=int(loss == "squared_hinge"), classes=1,
        gap=1e-8, max_epochs=10**4,
    )  # fmt: skip


@pytest.mark.slow  # as above
@pytest.mark.compiled
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_a_saved_run_goes_on_with_the_same_bits(loss, workers, tmp_path, monkeypatch):
    monkeypatch.setattr(program_module, "SHORT", -1)
    monkeypatch.setattr(program_module, "ALONE", 4)
    X, y = text(13, n=60 if JIT else 30, classes=8)
    options = {"workers": workers, "executor": "serial", "epochs": 1000, "align": False}
    with default_engine().iterate(machines(X, y, loss, workers), **options) as steps:
        next(steps)
        next(steps)
        steps.save(tmp_path / "fit.npz")
        undisturbed = steps.finish()
    again = machines(X, y, loss, workers)
    result = default_engine().run(again, resume_from=tmp_path / "fit.npz", **options)
    assert result.status == undisturbed.status == "converged"
    np.testing.assert_array_equal(result.state["w"], undisturbed.state["w"])
    np.testing.assert_array_equal(result.state["beta"], undisturbed.state["beta"])
    assert result.history[-1]["certificate"] == undisturbed.history[-1]["certificate"]


@pytest.mark.slow  # as above
@pytest.mark.processes
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_processes_equal_serial(loss, monkeypatch):
    monkeypatch.setattr(program_module, "SHORT", -1)
    X, y = text(14, n=60, classes=8)
    options = {"workers": 2, "epochs": 1000, "align": False}
    serial = default_engine().run(machines(X, y, loss, 2), executor="serial", check=True, **options)
    processes = default_engine().run(machines(X, y, loss, 2), **options)
    assert processes.statistics["executor"] == "processes"
    np.testing.assert_array_equal(serial.state["w"], processes.state["w"])
