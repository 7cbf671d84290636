"""Concave penalties: MCP, SCAD and others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import nothing_left
from regressions import JIT
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from strads import (
    MCP,
    SCAD,
    Checkpoint,
    Engine,
    HuberLoss,
    Lasso,
    LogisticLoss,
    NonconvexRegressor,
    NotCertifiedWarning,
    PoissonLoss,
    default_engine,
)
from strads.algorithms.linear.concave import reweighted
from strads.algorithms.linear.concave.reweighted import ReweightedLasso
from strads.algorithms.linear.concave.support import Concave, steps_on_support
from strads.algorithms.linear.solver.newton.polish import Support

SEED = st.integers(0, 2**16)
RHO = st.sampled_from([MCP(3.0), MCP(1.5), SCAD(3.7), SCAD(2.2)])


def problem(seed, n=50, p=80, sparse=False):
    """Columns of mean square 1, and a target of six of them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < (0.4 if sparse else 1.0))
    X /= np.maximum(np.sqrt(np.mean(X**2, axis=0)), 1e-12)
    y = X[:, :6] @ rng.uniform(0.5, 2.0, size=6) + 0.3 * rng.normal(size=n) + 1.0
    return (sp.csc_array(X) if sparse else np.asfortranarray(X)), y


def naive_residual(model, rho, X, y, weight=None, loss=None):
    """The stationarity residual of a model, from scratch."""
    X = X.toarray() if sp.issparse(X) else X
    weight = np.ones(len(y)) if weight is None else weight * (len(y) / weight.sum())
    f = X @ model.coef_ + model.intercept_
    theta = y - f if loss is None else loss.at(f, y).theta
    largest = 0.0
    for j, w in enumerate(model.coef_):
        score = X[:, j] @ (weight * theta) / len(y)
        slope = rho.slope(np.abs([w]), model.alpha)[0]
        if w != 0.0:
            off = abs(score - slope * np.sign(w))
        else:
            off = max((score if model.positive else abs(score)) - slope, 0.0)
        largest = max(largest, off)
    return largest / rho.slope(np.zeros(1), model.alpha)[0]


@given(seed=SEED, rho=RHO, alpha=st.floats(0.01, 10.0))
def test_penalties_are_what_they_must_be(seed, rho, alpha):
    t = np.sort(np.random.default_rng(seed).uniform(0.0, 6.0 * alpha, size=200))
    value, slope = rho.value(t, alpha), rho.slope(t, alpha)
    assert rho.value(np.zeros(1), alpha)[0] == 0.0
    assert rho.slope(np.zeros(1), alpha)[0] == alpha
    assert np.all(np.diff(slope) <= 1e-12 * alpha)  # concave
    assert np.all(slope >= 0.0)
    # The value is the integral of the slope, which is linear between two near points but for knots.
    between = 0.5 * (slope[1:] + slope[:-1]) * np.diff(t)
    assert np.all(np.abs(np.diff(value) - between) <= 1e-9 + np.diff(t) ** 2)
    assert np.all(value <= alpha * t + 1e-12 * alpha)


@given(seed=SEED, rho=RHO, single=st.booleans(), n=st.integers(10, 40), centred=st.booleans())
def test_steps_on_the_support_lower_the_objective(seed, rho, single, n, centred):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, 6)), 3.0 * rng.normal(size=n)
    concave, v = Concave(rho, 0.3, n), rng.normal(size=6)
    v[np.abs(v) < 1e-3] = 1.0
    system = X.T @ X - n * centred * np.outer(X.mean(axis=0), X.mean(axis=0))
    system = system.astype(np.float32).astype(np.float64) if single else system
    centre = X.mean(axis=0) if centred else np.zeros(6)
    y = y - y.mean() * centred
    columns = Support(X, centre, np.ones(n), y)
    found = steps_on_support(columns, system, v, concave)

    def height(v):
        return 0.5 * np.sum((y - (X - centre) @ v) ** 2) + n * rho.value(np.abs(v), 0.3).sum()

    by_products = steps_on_support(columns, None, v, concave)
    for reached in (found, by_products):
        assert height(reached) <= height(v) * (1.0 + 1e-14)
        assert np.all(reached * v >= 0.0)
    np.testing.assert_allclose(columns.lengths2, np.square(X - centre).sum(axis=0))
    step = 1e-6
    naive = (rho.slope(np.abs(v) + step, 0.3) - rho.slope(np.abs(v) - step, 0.3)) / (2 * step)
    np.testing.assert_allclose(concave.bend(v), n * naive, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@settings(max_examples=20)
@given(
    seed=SEED, rho=RHO, ratio=st.floats(1.5, 20.0), intercept=st.booleans(),
    positive=st.booleans(), sparse=st.booleans(), single=st.booleans(), weighted=st.booleans(),
)  # fmt: skip
def test_any_fit_is_stationary(
    seed, rho, ratio, intercept, positive, sparse, single, weighted
):  # fmt: skip
    X, y = problem(seed, sparse=sparse)
    X = X.astype(np.float32) if single else X
    weight = np.random.default_rng(seed).random(len(y)) + 0.1 if weighted else None
    alpha = np.abs(X.T @ (y - y.mean() * intercept)).max() / len(y) / ratio
    tol = 1e-7
    model = NonconvexRegressor(
        rho, alpha, fit_intercept=intercept, positive=positive, tol=tol
    ).fit(X, y, weight)  # fmt: skip
    assert model.verdict_ == "stationary"
    residual = naive_residual(model, rho, X, y, weight)
    np.testing.assert_allclose(model.stationarity_, residual, atol=1e-9)
    assert not positive or model.coef_.min() >= 0.0


@pytest.mark.parametrize("loss", [HuberLoss(1.0), LogisticLoss(), PoissonLoss()])
@pytest.mark.parametrize("sparse", [False, True])
def test_other_losses(loss, sparse):
    X, y = problem(3, sparse=sparse)
    if isinstance(loss, LogisticLoss):
        y = (y > np.median(y)).astype(float)
    elif isinstance(loss, PoissonLoss):
        y = np.floor(np.exp(np.clip(0.3 * y, -3, 3)))
    model = NonconvexRegressor("scad", 0.1, loss=loss).fit(X, y)
    assert model.verdict_ == "stationary"
    assert naive_residual(model, SCAD(), X, y, loss=loss) <= 1e-6
    expected = X @ model.coef_ + model.intercept_
    expected = np.exp(expected) if isinstance(loss, PoissonLoss) else expected
    np.testing.assert_allclose(model.predict(X), expected)


def test_of_orthogonal_features_each_weight_is_the_penalty_s_threshold():
    """With XᵀX = nI every weight is a problem of its own, whose solution is known."""
    n = 64
    X = np.linalg.qr(np.random.default_rng(0).normal(size=(n, 20)))[0] * np.sqrt(n)
    z = np.linspace(-4.0, 4.0, 20)
    model = NonconvexRegressor(MCP(3.0), 1.0, fit_intercept=False).fit(X, X @ z)
    size = np.abs(z)
    firm = np.where(size <= 3.0, np.sign(z) * np.maximum(size - 1.0, 0.0) / (1.0 - 1.0 / 3.0), z)
    np.testing.assert_allclose(model.coef_, firm, atol=1e-6)


def test_with_a_large_gamma_it_is_the_lasso():
    X, y = problem(1)
    model = NonconvexRegressor(MCP(1e9), 0.2, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.coef_, Lasso(0.2, tol=1e-12).fit(X, y).coef_, atol=1e-6)


def test_large_weights_are_not_shrunk():
    X, y = problem(2, n=200)
    model = NonconvexRegressor("mcp", 0.2).fit(X, y)
    assert set(np.flatnonzero(model.coef_)) == set(range(6))
    plain = np.linalg.lstsq(np.column_stack([X[:, :6], np.ones(200)]), y)[0]
    np.testing.assert_allclose(model.coef_[:6], plain[:6], atol=1e-5)


def test_without_steps_on_the_support_the_tangents_do_it(monkeypatch):
    X, y = problem(4)
    with_steps = NonconvexRegressor("mcp", 0.3).fit(X, y)
    monkeypatch.setattr(reweighted.Reweighted, "_step_on_support", lambda self: None)
    without = NonconvexRegressor("mcp", 0.3).fit(X, y)
    assert without.verdict_ == "stationary"
    assert len(without.history_) > len(with_steps.history_)
    heights = [step["objective"] for step in without.history_]
    assert np.all(np.diff(heights) <= 1e-12 * heights[0])  # tangents never raise the objective


@pytest.mark.parametrize("sparse", [False, True])
def test_conjugate_gradients_find_what_factors_find(sparse, monkeypatch):
    X, y = problem(9, n=200, sparse=sparse)
    factored = NonconvexRegressor("mcp", 0.3, tol=1e-9).fit(X, y)
    monkeypatch.setattr(reweighted, "FACTORED", 0)
    model = NonconvexRegressor("mcp", 0.3, tol=1e-9).fit(X, y)
    assert model.verdict_ == "stationary"
    np.testing.assert_allclose(model.coef_, factored.coef_, atol=1e-6)


class LogSum:
    """ρ(t) = alpha·ε·log(1 + t/ε), written from the documentation alone."""

    def value(self, size, alpha):
        return alpha * np.log1p(size)

    def slope(self, size, alpha):
        return alpha / (1.0 + size)


class Root:
    """A penalty whose slope at zero is infinite."""

    def value(self, size, alpha):
        return alpha * np.sqrt(size)

    def slope(self, size, alpha):
        return 0.5 * alpha / np.sqrt(size)


class Flat(Root):
    """A penalty whose slope is a number, not an array."""

    def slope(self, size, alpha):
        return alpha


def test_a_penalty_of_the_user():
    X, y = problem(5)
    model = NonconvexRegressor(LogSum(), 0.3).fit(X, y)
    assert model.verdict_ == "stationary"
    assert naive_residual(model, LogSum(), X, y) <= 1e-6


def program(X, y):
    return ReweightedLasso(
        X=X, y=y - y.mean(), unit=np.ones(len(y)), rho=MCP(), alpha=0.1, tol=1e-9,
        max_epochs=10_000, centred=1, positive=0, form="gram",
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2])
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(steps, tmp_path):
    X, y = problem(6, sparse=True)
    file, given = tmp_path / "run.npz", {"workers": 1, "seed": 0}
    whole = default_engine().run(program(X, y), epochs=1000, **given)
    short = default_engine().run(
        program(X, y), epochs=steps, instruments=[Checkpoint(file)], **given
    )
    assert short.status == "epochs"
    resumed = default_engine().run(program(X, y), epochs=1000, resume_from=file, **given)
    assert resumed.status == "converged"
    assert resumed.state["w"].tobytes() == whole.state["w"].tobytes()


@pytest.mark.processes
@nothing_left()
def test_processes_have_the_bits_of_the_serial_executor():
    X, y = problem(6, sparse=True)
    with Engine(workers=2) as engine:
        one, other = (
            engine.run(program(X, y), epochs=1000, executor=name)
            for name in ("serial", "processes")
        )
    assert one.status == "converged"
    assert one.state["w"].tobytes() == other.state["w"].tobytes()


def test_warm_start_and_early_ends():
    X, y = problem(7)
    model = NonconvexRegressor("scad", 0.2, warm_start=True).fit(X, y)
    again = model.coef_.copy()
    named = NonconvexRegressor("mcp", 0.2, gamma=2.0).fit(X, y)
    np.testing.assert_array_equal(named.coef_, NonconvexRegressor(MCP(2.0), 0.2).fit(X, y).coef_)
    assert len(model.fit(X, y).history_) <= 2
    np.testing.assert_allclose(model.coef_, again, atol=1e-8)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        short = NonconvexRegressor("scad", 0.02, max_iter=1).fit(X, y)
    assert short.verdict_ == "max_iter"
    with pytest.warns(ConvergenceWarning, match="before it converged"):
        stopped = NonconvexRegressor("scad", 0.02, callbacks=lambda step: True).fit(X, y)
    assert stopped.verdict_ == "callback"
    with pytest.warns(NotCertifiedWarning, match="subtract large means"):
        NonconvexRegressor("scad", 0.02, tol=1e-12).fit(X + 1e9, y)


@pytest.mark.parametrize("loss", [None, "huber"])
def test_features_far_from_zero_are_shifted(loss):
    X, y = problem(10, n=100, p=20)
    near = NonconvexRegressor("mcp", 0.1, loss=loss).fit(X, y)
    far = NonconvexRegressor("mcp", 0.1, loss=loss, tol=1e-5).fit(X + 1e6, y)
    assert far.verdict_ == "stationary"
    np.testing.assert_allclose(far.coef_, near.coef_, atol=1e-4)
    np.testing.assert_allclose(far.predict(X + 1e6), near.predict(X), atol=1e-3)
    assert far.coef_.dtype == NonconvexRegressor().fit(X.astype(np.float32), y).coef_.dtype


def test_bad_input():
    X, y = problem(8)
    for wrong, message in (
        ({"penalty": "l0"}, "'penalty' parameter"),
        ({"alpha": 0.0}, "'alpha' parameter"),
    ):
        with pytest.raises(ValueError, match=message):
            NonconvexRegressor(**wrong).fit(X, y)
    with pytest.raises(ValueError, match="scale y"):
        NonconvexRegressor().fit(X, y * 1e200)
    with pytest.raises(ValueError, match="leave one of the two out"):
        NonconvexRegressor(MCP(), gamma=2.0).fit(X, y)
    with pytest.raises(ValueError, match="larger than 1"):
        NonconvexRegressor("scad", gamma=0.5).fit(X, y)
    for penalty, message in (
        (Root(), "no weight ever leaves zero"), (MCP, "is a class"), (Flat(), "one number for each")
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            NonconvexRegressor(penalty).fit(X, y)
    for kind, wrong in ((MCP, 0.0), (SCAD, 1.0)):
        with pytest.raises(ValueError, match="gamma"):
            kind(wrong)
    assert repr(MCP(2.0)) == "MCP(gamma=2.0)"
    assert repr(SCAD(3.0)) == "SCAD(gamma=3.0)"


@pytest.mark.compiles
def test_check_estimator():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(NonconvexRegressor(alpha=0.1), on_fail=None)
    failed = [each["check_name"] for each in results if each["status"] == "failed"]
    assert failed == []
