"""The Lasso's two inner forms: both reach the optimum; counts decide which one is used."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from processes import nothing_left
from regressions import alpha_max, judge, make

from strads import Lasso, default_engine
from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso
from strads.algorithms.linear.solver.residual_form import held_columns
from strads.algorithms.linear.solver.residual_form.held_columns import FEW, RATIO, outgrown
from strads.engine import RoundRobin
from strads.engine.errors import ProgramError


def program(X, y, form="residual", intercept=True, ratio=50, tol=1e-9, **given):
    """Make a Lasso program with α = α_max / ratio."""
    return WorkingSetLasso(
        X=X, y=y - y.mean() if intercept else y, unit=np.ones(len(y)), tol=tol, max_epochs=10**4,
        alpha=alpha_max(X, y, intercept) / ratio, centred=int(intercept), form=form, **given,
    )  # fmt: skip


def fit(*arguments, workers=1, executor="serial", check=False, **given):
    """Run a program until it stops."""
    made = program(*arguments, **given)
    return default_engine().run(made, workers=workers, executor=executor, epochs=200, check=check)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_both_forms_reach_the_optimum(workers, intercept, positive):
    X, y = make(workers)
    found = {}
    for form in ("gram", "residual"):
        result = fit(X, y, form, intercept, workers=workers, positive=positive)
        assert result.status == "converged"
        assert result.figures["residual_form"] == (form == "residual")
        alpha, w = alpha_max(X, y, intercept) / 50, result.state["w"]
        assert judge(X, y, w, 0.0, alpha, intercept, positive=bool(positive)) <= 2e-9
        found[form] = w
    scale = np.abs(found["gram"]).max()
    np.testing.assert_allclose(found["residual"], found["gram"], atol=1e-4 * scale)


def test_the_residual_form_has_the_same_bits_for_any_number_of_workers():
    X, y = make(4)
    one, three = (fit(X, y, workers=workers, ratio=20).state["w"] for workers in (1, 3))
    np.testing.assert_array_equal(one, three)


def test_the_residual_form_passes_the_race_check():
    X, y = make(5, n=40, p=60)
    assert fit(X, y, workers=3, check=True, tol=1e-6).status == "converged"


@pytest.mark.processes
@pytest.mark.parametrize("workers", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_the_residual_form_has_the_same_bits_on_processes(workers):
    X, y = make(6)
    with nothing_left():
        serial = fit(X, y, workers=workers)
        processes = fit(X, y, workers=workers, executor="processes")
        assert processes.statistics["executor"] == "processes"
        np.testing.assert_array_equal(serial.state["w"], processes.state["w"])
        assert serial.history == processes.history
        default_engine().close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_saved_fit_goes_on_in_residual_form(tmp_path, workers):
    X, y = make(9)
    options = {"workers": workers, "executor": "serial", "epochs": 100}
    with default_engine().iterate(program(X, y, ratio=100), **options) as steps:
        next(steps)
        steps.save(tmp_path / "fit.npz")
        undisturbed = steps.finish()
    saved = tmp_path / "fit.npz"
    result = default_engine().run(program(X, y, ratio=100), resume_from=saved, **options)
    np.testing.assert_array_equal(result.state["w"], undisturbed.state["w"])
    assert result.history == undisturbed.history


@given(seed=st.integers(0, 2**16), workers=st.integers(1, 3), switch=st.integers(2, 14))
def test_the_form_may_change_on_the_way(seed, workers, switch):
    """Whenever the form changes, the optimum is reached, and the form never changes back."""
    X, y = make(seed, n=40, p=30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_columns, "outgrown", lambda members, entries: members >= switch)
        patch.setattr("strads.algorithms.linear.solver.working_set_program.FIRST", 2)
        result = fit(X, y, None, workers=workers, ratio=100, tol=1e-6)
    forms = [figures["residual_form"] for figures in result.history]
    assert forms == sorted(forms)
    for figures in result.history:
        assert figures["residual_form"] == (figures["working_set"] >= switch)
    assert judge(X, y, result.state["w"], 0.0, alpha_max(X, y) / 100, True) <= 2e-6


def test_counts_decide():
    assert not outgrown(FEW - 1, 0)
    members = 2 * FEW
    entries = members * members // RATIO
    assert not outgrown(members, entries)
    assert outgrown(members, entries - 1)
    assert outgrown(31_242, 25 * 31_242)
    assert not outgrown(3_000, 400 * 3_000)


def test_the_program_counts_the_entries_of_its_members(monkeypatch):
    """A set of p members with two entries each has outgrown its Gram matrix if p² > RATIO · 2p."""
    monkeypatch.setattr(held_columns, "FEW", 0)
    for p, expected in ((2 * RATIO, 0.0), (2 * RATIO + 1, 1.0)):
        X = sp.csc_array(sp.kron(sp.eye_array(p), [[1.0], [2.0]]))
        y = np.linspace(1.0, 2.0, 2 * p)
        made = program(X, y, None, intercept=False, w=np.full(p, 0.1))
        result = default_engine().run(made, workers=1, epochs=50)
        assert result.figures["working_set"] == p
        assert result.figures["residual_form"] == expected
        assert judge(X, y, result.state["w"], 0.0, alpha_max(X, y, False) / 50, False) <= 2e-9


def test_dense_columns_and_schedules_that_are_asked_for_keep_the_gram_form(monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda members, entries: True)
    X, y = make(3)
    asked = fit(X, y, None, workers=2, schedule=RoundRobin("chosen", lease=64, micro=8))
    assert asked.figures["residual_form"] == fit(X.toarray(), y, None).figures["residual_form"] == 0
    with pytest.raises(ProgramError, match="form"):
        program(X.toarray(), y, "residual")


def test_estimator_in_residual_form(monkeypatch):
    """Sample weights, warm starts and w ≥ 0 work as in Gram form."""
    monkeypatch.setattr(held_columns, "outgrown", lambda members, entries: True)
    X, y = make(1)
    alpha = alpha_max(X, y) / 10
    weights = np.random.default_rng(0).integers(0, 4, size=len(y))
    rows = np.repeat(np.arange(len(y)), weights)
    weighted = Lasso(alpha, tol=1e-10).fit(X, y, sample_weight=weights)
    assert weighted.history_[-1]["residual_form"]
    repeated = Lasso(alpha, tol=1e-10).fit(X.tocsr()[rows], y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-4)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-4)
    model = Lasso(alpha / 2, tol=1e-6, warm_start=True).fit(X, y)
    first = model.coef_.copy()
    assert model.fit(X, y).n_iter_ <= 1
    np.testing.assert_array_equal(model.coef_, first)
    positive = Lasso(alpha / 3, positive=True, tol=1e-9).fit(X.astype(np.float32), y)
    assert positive.coef_.min() >= 0.0


def test_sweeps_stop_at_max_iter(monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda members, entries: True)
    X, y = make(6)
    for most in (1, 5):
        with pytest.warns(UserWarning, match="relative duality gap of"):
            model = Lasso(alpha_max(X, y) / 100, tol=1e-14, max_iter=most).fit(X, y)
        assert model.n_iter_ == most


def test_a_policy_sees_the_gram_matrix_that_has_moved():
    """G can outgrow its reserved capacity, although its axis is not that of the schedule."""
    X, y = make(7)
    made = program(X, y, "gram", ratio=100)
    made.reserve["known"] = 16
    with default_engine().iterate(made, workers=2, executor="serial", epochs=100) as steps:
        for _ in itertools.islice(steps, 2):
            coupling = steps.executor.rounds["descend"].policy.coupling
            assert np.shares_memory(coupling.G, made.G)
            assert np.shares_memory(coupling.diagonal, made.curvature)
        assert made.count > 16
        assert steps.finish().status == "converged"


def test_results_go_without_what_nobody_asks_for():
    X, y = make(2)
    result = fit(X, y, "gram")
    assert {"w", "mean"} <= result.state.keys()
    assert result.state.keys().isdisjoint({"G", "norm", "alive", "nearest", "distance", "slot"})
