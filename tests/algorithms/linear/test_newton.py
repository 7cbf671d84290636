"""Semismooth Newton against coordinate descent, and where its systems are singular."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import LinAlgError

from strads import Lasso, RoundRobin
from strads.algorithms.linear.solver.newton import products, semismooth
from strads.algorithms.linear.solver.newton.products import Products
from strads.algorithms.linear.solver.newton.semismooth import Newton, Point


def problem(seed, n, m):
    """Correlated columns, among them a zero column and one that stands there twice."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, m)) + rng.normal(size=(n, 1)) * 2.0
    X *= 10.0 ** rng.uniform(-2, 2, size=m)
    X[:, 1], X[:, 2] = 0.0, X[:, 3]
    y = X @ np.where(rng.random(m) < 0.3, rng.normal(size=m), 0.0) + rng.normal(size=n)
    return np.asfortranarray(X), y


def kkt(X, point, penalty, positive):
    """Largest violation of the optimality conditions, as a share of the largest penalty."""
    slope = X.T @ (point.r)
    at_zero = slope if positive else np.abs(slope)
    off = np.where(
        point.w == 0.0,
        np.maximum(at_zero - penalty, 0.0),
        np.abs(slope - penalty * np.sign(point.w)),
    )
    return off.max() / penalty.max()


@given(
    seed=st.integers(0, 2**16), n=st.integers(3, 30), m=st.integers(5, 30),
    share=st.sampled_from([0.5, 0.1, 0.01]), positive=st.booleans(),
)  # fmt: skip
def test_the_minimum_is_that_of_coordinate_descent(seed, n, m, share, positive):
    X, y = problem(seed, n, m)
    factor = np.random.default_rng(seed).choice([0.5, 1.0, 2.0], size=m)
    penalty = share * np.abs(X.T @ y).max() * factor
    method = Newton(X, y, np.square(X).sum(axis=0), penalty, positive=positive)
    start = Point(np.zeros(m), y.copy(), X.T @ y)
    found = method.minimise(start, 1.0, lambda p: kkt(X, p, penalty, positive), 1e-10, 10**4)
    np.testing.assert_allclose(found.r, y - X @ found.w, atol=1e-9 * np.abs(y).max())
    assert kkt(X, found, penalty, positive) <= 1e-6
    assert not positive or found.w.min() >= 0.0
    assert found.w[1] == 0.0
    v, r = np.zeros(m), y.copy()
    for _ in range(300):
        v, r, _ = naive.sweep(X, v, r, penalty, positive)
    height = 0.5 * r @ r + penalty @ np.abs(v)
    assert method.objective(found) <= height * (1 + 1e-9)


@given(seed=st.integers(0, 2**16), n=st.integers(3, 20), m=st.integers(5, 20), many=st.booleans())
def test_both_systems_solve_the_same_equations(seed, n, m, many):
    X, y = problem(seed, n, m)
    X, rng = X[:, 4:], np.random.default_rng(seed)
    norm2, sigma = np.square(X).sum(axis=0), 3.0
    method = Newton(X, y, norm2, np.ones(len(norm2)), positive=False)
    used = np.arange(X.shape[1]) if many else rng.choice(X.shape[1], 1)
    gradient = rng.normal(size=n)
    whole = np.eye(n) + sigma * (X[:, used] / norm2[used]) @ X[:, used].T
    np.testing.assert_allclose(whole @ method._solved(used, gradient, sigma), gradient, atol=1e-7)
    assert method.systems == 1


@given(seed=st.integers(0, 2**16), keeps=st.booleans())
def test_products_are_those_of_the_columns(seed, keeps):
    rng = np.random.default_rng(seed)
    X, known = rng.normal(size=(7, 20)), Products()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "FEW_ROWS", 0)
        patch.setattr(products, "MOST_KEPT", 20 if keeps else 6)
        for columns in (5, 12, 12, 20):
            used = np.flatnonzero(rng.random(columns) < 0.5)
            found = known.among(X[:, :columns], used)
            np.testing.assert_allclose(found, X[:, used].T @ X[:, used], atol=1e-12)
            found[:] = np.nan  # the caller may overwrite it


@pytest.mark.parametrize("most", [0, 1, 3])
def test_no_more_systems_are_solved_than_allowed(most):
    X, y = problem(0, 20, 30)
    method = Newton(X, y, np.square(X).sum(axis=0), np.full(30, 1e-3), positive=False)
    start = Point(np.zeros(30), y.copy(), X.T @ y)
    found = method.minimise(start, 1.0, lambda p: 1.0, 0.0, most)
    assert method.systems == most
    assert method.objective(found) <= method.objective(start)


@pytest.mark.compiled
@pytest.mark.parametrize("positive", [False, True])
def test_a_fit_by_newton_equals_one_by_rounds(positive):
    X, y = problem(5, 60, 40)
    X /= np.abs(X).max(axis=0, initial=1e-300, where=X != 0.0)
    y = X.sum(axis=1)
    by_newton = Lasso(1e-2, tol=1e-12, positive=positive).fit(X, y)
    by_rounds = Lasso(1e-2, tol=1e-12, positive=positive, schedule=RoundRobin("chosen")).fit(X, y)
    assert by_newton.history_[-1]["newton_systems"] > 0
    assert by_rounds.history_[-1]["newton_systems"] == 0
    np.testing.assert_allclose(by_newton.predict(X), by_rounds.predict(X), atol=1e-4)


def test_coordinate_rounds_take_over_if_a_system_is_singular(monkeypatch):
    def fails(*_, **__):
        raise LinAlgError

    X, y = problem(6, 30, 50)
    monkeypatch.setattr(semismooth.scipy.linalg, "cho_factor", fails)
    model = Lasso(100.0).fit(X, y)
    assert model.certified_
    assert model.history_[-1]["newton_systems"] <= 2


def test_workers_make_no_difference_to_the_bits():
    X, y = problem(7, 50, 300)
    one, two = (Lasso(1e-2, n_workers=P).fit(X, y) for P in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
