"""Losses, and the estimator that takes them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regressions import JIT, alpha_max, make
from sklearn.linear_model import PoissonRegressor
from sklearn.utils.estimator_checks import check_estimator

from strads import (
    ElasticNet,
    GeneralizedLinearRegressor,
    HuberLoss,
    Local,
    PoissonLoss,
    SquaredHingeLoss,
)
from strads.algorithms.linear.losses.poisson import bend
from strads.algorithms.linear.solver.proximal_newton.gap import balanced
from strads.algorithms.linear.solver.residual_form import held_columns

SEED = st.integers(0, 2**16)


def numbers(seed, n=40):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n) * 10.0 ** rng.uniform(-3, 3)
    return y + rng.standard_t(1.5, size=n), y, rng


@given(seed=SEED, delta=st.floats(1e-3, 1e3))
def test_the_huber_loss_keeps_what_a_loss_must(seed, delta):
    loss = HuberLoss(delta)
    f, y, rng = numbers(seed)
    at = loss.at(f, y)
    small = np.abs(y - f) <= delta
    naive = np.where(small, (y - f) ** 2 / 2, delta * np.abs(y - f) - delta**2 / 2)
    np.testing.assert_allclose(at.value, naive, rtol=1e-9, atol=1e-12 * delta**2)
    np.testing.assert_array_equal(at.value, loss.value(f, y))
    # Fenchel and Young: dual ≤ φ + θ f for all θ in the domain, equal at θ = −φ'(f).
    scale = np.abs(y) + np.abs(f) + delta
    np.testing.assert_allclose(loss.dual(at.theta, y), at.value + at.theta * f, atol=1e-12 * max(
        scale * delta))  # fmt: skip
    other = rng.uniform(-delta, delta, size=len(y))
    assert np.all(loss.dual(other, y) <= at.value + other * f + 1e-12 * scale * delta)
    # Between two points the derivative changes by at most their distance.
    moved = loss.at(f + 0.1, y).theta
    assert np.all(np.abs(moved - at.theta) <= 0.1 + 1e-9 * scale)
    np.testing.assert_array_equal(at.curvature, small)


@given(seed=SEED, delta=st.floats(1e-2, 1e2))
def test_the_constant_is_the_huber_location(seed, delta):
    loss = HuberLoss(delta)
    _, y, rng = numbers(seed)
    weight = rng.random(len(y))
    b = loss.constant(y, weight)
    slope = weight @ loss.at(np.full(len(y), b), y).theta
    assert abs(slope) <= 1e-9 * delta * weight.sum()


@given(seed=SEED)
def test_the_error_of_the_dual_is_bounded(seed):
    loss = HuberLoss(1.0)
    _, y, rng = numbers(seed)
    theta = rng.uniform(-1, 1, size=len(y))
    exact = np.longdouble(theta) * (np.longdouble(y) - np.longdouble(theta) / 2)
    found = loss.dual(theta * (1 + 2.0**-51), y)
    assert np.all(np.abs(found - exact) <= loss.dual_error(theta, y))


@given(seed=SEED)
def test_the_squared_hinge_keeps_what_a_loss_must(seed):
    loss, (f, y, rng) = SquaredHingeLoss(), numbers(seed)
    y = (y > np.median(y)).astype(float)
    sign, at = 2 * y - 1, loss.at(f, y)
    np.testing.assert_allclose(at.value, np.maximum(0, 1 - sign * f) ** 2)
    np.testing.assert_array_equal(at.value, loss.value(f, y))
    scale = 1 + np.abs(f)
    atol = 1e-12 * np.max(scale) ** 2
    np.testing.assert_allclose(loss.dual(at.theta, y), at.value + at.theta * f, atol=atol)
    other = sign * rng.exponential(size=len(y))
    assert np.all(loss.dual(other, y) <= at.value + other * f + 1e-12 * scale**2)
    moved = loss.at(f + 0.1, y).theta
    assert np.all(np.abs(moved - at.theta) <= 0.2 + 1e-9 * scale)
    np.testing.assert_array_equal(at.curvature, 2.0 * (sign * f < 1))
    exact = np.longdouble(other) * (sign - np.longdouble(other) / 4)
    found = loss.dual(other * (1 + 2.0**-51), y)
    assert np.all(np.abs(found - exact) <= loss.dual_error(other, y))
    weight = rng.random(len(y))
    b = loss.constant(y, weight)
    assert abs(weight @ loss.at(np.full(len(y), b), y).theta) <= 1e-9


def counts(seed, n=40):
    rng = np.random.default_rng(seed)
    y = rng.poisson(10.0 ** rng.uniform(-1, 3), size=n).astype(float)
    y[0] += 1.0
    return rng.uniform(-3, 7, size=n), y, rng


@given(seed=SEED)
def test_the_poisson_loss_keeps_what_a_loss_must(seed):
    loss, (f, y, rng) = PoissonLoss(), counts(seed)
    at, log = loss.at(f, y), np.log(np.maximum(y, 1.0))
    scale = np.exp(f) + y * (1.0 + np.abs(f) + log)
    naive = np.exp(f) - y * f + np.where(y > 0, y * log - y, 0.0)
    assert np.all(np.abs(at.value - naive) <= 1e-13 * scale)
    np.testing.assert_array_equal(at.value, loss.value(f, y))
    np.testing.assert_allclose(at.theta, y - np.exp(f))
    np.testing.assert_array_equal(at.curvature, np.exp(f))
    assert loss.link == "log"
    fenchel = loss.dual(at.theta, y) - at.value - at.theta * f
    assert np.all(np.abs(fenchel) <= 1e-13 * scale)
    other = y - rng.exponential(size=len(y)) * y
    assert np.all(loss.dual(other, y) <= at.value + other * f + 1e-13 * scale)
    assert np.all(loss.dual(y + 1.0, y) == -np.inf)
    reach = rng.uniform(0, 2)
    moved = loss.at(f + reach, y).curvature
    assert np.all(moved <= at.curvature * np.exp(loss.growth * reach) * (1 + 1e-12))
    m = np.longdouble(y) - np.longdouble(other)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.longdouble(y)
        exact = m - np.where(m > 0, m * np.log(m), 0) + np.where(y > 0, whole * np.log(whole), 0)
    found = loss.dual(other * (1 + 2.0**-51), y)
    assert np.all(np.abs(found - (exact - whole)) <= loss.dual_error(other, y))
    weight = rng.random(len(y))
    b = loss.constant(y, weight)
    assert abs(weight @ loss.at(np.full(len(y), b), y).theta) <= 1e-12 * (weight @ y)


@given(st.floats(-30.0, 30.0) | st.floats(-1e-6, 1e-6))
def test_the_poisson_loss_does_not_cancel(d):
    x = np.longdouble(d)
    exact = x**2 / 2 * (1 + x / 3 + x**2 / 12 + x**3 / 60 + x**4 / 360)
    if abs(d) > 1e-3:
        exact = np.expm1(x) - x
    assert abs(bend(np.array([d]))[0] - exact) <= 1e-14 * abs(exact) + 1e-300


@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@pytest.mark.parametrize(
    "single",  # single precision is compiled for this test alone
    [False, pytest.param(True, marks=pytest.mark.slow)],
)
@settings(max_examples=15)
@given(
    seed=SEED, ratio=st.floats(1.5, 100.0), intercept=st.booleans(), sparse=st.booleans(),
    far=st.sampled_from([0.0, 3.0, 8.0]), l1_ratio=st.sampled_from([1.0, 0.3]),
)  # fmt: skip
def test_any_poisson_regression_is_certified(
    single, seed, ratio, intercept, sparse, far, l1_ratio
):  # fmt: skip
    X, y = make(seed, n=30, p=40)
    X = X.astype(np.float32) if single else X
    y = np.random.default_rng(seed).poisson(np.exp(far + 0.3 * y / np.abs(y).max())).astype(float)
    y[0] += 1.0
    none = y - (y.mean() if intercept else 1.0)
    alpha = np.abs(X.T @ none).max() / len(y) / ratio
    model = GeneralizedLinearRegressor(
        PoissonLoss(), alpha=alpha, l1_ratio=l1_ratio, fit_intercept=intercept,
        tol=1e-4 if single else 1e-7,
    ).fit(X if sparse else X.toarray(), y)  # fmt: skip
    assert model.certified_
    assert true_gap(model, model.loss, X.toarray().astype(float), y) <= model.dual_gap_ + 1e-12
    expected = np.exp(X @ model.coef_ + model.intercept_)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-5)


def test_a_saved_model_predicts_the_same(tmp_path):
    X, y = make(4)
    model = GeneralizedLinearRegressor("poisson", alpha=0.1).fit(X, np.floor(np.abs(y)))
    model.save(tmp_path / "model.npz")
    loaded = GeneralizedLinearRegressor.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_allclose(model.predict(X), np.exp(X @ model.coef_ + model.intercept_))
    assert loaded.loss == "poisson"


def test_samples_without_weight_do_not_count_in_poisson_regression():
    X, y = make(6, n=40, p=5)
    X = X.toarray()
    y = np.floor(np.abs(y))
    y[0] += 1.0
    alone = GeneralizedLinearRegressor("poisson", alpha=0.05, tol=1e-9).fit(X, y)
    X, y = np.vstack([X, 300.0 * np.ones((1, 5))]), np.append(y, 7.0)
    weight = np.append(np.ones(40), 0.0)
    model = GeneralizedLinearRegressor("poisson", alpha=0.05, tol=1e-9).fit(X, y, weight)
    assert model.certified_
    np.testing.assert_allclose(model.coef_, alone.coef_, atol=1e-5)
    y[:40] = 0.0
    with pytest.raises(ValueError, match="y is zero for all samples with weight"):
        GeneralizedLinearRegressor("poisson").fit(X, y, weight)
    none = GeneralizedLinearRegressor("poisson", alpha=0.05, fit_intercept=False).fit(X, y, weight)
    assert none.certified_


def test_poisson_agrees_with_scikit_learn():
    X, y = make(2, n=60, p=5)
    X = X.toarray()
    y = np.random.default_rng(2).poisson(np.exp(1.0 + y / np.abs(y).max())).astype(float)
    ours = GeneralizedLinearRegressor(PoissonLoss(), alpha=1e-9, tol=1e-9).fit(X, y)
    theirs = PoissonRegressor(alpha=1e-12, tol=1e-10, solver="newton-cholesky").fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-3)


def true_gap(model, loss, X, y):
    """Relative gap of a model without weights of samples, from scratch."""
    n, w = len(y), model.coef_.astype(np.float64)
    f = X @ w + float(model.intercept_)
    alpha, beta = model.alpha * model.l1_ratio, model.alpha * (1.0 - model.l1_ratio)
    primal = loss.value(f, y).sum() / n + alpha * np.abs(w).sum() + beta * (w @ w) / 2
    theta = loss.at(f, y).theta
    if model.fit_intercept:
        theta = balanced(theta, np.ones(n))
    scores = X.T @ theta - n * beta * w
    largest = scores.max() if model.positive else np.abs(scores).max()
    scale = min(1.0, n * alpha / largest)
    dual = loss.dual(scale * theta, y).sum() / n - scale**2 * beta * (w @ w) / 2
    b = loss.constant(y, np.ones(n)) if model.fit_intercept else 0.0
    return (primal - dual) / (loss.value(np.full(n, b), y).sum() / n)


@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@settings(max_examples=25)
@given(
    seed=SEED, delta=st.floats(0.3, 10.0), ratio=st.floats(1.5, 100.0), intercept=st.booleans(),
    positive=st.booleans(), sparse=st.booleans(), residual=st.booleans(),
    l1_ratio=st.sampled_from([1.0, 0.3]),
)  # fmt: skip
def test_any_robust_regression_is_certified(
    seed, delta, ratio, intercept, positive, sparse, residual, l1_ratio
):
    X, y = make(seed, n=30, p=40)
    y = y + np.where(np.random.default_rng(seed).random(30) < 0.2, 50.0, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_columns, "outgrown", lambda *_: residual)
        model = GeneralizedLinearRegressor(
            HuberLoss(delta), alpha=min(delta, 1.0) * alpha_max(X, y, intercept) / ratio,
            l1_ratio=l1_ratio, fit_intercept=intercept, positive=positive, tol=1e-7,
        ).fit(X if sparse else X.toarray(), y)  # fmt: skip
    assert model.certified_
    assert true_gap(model, model.loss, X.toarray(), y) <= model.dual_gap_ + 1e-12
    assert not positive or model.coef_.min() >= 0.0


def test_with_a_large_limit_it_is_the_elastic_net():
    X, y = make(3)
    alpha = alpha_max(X, y) / 20
    robust = GeneralizedLinearRegressor(HuberLoss(1e6), alpha=alpha, l1_ratio=0.7, tol=1e-10)
    expected = ElasticNet(alpha, l1_ratio=0.7, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(robust.fit(X, y).coef_, expected.coef_, atol=1e-6)
    np.testing.assert_allclose(robust.intercept_, expected.intercept_, atol=1e-6)
    warm = GeneralizedLinearRegressor(HuberLoss(1e6), alpha=alpha, warm_start=True).fit(X, y)
    assert len(warm.fit(X, y).history_) <= 2


def test_outliers_count_less():
    X = np.arange(8.0)[:, None]
    y = X[:, 0] + 1.0
    y[-1] = 500.0
    model = GeneralizedLinearRegressor(HuberLoss(0.1), alpha=1e-4).fit(X, y)
    np.testing.assert_allclose(model.coef_, 1.0, atol=0.05)
    np.testing.assert_allclose(model.predict(X[:3]), y[:3], atol=0.2)


class LogCosh:
    """The loss log cosh(y − f), written from the documentation alone."""

    smoothness = 1.0

    def at(self, f, y):
        theta = np.tanh(y - f)
        return Local(self.value(f, y), theta, 1.0 - theta**2)

    def value(self, f, y):
        size = np.abs(y - f)
        return size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0)

    def dual(self, theta, y):
        up, down = 1.0 + theta, 1.0 - theta
        share = np.where(up > 0, up * np.log(np.maximum(up, 1e-300)), 0.0)
        share = share + np.where(down > 0, down * np.log(np.maximum(down, 1e-300)), 0.0)
        return theta * y - 0.5 * share

    def dual_error(self, theta, y):
        return 1e-14 * (1.0 + np.abs(theta * y))

    def constant(self, y, weight):
        b = np.median(y)
        for _ in range(100):
            b += weight @ np.tanh(y - b) / weight.sum()
        return float(b)


@pytest.mark.parametrize("sparse", [True, False])
def test_a_loss_of_the_user(sparse):
    X, y = make(5)
    given_X = X if sparse else X.toarray()
    model = GeneralizedLinearRegressor(LogCosh(), alpha=alpha_max(X, y) / 50).fit(given_X, y)
    assert model.certified_
    assert true_gap(model, model.loss, X.toarray(), y) <= 1e-6 + 1e-12


def test_bad_input():
    X, y = make(1, n=20, p=5)
    with pytest.raises(ValueError, match="'loss' parameter"):
        GeneralizedLinearRegressor("cosine").fit(X, y)
    with pytest.raises(ValueError, match="smoothness"):
        wrong = LogCosh()
        wrong.smoothness = 0.0
        GeneralizedLinearRegressor(wrong).fit(X, y)
    with pytest.raises(ValueError, match="delta"):
        HuberLoss(0.0)
    assert repr(HuberLoss(2.0)) == "HuberLoss(2.0)"
    for wrong, message in ((-(y**2), "negative"), (0 * y, "y is zero for all samples")):
        with pytest.raises(ValueError, match=message):
            GeneralizedLinearRegressor(PoissonLoss()).fit(X, wrong)


@pytest.mark.slow
def test_check_estimator():
    results = check_estimator(GeneralizedLinearRegressor(alpha=0.01), on_fail=None)
    failed = [each["check_name"] for each in results if each["status"] == "failed"]
    assert failed == []
