"""The elastic net, tested as the Lasso of the data that it stands for, and against scikit-learn."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from regressions import JIT, alpha_max, judge, make
from sklearn.linear_model import ElasticNet as Reference
from sklearn.utils.estimator_checks import check_estimator

from strads import ElasticNet, Lasso
from strads.algorithms.linear.solver.residual_form import held_columns


def longer(X, y, alpha, l1_ratio, intercept=True):
    """Centred data with the rows that the squared L2 penalty stands for, and the α of a Lasso."""
    X = X.toarray() if sp.issparse(X) else X
    n, p = X.shape
    if intercept:
        X, y = X - X.mean(axis=0), y - y.mean()
    rows = np.sqrt(n * alpha * (1.0 - l1_ratio)) * np.eye(p)
    return np.vstack([X, rows]), np.append(y, np.zeros(p)), n * alpha * l1_ratio / (n + p)


def gap_of(model, X, y, intercept=True):
    """Relative gap of the Lasso of the longer data; P(0) is that of the given ones."""
    A, b, alpha = longer(X, y, model.alpha, model.l1_ratio, intercept)
    return judge(A, b, model.coef_, 0.0, alpha, False, model.positive)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.processes)])
@pytest.mark.parametrize("l1_ratio", [0.95, 0.5, 0.05])
@pytest.mark.parametrize("form", ["gram", "residual", "dense"])
def test_gap_and_reference(form, l1_ratio, workers, monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda *_: form == "residual")
    X, y = make()
    given = np.asfortranarray(X.toarray()) if form == "dense" else X
    alpha = alpha_max(X, y) / l1_ratio / 30
    model = ElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-9, n_workers=workers).fit(given, y)
    assert model.certified_
    assert gap_of(model, X, y) <= 2e-9
    expected = Reference(alpha, l1_ratio=l1_ratio, tol=1e-12, max_iter=10**6).fit(X.toarray(), y)
    scale = np.abs(expected.coef_).max()
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-4 * scale)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, atol=1e-4)
    last = model.history_[-1]
    assert bool(last["residual_form"]) == (form == "residual")
    assert bool(last["newton_systems"]) == (form == "dense")


@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**16), l1_ratio=st.floats(0.01, 1.0), ratio=st.floats(1.5, 300.0),
    intercept=st.booleans(), positive=st.booleans(), sparse=st.booleans(), residual=st.booleans(),
)  # fmt: skip
def test_any_mixture_is_certified(seed, l1_ratio, ratio, intercept, positive, sparse, residual):
    X, y = make(seed, n=30, p=40)
    alpha = alpha_max(X, y, intercept) / l1_ratio / ratio
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held_columns, "outgrown", lambda *_: residual)
        model = ElasticNet(
            alpha, l1_ratio=l1_ratio, fit_intercept=intercept, positive=positive, tol=1e-8,
            n_workers=1,
        ).fit(X if sparse else X.toarray(), y)  # fmt: skip
    assert model.certified_
    assert gap_of(model, X, y, intercept) <= 2e-8


def test_the_lasso_is_a_case_of_it():
    X, y = make(1)
    alpha = alpha_max(X, y) / 20
    mixed = ElasticNet(alpha, l1_ratio=1.0, random_state=3).fit(X, y)
    assert mixed.coef_.tobytes() == Lasso(alpha, random_state=3).fit(X, y).coef_.tobytes()
    assert isinstance(Lasso(), ElasticNet)
    assert "l1_ratio" not in Lasso().get_params()


@pytest.mark.parametrize("sparse", [True, False])
def test_equal_columns_share_the_weight(sparse):
    X, y = make(2)
    X = sp.csc_array(sp.hstack([X, X]))
    model = ElasticNet(alpha_max(X, y) / 20, tol=1e-10).fit(X if sparse else X.toarray(), y)
    p = X.shape[1] // 2
    np.testing.assert_allclose(model.coef_[:p], model.coef_[p:], atol=1e-6)
    assert np.any(model.coef_)


@pytest.mark.parametrize("kind", [Lasso, ElasticNet])
def test_weights_of_samples_count_as_repetition(kind):
    X, y = make(1)
    weights = np.random.default_rng(0).integers(0, 4, size=len(y))
    rows = np.repeat(np.arange(len(y)), weights)
    alpha = alpha_max(X, y) / 10
    weighted = kind(alpha, tol=1e-10).fit(X, y, sample_weight=weights)
    repeated = kind(alpha, tol=1e-10).fit(X.tocsr()[rows], y[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-6)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-6)


def test_weights_of_samples_copy_nothing():
    """With 80 % of the rows left out, sparse X stays as it is: the solver reads the user's."""
    X, y = make(3)
    before = X.copy()
    weights = (np.arange(len(y)) % 5 == 0) * 1.0
    model = ElasticNet(alpha_max(X, y) / 20, tol=1e-8, n_workers=1).fit(X, y, sample_weight=weights)
    rows = weights > 0.0
    expected = ElasticNet(alpha_max(X, y) / 20, tol=1e-8).fit(X.tocsr()[rows], y[rows])
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6)
    assert (X != before).nnz == 0


def test_without_l1_penalty_it_warns():
    X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30.0)
    with pytest.warns(UserWarning, match="Ridge estimator"):
        ElasticNet(0.1, l1_ratio=0.0, max_iter=200).fit(X, y)
    with pytest.raises(ValueError, match="l1_ratio"):
        ElasticNet(0.1, l1_ratio=1.5).fit(X, y)


def test_save_and_load(tmp_path):
    X, y = make(4)
    model = ElasticNet(alpha_max(X, y) / 5, l1_ratio=0.3).fit(X, y)
    model.save(tmp_path / "model.npz")
    loaded = ElasticNet.load(tmp_path / "model.npz")
    assert loaded.l1_ratio == 0.3
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.slow
def test_check_estimator():
    results = check_estimator(ElasticNet(), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
    assert sum(r["status"] == "passed" for r in results) > 50


@pytest.mark.parametrize("kind", [Lasso, ElasticNet])
@pytest.mark.parametrize("sparse", [True, False])
def test_several_targets_are_fitted_one_by_one(kind, sparse, tmp_path):
    X, y = make(5)
    targets = np.stack([y, y[::-1], np.sin(y)], axis=1)
    given = X if sparse else X.toarray()
    alpha = alpha_max(X, y) / 10
    model = kind(alpha, tol=1e-9).fit(given, targets)
    assert model.coef_.shape == (3, X.shape[1])
    assert model.certified_
    for k, target in enumerate(targets.T):
        single = kind(alpha, tol=1e-9).fit(given, target)
        assert model.coef_[k].tobytes() == single.coef_.tobytes()
        assert model.intercept_[k] == single.intercept_
        assert model.dual_gap_[k] == single.dual_gap_
        np.testing.assert_allclose(model.predict(given)[:, k], single.predict(given))
    assert model.sparse_coef_.shape == model.coef_.shape
    model.save(tmp_path / "model.npz")
    np.testing.assert_array_equal(kind.load(tmp_path / "model.npz").coef_, model.coef_)
    again = model.set_params(warm_start=True).fit(given, targets)
    assert max(again.n_iter_) <= 1
