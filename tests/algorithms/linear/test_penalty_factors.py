"""Features with penalties of their own: `weights` of Lasso and ElasticNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from certified import FEW, LONG, Case, cases, centred, examined
from hypothesis import given
from hypothesis import strategies as st
from regressions import JIT

from strads import ElasticNet, Lasso, NotCertifiedWarning


@dataclass(repr=False)
class Weighted(Case):
    """A problem whose features have penalties of their own."""

    factors: Any = None

    def model(self, **options) -> Any:
        return super().model(**options).set_params(weights=self.factors)

    def true_gap(self, model) -> float:
        """Relative gap, with the residual made orthogonal to features without a penalty."""
        X, y, weight = self._long()
        n, factors = weight.sum(), self.factors.astype(LONG)
        if self.intercept:
            X, y = centred(X, weight), centred(y, weight)
        w = model.coef_.astype(LONG)
        alpha, beta = LONG(self.alpha * self.l1_ratio), LONG(self.alpha * (1.0 - self.l1_ratio))
        # The rows that the ridge adds, so that all is a Lasso; rows are multiplied by √weight.
        longer = np.vstack([np.sqrt(weight)[:, None] * X, np.diag(np.sqrt(n * beta + 0 * w))])
        target = np.append(np.sqrt(weight) * y, 0 * w)
        r = target - longer @ w
        used = (factors < np.inf) & (w != 0)
        primal = r @ r / (2 * n) + alpha * (factors[used] @ np.abs(w[used]))
        if self.intercept:
            raw = self.y.astype(LONG) - self._long()[0] @ w
            primal += ((weight * raw).sum() / n - LONG(model.intercept_)) ** 2 / 2
        theta = without(longer[:, factors == 0], r)
        scores = longer.T @ theta
        sizes = scores if self.positive else np.abs(scores)
        held = (factors > 0) & (sizes > 0)
        bound = (n * alpha * factors[held] / sizes[held]).min(initial=LONG(np.inf))
        r2, ry = theta @ theta, theta @ target
        scale = np.clip(ry / r2, 0, bound) if r2 > 0 else LONG(0)
        dual = (scale * ry - scale * scale * r2 / 2) / n
        at_zero = target @ target / (2 * n)
        if at_zero == 0:
            return 0.0 if primal == dual else np.inf
        return float((primal - dual) / at_zero)


def without(columns, r):
    """Return r without its part in the span of columns, in extended precision."""
    basis = []
    for column in columns.T:
        size = np.sqrt(column @ column)
        for _ in range(2):
            for q in basis:
                column = column - (q @ column) * q
        left = np.sqrt(column @ column)
        if left > 1e-10 * size:
            basis.append(column / left)
    for _ in range(2):
        for q in basis:
            r = r - (q @ r) * q
    return r


@st.composite
def weighted(draw) -> Weighted:
    case = draw(cases())
    p = case.X.shape[1]
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    factors = rng.choice([0.3, 1.0, 5.0], size=p)
    factors[rng.random(p) < 0.1] = np.inf
    if not case.positive:
        factors[rng.random(p) < draw(st.sampled_from([0.0, 0.2, 0.5]))] = 0.0
    return Weighted(**vars(case), factors=factors)


@FEW
@given(case=weighted())
def test_no_gap_is_smaller_than_the_true_one(case):
    verdict, wrong = examined(case)
    assert not wrong, f"{case}: {verdict}, {wrong}"


def problem(seed=0, n=60, p=90):
    rng = np.random.default_rng(seed)
    X = np.asfortranarray(rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.4))
    return X, X[:, :5] @ np.ones(5) + 0.3 * rng.normal(size=n)


@pytest.mark.parametrize("given", ["dense", "priority", "csc", "gram"])
def test_weights_are_those_of_scaled_columns(given):
    X, y = problem()
    factors = np.random.default_rng(1).choice([0.5, 1.0, 2.0], size=X.shape[1])
    options = {"schedule": "priority"} if given in ("priority", "gram") else {}
    data = sp.csc_array(X) if given in ("csc", "gram") else X
    model = Lasso(0.02, weights=factors, tol=1e-10, **options).fit(data, y)
    scaled = Lasso(0.02, tol=1e-10).fit(X / factors, y)
    assert model.certified_
    np.testing.assert_allclose(model.coef_, scaled.coef_ / factors, atol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.7])
def test_features_without_a_penalty_are_fitted_by_least_squares(sparse, l1_ratio):
    X, y = problem()
    factors = np.ones(X.shape[1])
    factors[[3, 40, 41]] = 0.0
    X[:, 41] = X[:, 40] + 2.0 * X[:, 3]  # depends on others without a penalty
    factors[10:20] = np.inf
    data = sp.csc_array(X) if sparse else X
    model = ElasticNet(0.1, l1_ratio=l1_ratio, weights=factors, tol=1e-9).fit(data, y)
    assert model.certified_
    assert not np.any(model.coef_[10:20])
    left = X.T @ (y - model.predict(X))
    left -= 0.1 * (1.0 - l1_ratio) * len(y) * model.coef_
    np.testing.assert_allclose(left[[3, 40, 41]], 0.0, atol=1e-8)


def test_nothing_but_features_without_a_penalty():
    X, y = problem()
    factors = np.full(X.shape[1], np.inf)
    factors[:5] = 0.0
    model = Lasso(0.1, weights=factors).fit(X, y)
    rest = X[:, :5] - X[:, :5].mean(axis=0)
    np.testing.assert_allclose(model.coef_[:5], np.linalg.lstsq(rest, y - y.mean())[0], atol=1e-9)
    assert model.certified_
    warm = model.set_params(warm_start=True).fit(X, y)
    np.testing.assert_allclose(warm.coef_[:5], np.linalg.lstsq(rest, y - y.mean())[0], atol=1e-9)


def test_nearly_dependent_features_without_a_penalty_are_not_certified():
    """Their weights may be huge, so a score that is nearly zero says nothing."""
    rng = np.random.default_rng(0)
    a, u, Z = rng.normal(size=60), rng.normal(size=60), rng.normal(size=(60, 3))
    X = np.column_stack([a, a + 3e-11 * u, Z])
    with pytest.warns(NotCertifiedWarning):
        model = Lasso(0.1, weights=[0, 0, 1, 1, 1]).fit(X, a + u + Z[:, 0])
    assert not model.certified_


def test_constant_features_and_infinite_weights():
    X, y = problem()
    X[:, 0] = 3.0
    factors = np.ones(X.shape[1])
    factors[:2] = 0.0
    weight = np.random.default_rng(2).random(len(y)) + 0.5
    model = Lasso(0.1, weights=factors).fit(X, y, weight)
    assert model.certified_
    factors[np.flatnonzero(model.coef_)[0]] = np.inf
    model.set_params(weights=factors, warm_start=True).fit(X, y, weight)
    assert model.certified_
    assert not np.any(model.coef_[np.isinf(factors)])


def test_equal_weights_are_another_penalty():
    X, y = problem()
    X = np.column_stack([X, X[:, :3]])  # the first of equal columns carries the weight
    double = Lasso(0.05, weights=np.full(X.shape[1], 2.0), tol=1e-10).fit(X, y)
    np.testing.assert_allclose(double.coef_, Lasso(0.1, tol=1e-10).fit(X, y).coef_, atol=1e-8)


@pytest.mark.parametrize(
    ("weights", "positive", "message"),
    [
        (np.ones(3), False, "one entry for each of the 90 features"),
        (np.full(90, -1.0), False, "negative or NaN"),
        (np.full(90, np.nan), False, "negative or NaN"),
        (np.zeros(90), True, "cannot be constrained"),
        (np.full(90, 1e-200), False, "between 1e-100 and 1e100"),
        (["a"] * 90, False, "weights must be numbers"),
    ],
)
def test_what_is_refused(weights, positive, message):
    X, y = problem()
    with pytest.raises(ValueError, match=message):
        Lasso(0.1, weights=weights, positive=positive).fit(X, y)


@pytest.mark.skipif(not JIT, reason="the interpreted conjugate gradients take too long")
def test_steps_on_the_support_respect_the_penalties():
    rng = np.random.default_rng(0)
    X = sp.random_array((600, 1500), density=0.02, format="csc", rng=rng)
    y = X[:, :80] @ rng.normal(size=80) + 0.01 * rng.normal(size=600)
    factors = rng.choice([0.0, 0.5, 1.0, 3.0], p=[0.01, 0.3, 0.49, 0.2], size=1500)
    alpha = 2e-3 * np.abs(X.T @ y).max() / 600
    model = Lasso(alpha, weights=factors, n_workers=1).fit(X, y)
    assert model.certified_
    assert model.history_[-1]["residual_form"] == 1.0
    assert model.history_[-1]["products"] > 0.0
    score = X.T @ (y - model.predict(X)) / 600
    held = model.coef_ != 0.0
    limits = alpha * factors
    np.testing.assert_allclose(score[held], limits[held] * np.sign(model.coef_[held]), atol=1e-6)
    assert np.all(np.abs(score) <= limits + 1e-6)
