"""Objectives of factorisation estimators, beside exact alternation and dense formulas."""

import naive_factors as naive
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import NMF as Reference
from small_factorizations import (
    ITEMS,
    JIT,
    K,
    counts,
    implicit,
    many_epochs,
    mf,
    nmf,
    objective,
    ratings,
)

from strads import ImplicitFactorization

# -- objectives ------------------------------------------------------------------------------------


def alternate_exactly(X, k, penalty, scaled, biased, sweeps):
    """Exact alternating least squares; returns its objective."""
    rng = np.random.default_rng(9)
    mean = X.data.mean() if biased else 0.0
    H, c = rng.normal(size=(X.shape[1], k)) * 0.3, np.zeros(X.shape[1])
    options = {"penalty": penalty, "mean": mean, "scaled": scaled, "biased": biased}
    for _ in range(sweeps):
        W, b = naive.least_squares(X, H, c=c, **options)
        H, c = naive.least_squares(X.T.tocsr(), W, c=b, **options)
    return naive.objective(X, "ratings", W, H, b, c, mean, (penalty, penalty), scaled=scaled)


@many_epochs
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("scale", ["count", "plain"])
def test_solvers_agree_with_exact_alternation(scale, biased):
    X = ratings(1, users=25, items=20)
    penalty = 0.1 if scale == "count" else 1.0
    exact = alternate_exactly(X, K, penalty, scale == "count", biased, sweeps=150)
    for solver, tolerance in (("als", 1e-3), ("ccd", 1e-3), ("sgd", 1e-2)):
        if solver == "sgd" and scale == "plain":
            continue
        model = mf(
            solver=solver, regularization=penalty, regularization_scale=scale, biases=biased,
            max_iter=500, tol=0.0, learning_rate=0.1,
        ).fit(X)  # fmt: skip
        assert objective(model, X) == pytest.approx(exact, rel=tolerance)


@pytest.mark.parametrize("solver", ["als", "ccd"])
@pytest.mark.parametrize("confidence", ["stored", "linear"])
def test_implicit_objective_is_the_dense_formula(confidence, solver):
    X = counts(2)
    model = implicit(confidence=confidence, solver=solver, alpha=2.0, regularization=0.3).fit(X)
    expected = naive.objective(
        X, confidence, model.user_factors_, model.item_factors_, penalty=(0.3, 0.3)
    )
    assert model.objective(X) == pytest.approx(expected, rel=1e-5)
    fewer = implicit(confidence=confidence, solver=solver, alpha=2.0, regularization=0.3)
    assert model.objective(X) < fewer.set_params(max_iter=1).fit(X).objective(X)


@many_epochs
@pytest.mark.parametrize("confidence", ["stored", "linear"])
def test_implicit_solvers_agree(confidence):
    X = counts(3)
    found = [
        implicit(confidence=confidence, regularization=3.0, max_iter=400, tol=0.0, **given)
        .fit(X)
        .objective(X)
        for given in (
            {"solver": "als"}, {"solver": "ccd"}, {"solver": "ccd", "schedule": "priority"}
        )
    ]  # fmt: skip
    assert found[1] == pytest.approx(found[0], rel=1e-3)
    assert found[2] == pytest.approx(found[0], rel=1e-3)


def test_constraints_are_kept():
    X = ratings(4)
    model = mf(nonnegative=True, biases=False).fit(X)  # the right solver is chosen
    assert min(model.user_factors_.min(), model.item_factors_.min()) >= 0.0
    assert model.user_factors_.max() > 0.0
    assert np.sqrt(np.mean((model.predict_ratings(*X.nonzero()) - X[X.nonzero()]) ** 2)) < 2.0
    sparse = mf(l1=0.05, max_iter=30).fit(X)
    assert 0.0 < np.mean(sparse.user_factors_ == 0.0) < 1.0
    both = implicit(solver="ccd", nonnegative=True, schedule="priority").fit(counts(4))
    assert both.item_factors_.min() >= 0.0
    assert "rows" in both.history_[-1]


# -- NMF -------------------------------------------------------------------------------------------


def nmf_objective(X, W, H, alpha_W=0.0, alpha_H="same", l1_ratio=0.0):
    """The objective, as in scikit-learn's docstring."""
    n, p = X.shape
    alpha_H = alpha_W if alpha_H == "same" else alpha_H
    value = 0.5 * np.linalg.norm(X.toarray() - W @ H) ** 2
    for alpha, F, size in ((alpha_W, W, p), (alpha_H, H, n)):
        value += alpha * size * l1_ratio * np.abs(F).sum()
        value += 0.5 * alpha * size * (1.0 - l1_ratio) * np.sum(F * F)
    return value


@pytest.mark.compiled
@pytest.mark.parametrize(
    "penalties",
    [{}, {"alpha_W": 0.01}, {"alpha_W": 0.005, "alpha_H": 0.02, "l1_ratio": 0.5},
     {"alpha_W": 0.01, "l1_ratio": 1.0}],
)  # fmt: skip
def test_nmf_is_no_worse_than_the_reference(penalties):
    X = counts(21)
    limits = {"max_iter": 500, "tol": 1e-7} if JIT else {"max_iter": 40, "tol": 0.0}
    model = nmf(**limits, **penalties)
    W = model.fit_transform(X)
    H = model.components_
    assert W.dtype == H.dtype == np.float64
    assert min(W.min(), H.min()) >= 0.0
    reference = Reference(K, init="nndsvda", max_iter=2000, tol=1e-6, **penalties)
    W_reference = reference.fit_transform(sp.csr_matrix(X))
    best = nmf_objective(X, W_reference, reference.components_, **penalties)
    assert nmf_objective(X, W, H, **penalties) <= (1.01 if JIT else 1.1) * best
    distance = np.linalg.norm(X.toarray() - W @ H)
    assert model.reconstruction_err_ == pytest.approx(distance, rel=1e-6)
    np.testing.assert_allclose(model.inverse_transform(W), W @ H)


def test_nmf_transform_finds_the_best_rows():
    X, alpha = counts(22), 0.01
    model = nmf(alpha_W=alpha, l1_ratio=0.5).fit(X)
    new, H = counts(23, users=6), model.components_
    W = model.transform(new)
    slope = (new.toarray() - W @ H) @ H.T - alpha * ITEMS * 0.5 * (1.0 + W)
    scale = np.abs(new.toarray() @ H.T).max()
    assert W.min() >= 0.0
    assert slope[W == 0.0].max(initial=-1.0) <= 1e-3 * scale
    np.testing.assert_allclose(slope[W > 0.0], 0.0, atol=1e-3 * scale)


def test_nmf_of_float32_and_of_nothing():
    X = counts(24).astype(np.float32)
    model = nmf()
    assert model.fit_transform(X).dtype == np.float32
    assert model.transform(X).dtype == model.components_.dtype == np.float32
    nothing = nmf()
    assert not nothing.fit_transform(sp.csr_array((4, 3))).any()
    assert nothing.reconstruction_err_ == 0.0


@many_epochs
def test_more_components_than_rows_stay_finite_in_single_precision():
    """The mean matrix is then singular, and its inverse must not amplify rounding errors."""
    X = sp.random_array((20, 15), density=0.4, format="csr", random_state=np.random.default_rng(0))
    X.data = X.data * 4 + 1
    model = ImplicitFactorization(20, regularization=1e-6, max_iter=30, tol=0).fit(X)
    assert model.objective(X) < 1.0
