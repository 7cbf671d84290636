"""The certificate of a Lasso is never below the true gap; if it fails, the verdict says so.

With ``HYPOTHESIS_PROFILE=nightly`` these tests run 2,000 examples.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict

import numpy as np
import pytest
import scipy.sparse as sp
from certified import FEW, Case, cases, examined
from hypothesis import event, given
from hypothesis import strategies as st
from regressions import JIT, alpha_max, make
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso as Reference

from strads import Lasso, NotCertifiedWarning, default_engine
from strads.algorithms.linear.certified.centring import columns_of
from strads.algorithms.linear.certified.certificate import certify
from strads.algorithms.linear.certified.products import (
    compiled_ahead,
    exact_scores,
    two_product,
    two_sum,
)
from strads.algorithms.linear.regression.coordinate import CoordinateLasso
from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso
from strads.engine.compiling import compile


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@FEW
@given(case=cases())
def test_no_gap_is_smaller_than_the_true_one(case):
    verdict, faults = examined(case)
    event(verdict)
    assert faults == []


def regression(n=300, p=6, seed=0):
    """Standard normal columns, and a target that is a combination of two of them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X[:, 0] + 2.0 * X[:, 1] + 0.1 * rng.normal(size=n)


@pytest.mark.parametrize("form", [np.asfortranarray, sp.csc_array])
@pytest.mark.parametrize("ratio", [1e3, 1e5, 1e9])
def test_columns_with_means_far_above_their_deviation_are_fitted_as_if_centred(ratio, form):
    X, y = regression()
    expected = Reference(0.01, tol=1e-12).fit(X, y)
    far = X + ratio
    case = Case(form(far), y, None, 0.01, True, False)
    model, warned = case.fit(tol=1e-9)
    assert model.certified_
    assert warned == []
    assert case.true_gap(model) <= 1e-9
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6 + 1e-15 * ratio)
    assert abs(model.score(case.X, y) - expected.score(X, y)) <= 1e-6


def test_entries_that_are_stored_in_parts():
    """With unsorted indices and each entry as the sum of two, it is the same matrix."""
    X, y = regression(40)
    X += 1e6
    n, p = X.shape
    order = np.arange(n)[::-1]
    data = np.concatenate([np.r_[X[order, j] - 1.0, np.ones(n)] for j in range(p)])
    indices = np.tile(np.r_[order, order], p)
    parts = sp.csc_array((data, indices, 2 * n * np.arange(p + 1)), shape=X.shape)
    expected = Lasso(0.01).fit(sp.csc_array(parts.toarray()), y)
    model = Lasso(0.01).fit(parts, y)
    assert parts.nnz == 2 * n * p  # the user's matrix is unchanged
    assert model.certified_
    np.testing.assert_array_equal(model.coef_, expected.coef_)


@pytest.mark.parametrize(("sx", "sy"), [(1.0, 1e155), (1.0, 1e-165), (1e300, 1.0), (1e-160, 1.0)])
def test_numbers_near_the_ends_of_the_range(sx, sy):
    X, y = regression(40)
    case = Case(np.asfortranarray(X * sx), y * sy, None, 0.01 * sx * sy, True, False)
    model, warned = case.fit()
    assert warned == []
    assert model.certified_
    assert case.true_gap(model) <= 1e-6
    expected = Reference(0.01, tol=1e-10).fit(X, y).coef_
    np.testing.assert_allclose(model.coef_ * sx / sy, expected, atol=1e-3)


def test_tiny_weights_of_samples_are_weights():
    X, y = regression(40)
    plain = Lasso(0.01).fit(X, y)
    tiny = Lasso(0.01).fit(X, y, sample_weight=np.full(40, 1e-310))
    np.testing.assert_allclose(tiny.coef_, plain.coef_, rtol=1e-6)
    np.testing.assert_allclose(tiny.intercept_, plain.intercept_, atol=1e-9)
    assert tiny.certified_


def test_weights_beyond_the_range_of_their_type_are_not_certified():
    X, y = regression(40)
    with pytest.warns(NotCertifiedWarning, match="rounding"):
        model = Lasso(0.01).fit(X * 1e-200, y * 1e200)
    assert model.verdict_ == "precision"
    assert not model.certified_
    assert np.all(np.isfinite(model.coef_))


def test_a_used_up_budget_is_not_taken_for_rounding():
    X, y = make(6)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = Lasso(alpha_max(X, y) / 100, tol=1e-10, max_iter=1).fit(X, y)
    assert [warning.category for warning in caught] == [ConvergenceWarning]
    assert model.verdict_ == "max_iter"
    assert np.isfinite(model.dual_gap_)
    assert model.n_iter_ == 1


@pytest.mark.skipif(not JIT, reason="many epochs: compiled only")
def test_what_rounding_keeps_from_being_reached_is_not_taken_for_a_budget():
    X, y = regression(40)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = Lasso(0.01, tol=1e-18).fit(X, y)
    assert [warning.category for warning in caught] == [NotCertifiedWarning]
    assert model.verdict_ == "precision"
    assert 1e-18 < model.dual_gap_ <= 1e-12


def test_a_constant_target_is_explained_by_its_mean():
    X, _ = regression(40)
    for value in (0.1, 1e300, 0.0):
        model = Lasso(0.01).fit(X, np.full(40, value))
        assert model.certified_
        assert not np.any(model.coef_)
        assert model.intercept_ == value
        columns = columns_of(X, np.ones(40), centred=True)
        found = certify(columns, np.full(40, value), np.zeros(6), 0.01, centred=True)
        assert found.gap == 0.0


@given(a=st.floats(-1e100, 1e100), b=st.floats(-1e100, 1e100))
def test_sums_and_products_keep_what_rounding_takes(a, b):
    total, lost = two_sum(a, b)
    assert np.longdouble(total) + np.longdouble(lost) == np.longdouble(a) + np.longdouble(b) or (
        abs(a) > 2.0**10 * abs(b) or abs(b) > 2.0**10 * abs(a)  # beyond longdouble's 64 bits
    )
    product, lost = two_product(a, b)
    exact = np.longdouble(a) * np.longdouble(b)
    assert (
        abs(np.longdouble(product) + np.longdouble(lost) - exact) <= abs(exact) * 2.0**-60 + 1e-290
    )


def test_the_certificate_leaves_no_column_out():
    """All weights are zero, but a nearly constant column would explain the whole target."""
    X, _ = regression()
    far = np.asfortranarray(X + 1e8)
    columns = columns_of(far, np.ones(300), centred=True)
    found = certify(columns, X[:, 0].copy(), np.zeros(6), 0.01, centred=True)
    assert 0.9 < found.gap < 1.0
    assert found.rounding < 1e-9


@pytest.mark.parametrize(
    "program", [WorkingSetLasso, pytest.param(CoordinateLasso, marks=pytest.mark.compiles)]
)
def test_programs_claim_nothing_about_columns_that_need_preparing(program):
    X, y = regression()
    given = {"X": np.asfortranarray(X + 1e8), "y": y - y.mean(), "alpha": 0.01, "centred": 1}
    if program is WorkingSetLasso:
        given |= {"unit": np.ones(300), "tol": 1e-6, "max_epochs": 100}
    result = default_engine().run(program(**given), workers=1, epochs=10, tol=1e-6)
    assert result.status == "unprepared"
    assert result.figures["certificate"] == np.inf


@pytest.mark.compiles
@pytest.mark.parametrize("sparse", [False, True])
def test_all_that_the_certificate_calls_is_compiled_ahead(sparse, monkeypatch, tmp_path):
    monkeypatch.setenv("STRADS_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compile, "_memory", OrderedDict())
    X, y = regression(n=40)
    X = sp.csc_array(X.astype(np.float32)) if sparse else np.asfortranarray(X, np.float32)
    weight = np.ones(40)
    with compiled_ahead(X, weight) as kernels:
        kernels.finish()
    monkeypatch.setattr(compile, "_compile", None)  # from now on nothing can be compiled
    columns = columns_of(X, weight, centred=True)
    coef = np.full(6, 0.1)  # far from optimal: so the products are not computed twice
    assert certify(columns, y, coef, 0.1, centred=True).gap > 1e-3
    exact_scores(columns, weight, np.arange(6))
