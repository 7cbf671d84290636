"""The multi-task Lasso: against scikit-learn and naive steps, its certificate, its conventions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from certified import FEW
from hypothesis import given
from hypothesis import strategies as st
from regressions import JIT
from sklearn import linear_model
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator
from tasks import Tasks, strength, tasks

from strads import (
    Checkpoint,
    MultiTaskElasticNet,
    MultiTaskLasso,
    NotCertifiedWarning,
    default_engine,
)
from strads.algorithms.linear.multi_task import sweeps as sweeps_module
from strads.algorithms.linear.multi_task.by_tasks import pull_member, push_member
from strads.algorithms.linear.multi_task.program import MultiTaskProgram
from strads.algorithms.linear.multi_task.rows import move_row


def problem(seed=0, n=60, p=90, k=4):
    n, p = (n, p) if JIT else (20, 15)
    rng = np.random.default_rng(seed)
    X = sp.random_array((n, p), density=0.3, format="csc", random_state=seed)
    W = rng.normal(size=(p, k)) * (rng.random((p, 1)) < 0.2)
    return X, X @ W + 0.1 * rng.normal(size=(n, k)) + np.arange(k)


@pytest.fixture(params=["gram", "residual"])
def form(request, monkeypatch):
    if request.param == "residual":
        monkeypatch.setattr(sweeps_module, "FEW", 0)
        monkeypatch.setattr(sweeps_module, "RATIO", -1.0)
    return request.param


@given(seed=st.integers(0, 2**32 - 1), tasks=st.integers(1, 4))
def test_a_move_minimises_over_a_row(seed, tasks):
    rng = np.random.default_rng(seed)
    curve, penalty = rng.random() + 0.1, rng.choice([0.1, 1.0, 5.0])
    v, z = rng.normal(size=(2, tasks)), rng.normal(size=tasks)
    old, move = v.copy(), z.copy()

    def height(row):
        d = row - old[1]
        return -z @ d + 0.5 * curve * (d @ d) + penalty * np.linalg.norm(row)

    _, less = move_row(v, 1, curve, penalty, 0.0, move)
    target = curve * old[1] + z
    shrink = max(1.0 - penalty / np.linalg.norm(target), 0.0)
    np.testing.assert_allclose(v[1], shrink * target / curve, atol=1e-12)
    np.testing.assert_allclose(v[1] - old[1], move, atol=1e-12)
    np.testing.assert_array_equal(v[0], old[0])
    assert less == pytest.approx(height(old[1]) - height(v[1]), abs=1e-9)
    for _ in range(5):
        assert height(v[1]) <= height(v[1] + 0.1 * rng.normal(size=tasks)) + 1e-12


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_it_agrees_with_scikit_learn(l1_ratio, intercept, form):
    X, Y = problem(1)
    X = X.toarray()
    alpha = strength(X, Y, 20, intercept) / l1_ratio
    model = MultiTaskElasticNet(alpha, l1_ratio=l1_ratio, fit_intercept=intercept, tol=1e-10)
    model.fit(X, Y)
    reference = linear_model.MultiTaskElasticNet(
        alpha=alpha, l1_ratio=l1_ratio, fit_intercept=intercept, tol=1e-10, max_iter=10**5
    ).fit(X, Y)
    assert model.certified_
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-4)
    np.testing.assert_allclose(model.intercept_, reference.intercept_, atol=1e-4)
    np.testing.assert_allclose(model.predict(X), reference.predict(X), atol=1e-3)


@pytest.mark.usefixtures("shared_engine")
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.processes)])
@pytest.mark.parametrize("store", [sp.csc_array, lambda X: X.toarray()])
def test_gap_in_all_forms(store, workers, form):
    X, Y = problem()
    case = Tasks(store(X), Y, None, strength(X, Y, 30))
    model = case.fit(tol=1e-9, n_workers=workers)
    assert model.certified_
    assert case.true_gap(model) <= model.dual_gap_ + 1e-12
    assert model.history_[-1]["certificate"] == pytest.approx(model.dual_gap_)
    rows = model.coef_ != 0.0
    np.testing.assert_array_equal(rows.any(axis=0), rows.all(axis=0))


@pytest.mark.slow  # starts four processes; the test above runs the same rounds
@pytest.mark.processes
def test_equal_columns_that_move_together_do_no_harm(monkeypatch):
    monkeypatch.setattr(sweeps_module, "FEW", 0)
    monkeypatch.setattr(sweeps_module, "RATIO", -1.0)
    X, Y = problem(2)
    X = sp.csc_array(np.repeat(X.toarray()[:, :5], 6, axis=1))
    model = MultiTaskLasso(strength(X, Y, 10), n_workers=4, tol=1e-7).fit(X, Y)
    assert model.certified_


@FEW
@given(case=tasks(30 if JIT else 10))
def test_no_gap_is_smaller_than_the_true_one(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (ConvergenceWarning, NotCertifiedWarning))
        model = case.fit(tol=1e-6, max_iter=500)
    assert model.dual_gap_ >= case.true_gap(model) * (1.0 - 1e-9) - 1e-11
    assert np.all(np.isfinite(model.coef_))


@pytest.mark.parametrize("store", [sp.csc_array, lambda X: X.toarray()])
def test_far_columns_and_any_scale(store):
    X, Y = problem(3)
    plain = MultiTaskLasso(strength(X, Y, 10), tol=1e-8).fit(store(X), Y)
    far = X.toarray()
    far[:, :3] += 1e7
    model = MultiTaskLasso(strength(X, Y, 10), tol=1e-8).fit(store(sp.csc_array(far)), Y)
    assert model.certified_
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-4)
    large = MultiTaskLasso(strength(X, Y, 10) * 1e150, tol=1e-8).fit(store(X * 1e100), Y * 1e50)
    assert large.certified_
    np.testing.assert_allclose(large.coef_ * 1e50, plain.coef_, atol=1e-4)


def test_weights_of_samples_are_repetitions():
    X, Y = problem(4)
    times = np.random.default_rng(0).integers(0, 3, size=len(Y))
    alpha = strength(X, Y, 10)
    rows = np.repeat(np.arange(len(Y)), times)
    weighted = MultiTaskLasso(alpha, tol=1e-10).fit(X, Y, times)
    repeated = MultiTaskLasso(alpha, tol=1e-10).fit(sp.csr_array(X)[rows], Y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-5)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-5)


def test_a_warm_start_ends_at_once():
    X, Y = problem(5)
    model = MultiTaskLasso(strength(X, Y, 10), warm_start=True, tol=1e-7).fit(X, Y)
    coef = model.coef_.copy()
    model.fit(X, Y)
    assert len(model.history_) <= 2
    np.testing.assert_allclose(model.coef_, coef, atol=1e-9)
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(X[:, :5], Y)


def test_it_says_what_is_wrong():
    X, Y = problem(6)
    with pytest.raises(ValueError, match="For mono-task outputs, use Lasso"):
        MultiTaskLasso().fit(X, Y[:, 0])
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = MultiTaskLasso(strength(X, Y, 100), max_iter=1, tol=1e-12).fit(X, Y)
    assert model.verdict_ == "max_iter"
    with pytest.raises(ValueError, match="contradict each other"):
        MultiTaskLasso(selection="random", schedule="priority").fit(X, Y)
    one = MultiTaskLasso(strength(X, Y[:, :1], 10)).fit(X, Y[:, :1])
    assert one.coef_.shape == (1, X.shape[1])
    large = MultiTaskLasso(strength(X, Y, 0.5)).fit(X, Y)
    assert np.count_nonzero(large.coef_) == 0
    np.testing.assert_allclose(large.intercept_, Y.mean(axis=0))


def program(X, Y, alpha):
    return MultiTaskProgram(
        X=X, y=Y - Y.mean(axis=0), unit=np.ones(len(Y)), alpha=alpha, beta=0.0, tol=1e-9,
        max_epochs=10**5, centred=1,
    )  # fmt: skip


def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(form, tmp_path):
    (X, Y), file = problem(7), tmp_path / "run.npz"
    alpha = strength(X, Y, 50)
    whole = default_engine().run(program(X, Y, alpha), workers=1, epochs=100, seed=0)
    default_engine().run(
        program(X, Y, alpha), workers=1, epochs=2, seed=0, instruments=[Checkpoint(file)]
    )
    resumed = default_engine().run(
        program(X, Y, alpha), workers=1, epochs=100, seed=0, resume_from=file
    )
    assert resumed.status == "converged"
    assert resumed.state["w"].tobytes() == whole.state["w"].tobytes()
    assert resumed.figures == whole.figures


@FEW
@given(seed=st.integers(0, 2**32 - 1), tasks=st.integers(1, 5), workers=st.integers(1, 3))
def test_a_sweep_by_tasks_minimises_over_one_row_after_another(seed, tasks, workers):
    rng = np.random.default_rng(seed)
    X, v, Y = rng.normal(size=(6, 3)), rng.normal(size=(3, tasks)), rng.normal(size=(6, tasks))
    unit, members, ridge = rng.random(6) + 0.5, np.array([2, 0]), 0.5
    mean = rng.normal(size=3)
    columns = unit[:, None] * (X - mean)
    norm, penalty = np.sqrt((columns**2).sum(axis=0) + ridge), rng.choice([0.5, 3.0])
    found, turned = v.copy(), Y.T - (columns[:, members] @ v[:2]).T
    told, move, pair = np.zeros((tasks, 2)), np.zeros(tasks), np.zeros((2, 6))
    turns = np.zeros((workers, 1), np.int64)
    ends = np.arange(workers + 1) * tasks // workers
    for _ in range(len(members) + 1):
        for p in range(workers):
            push_member(
                ends[p : p + 2], np.asfortranarray(X), unit, mean, ridge, 2, members, norm, found,
                turns[p], move, turned, pair, told,
            )  # fmt: skip
        for p in range(workers):
            pull_member(
                p, p, ends[p : p + 2], 2, members, norm, penalty, 0.0, told, turns[p], move, found
            )
    for j, f in enumerate(members):
        rest = Y - columns[:, members] @ v[:2] + np.outer(columns[:, f], v[j])
        target = columns[:, f] @ rest
        shrink = max(1.0 - penalty / np.linalg.norm(target), 0.0)
        v[j] = shrink * target / norm[f] ** 2
    np.testing.assert_allclose(found, v, atol=1e-10)
    np.testing.assert_allclose(turned, (Y - columns[:, members] @ v[:2]).T, atol=1e-10)


@pytest.mark.usefixtures("shared_engine")
@pytest.mark.processes
def test_sweeps_by_tasks_have_the_same_bits_for_any_number_of_workers(monkeypatch):
    monkeypatch.setattr(sweeps_module, "FEW", 0)
    monkeypatch.setattr(sweeps_module, "RATIO", -1.0)
    X, Y = problem(9)
    X, alpha = X.toarray(order="F"), strength(X, Y, 50)
    found = [
        default_engine().run(program(X, Y, alpha), epochs=100, seed=0, **how).state["w"].tobytes()
        for how in (
            {"workers": 2, "executor": "processes"},
            {"workers": 2, "executor": "serial", "check": True},
            {"workers": 1, "executor": "serial"},
        )
    ]
    assert found[0] == found[1] == found[2]


@pytest.mark.compiles
@pytest.mark.parametrize("model", [MultiTaskLasso(0.1), MultiTaskElasticNet(0.1)])
def test_conventions(model, tmp_path):
    check_estimator(model)
    X, Y = problem(8)
    model.fit(X, Y).save(tmp_path / "model")
    again = type(model).load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
