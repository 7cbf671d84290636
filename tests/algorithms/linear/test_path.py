"""Regularization paths: every penalty as if it were fitted by itself."""

import numpy as np
import pytest
import scipy.sparse as sp
from regressions import alpha_max, judge, make
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import enet_path as reference_path

from strads import ElasticNet, Lasso, enet_path, lasso_path
from strads.algorithms.linear.certified.certified_path import CertifiedPath
from strads.algorithms.linear.grid import grid_of, largest_alpha
from strads.algorithms.linear.solver.residual_form import held_columns


def centred_problem(seed=0):
    X, y = make(seed)
    X = X.toarray()
    return np.asfortranarray(X - X.mean(axis=0)), y - y.mean()


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("form", ["gram", "residual", "dense"])
def test_paths_are_those_of_scikit_learn(form, l1_ratio, monkeypatch):
    monkeypatch.setattr(held_columns, "outgrown", lambda *_: form == "residual")
    X, y = centred_problem()
    given = X if form == "dense" else sp.csc_array(X)
    alphas, coefs, gaps, n_iters = enet_path(
        given, y, l1_ratio=l1_ratio, eps=0.03, alphas=8, tol=1e-9, return_n_iter=True
    )
    expected = reference_path(
        X, y, l1_ratio=l1_ratio, eps=0.03, alphas=8, tol=1e-12, max_iter=10**5
    )
    np.testing.assert_allclose(alphas, expected[0], rtol=1e-10)
    scale = np.abs(expected[1]).max()
    np.testing.assert_allclose(coefs, expected[1], atol=1e-4 * scale)
    assert np.all(gaps <= 1e-9)
    assert len(n_iters) == 8
    if l1_ratio == 1.0:
        assert all(
            judge(X, y, w, 0.0, a, False) <= 2e-9 for a, w in zip(alphas, coefs.T, strict=True)
        )


def test_a_path_without_intercept_equals_single_fits():
    X, y = make(1)
    alphas, coefs, _ = lasso_path(X, y, alphas=[0.02, 0.05, 0.01], tol=1e-10)
    np.testing.assert_array_equal(alphas, [0.05, 0.02, 0.01])
    for alpha, w in zip(alphas, coefs.T, strict=True):
        single = Lasso(alpha, fit_intercept=False, tol=1e-10).fit(X, y)
        np.testing.assert_allclose(w, single.coef_, atol=1e-6)


@pytest.mark.parametrize("positive", [False, True])
def test_intercept_weights_and_sign(positive):
    X, y = make(2)
    weights = np.random.default_rng(0).random(len(y))
    alphas, coefs, gaps = enet_path(
        X, y, alphas=5, eps=0.05, fit_intercept=True, sample_weight=weights, positive=positive,
        tol=1e-9,
    )  # fmt: skip
    for alpha, w in zip(alphas, coefs.T, strict=True):
        single = ElasticNet(alpha, positive=positive, tol=1e-9).fit(X, y, sample_weight=weights)
        np.testing.assert_allclose(w, single.coef_, atol=1e-5)
    assert not np.any(coefs[:, 0])
    assert np.all(gaps <= 1e-9)


def test_same_bits_on_both_executors():
    X, y = make(3)
    given = {"alphas": 6, "eps": 0.02, "random_state": 5}
    runs = [lasso_path(X, y, n_workers=1, **given)[1] for _ in range(2)]
    assert runs[0].tobytes() == runs[1].tobytes()


@pytest.mark.processes
def test_two_workers_find_the_same_path():
    X, y = make(3)
    one = lasso_path(X, y, alphas=6, eps=0.02, n_workers=1, tol=1e-10)[1]
    two = lasso_path(X, y, alphas=6, eps=0.02, n_workers=2, tol=1e-10)[1]
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_columns_with_far_means_are_prepared_once():
    X, y = centred_problem(4)
    alphas, coefs, gaps = lasso_path(X + 1e7, y, alphas=4, eps=0.1, fit_intercept=True, tol=1e-8)
    expected = lasso_path(X, y, alphas=alphas, fit_intercept=True, tol=1e-8)[1]
    np.testing.assert_allclose(coefs, expected, atol=1e-5)
    assert np.all(gaps <= 1e-8)


def test_single_precision_is_certified_as_returned():
    X, y = make(5, dtype=np.float32)
    _, coefs, gaps = lasso_path(X, y, alphas=4, eps=0.1, tol=1e-5)
    assert coefs.dtype == np.float32
    assert np.all(gaps <= 1e-5)


def test_a_penalty_that_a_run_cannot_solve_is_fitted_by_itself(monkeypatch):
    X, y = make(6)
    fitted = []
    single = CertifiedPath._fit_one
    monkeypatch.setattr(
        CertifiedPath, "_fit_one", lambda self: fitted.append(len(self.points)) or single(self)
    )
    with pytest.warns(ConvergenceWarning, match="of 3 penalties"):
        _, _, gaps = lasso_path(X, y, alphas=3, eps=0.01, tol=1e-14, max_iter=3)
    assert fitted
    assert len(gaps) == 3
    assert gaps.max() > 1e-14


def test_a_callback_ends_the_path():
    X, y = make(6)
    seen = []

    def enough(step):
        seen.append(step.figures["nonzeros"])
        return seen[-1] > 3

    alphas, coefs, gaps = lasso_path(X, y, alphas=20, eps=0.01, callbacks=enough)
    assert 0 < len(alphas) == coefs.shape[1] == len(gaps) < 20
    assert seen[-1] > 3 >= max(seen[:-1])
    assert np.all(gaps <= 1e-6)


def test_start_and_grid():
    X, y = make(7)
    alphas, coefs, _ = lasso_path(X, y, alphas=3, eps=0.1, tol=1e-8)
    again = lasso_path(
        X, y, alphas=alphas[-1:], coef_init=coefs[:, -1], tol=1e-8, return_n_iter=True
    )
    assert again[3] == [1]
    np.testing.assert_array_equal(again[1][:, 0], coefs[:, -1])
    largest = largest_alpha(X, y, None, centred=False, positive=False)
    np.testing.assert_allclose(largest, alpha_max(X, y, False))
    np.testing.assert_allclose(alphas, largest * np.array([1.0, 0.1**0.5, 0.1]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alphas": 0}, "from 1 to"),
        ({"alphas": []}, "must be a number"),
        ({"alphas": [0.5, -1.0]}, r"alphas\[1\] == -1.0"),
        ({"l1_ratio": 2.0}, "from 0 to 1"),
        ({"l1_ratio": 0.0}, "appropriate `alphas=` argument"),
        ({"coef_init": [1.0]}, "X has 2"),
        ({"tol": -1.0}, "tol=-1.0 must be"),
        ({"max_iter": 0}, "max_iter=0 must be"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        enet_path([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1.0, 2.0, 3.0], **given)


def test_a_zero_target_has_a_grid():
    X, _ = make(8)
    alphas, coefs, _ = lasso_path(X, np.zeros(X.shape[0]), alphas=3)
    assert len(grid_of(3, 1e-3, 0.0, 1.0)) == len(alphas) == 3
    assert not np.any(coefs)
    with pytest.raises(TypeError, match="enet_path"):
        lasso_path(X, np.zeros(X.shape[0]), l1_ratio=0.5)
