"""The polish against dense solutions of the optimality conditions, and where it must not happen."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads import Lasso
from strads.algorithms.linear.solver.newton.polish import Support


def exactly(X, y, signs, penalty):
    """Solve X'(y - Xv) = penalty * signs."""
    return np.linalg.lstsq(X.T @ X, X.T @ y - penalty * signs, rcond=None)[0]


def signed_problem(seed, n, k):
    """Well-conditioned columns, and targets that give them weights away from zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, k)) * 10.0 ** rng.uniform(-1, 1, size=k)
    truth = rng.choice([-1.0, 1.0], size=k) * rng.uniform(1.0, 2.0, size=k)
    return X, X @ truth, np.sign(truth), rng


@given(
    seed=st.integers(0, 2**16), k=st.integers(1, 12), single=st.booleans(),
    kind=st.sampled_from(["dense", "sparse", "centred"]),
)  # fmt: skip
def test_weights_are_those_of_a_dense_solve(seed, k, single, kind):
    n = 60
    X, y, signs, rng = signed_problem(seed, n, k)
    unit, mean = np.ones(n), np.zeros(k)
    if kind == "centred":
        mean = X.mean(axis=0)
        y = y - y.mean()
    centred = X - np.outer(unit, mean)
    penalty = 1e-3 * np.square(X).sum(axis=0).min() * rng.choice([0.0, 0.5, 1.0], size=k)
    exact = exactly(centred, y, signs, penalty)
    start = exact * (1.0 + 1e-4 * rng.uniform(-1.0, 1.0, size=k))
    system = centred.T @ centred
    system = system.astype(np.float32).astype(np.float64) if single else system
    columns = Support(sp.csc_array(X) if kind == "sparse" else X, mean, unit, y)
    found = columns.polished(start, penalty, system)
    np.testing.assert_allclose(found, exact, rtol=1e-10, atol=1e-10 * np.abs(exact).max())
    np.testing.assert_allclose(columns.residual(found), y - centred @ found, atol=1e-8)


def test_a_weight_that_would_change_its_sign_stays_at_zero():
    X, y, signs, _ = signed_problem(3, 60, 5)
    start = exactly(X, y, signs, 1.0)
    start[2] *= -1e-3
    found = Support(X, np.zeros(5), np.zeros(60), y).polished(start, np.ones(5), X.T @ X)
    others = [0, 1, 3, 4]
    assert found[2] == 0.0
    exact = exactly(X[:, others], y, signs[others], 1.0)
    np.testing.assert_allclose(found[others], exact, rtol=1e-9)


def test_signs_that_change_without_end_refuse_the_polish():
    X, y, signs, _ = signed_problem(6, 60, 5)
    start = -exactly(X, y, signs, 1.0)
    assert Support(X, np.zeros(5), np.zeros(60), y).polished(start, np.ones(5), X.T @ X) is None


def test_a_singular_system_refuses_the_polish():
    X, y, _, _ = signed_problem(4, 60, 3)
    X = np.column_stack([X, -X[:, 0]])
    system = X.T @ X - 1e-9 * np.eye(4)
    assert Support(X, np.zeros(4), np.zeros(60), y).polished(np.ones(4), np.ones(4), system) is None


def test_steps_that_do_not_come_nearer_refuse_the_polish():
    X, y, _, _ = signed_problem(5, 60, 4)
    wrong = 1e-3 * np.diag(np.square(X).sum(axis=0))
    assert Support(X, np.zeros(4), np.zeros(60), y).polished(np.ones(4), np.ones(4), wrong) is None


@pytest.mark.compiled
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("shape", [(80, 30), (40, 120)])
def test_dense_and_sparse_columns_get_the_same_weights(positive, fit_intercept, shape):
    rng = np.random.default_rng(11)
    X = np.where(rng.random(shape) < 0.5, rng.normal(size=shape), 0.0) + 0.0
    y = X[:, :10] @ rng.normal(size=10) + rng.normal(size=shape[0]) + 3.0
    given = {"positive": positive, "fit_intercept": fit_intercept, "tol": 1e-4}
    fits = [
        Lasso(0.1, n_workers=P, **given).fit(A, y) for A in (X, sp.csc_array(X)) for P in (1, 2)
    ]
    for fit in fits:
        assert fit.certified_
        assert fit.history_[-1]["polished"] > 0
        largest = np.abs(fits[0].coef_).max()
        np.testing.assert_allclose(fit.coef_, fits[0].coef_, atol=1e-11 * largest)
