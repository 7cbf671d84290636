"""Factorisation at the ends of the floating-point range: equal scaled results, or a warning."""

from __future__ import annotations

import warnings

import numba
import numpy as np
import pytest
import scipy.sparse as sp

from strads import NMF, ImplicitFactorization, MatrixFactorization, NotCertifiedWarning
from strads.algorithms.factorization.programs.factors import Factorization

JIT = not numba.config.DISABLE_JIT


def product(k=3, seed=0):
    """A non-negative matrix of nearly rank k."""
    n, p = (30, 20) if JIT else (12, 8)
    rng = np.random.default_rng(seed)
    return rng.random((n, k)) @ rng.random((k, p)) + 0.1 * rng.random((n, p))


@pytest.mark.compiled
@pytest.mark.parametrize("exponent", [530, -530])
@pytest.mark.parametrize("penalties", [{}, {"alpha_W": 1e-3, "l1_ratio": 0.5}])
def test_nmf_in_other_units(exponent, penalties):
    """X times 4^e: both factors times 2^e, bit for bit; squares of X alone leave the range."""
    X = product()
    half = exponent // 2
    scaled = {
        name: np.ldexp(value, 3 * half if name == "alpha_W" else 0)
        for name, value in penalties.items()
    }
    if "l1_ratio" in penalties:  # L1 goes with the cube of 2^e, the squares with its square
        scaled |= {"l1_ratio": 1.0}
        penalties = penalties | {"l1_ratio": 1.0}
    plain = NMF(3, n_workers=1, max_iter=30, **penalties)
    moved = NMF(3, n_workers=1, max_iter=30, **scaled)
    W = plain.fit_transform(sp.csr_array(X))
    V = moved.fit_transform(sp.csr_array(np.ldexp(X, 2 * half)))
    np.testing.assert_allclose(np.ldexp(V, -half), W, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        np.ldexp(moved.components_, -half), plain.components_, rtol=1e-9, atol=1e-12
    )
    assert moved.n_iter_ == plain.n_iter_
    np.testing.assert_allclose(
        np.ldexp(moved.reconstruction_err_, -2 * half), plain.reconstruction_err_, rtol=1e-9
    )
    T = moved.transform(sp.csr_array(np.ldexp(X, 2 * half)))
    np.testing.assert_allclose(
        np.ldexp(T, -half), plain.transform(sp.csr_array(X)), rtol=1e-6, atol=1e-9
    )


def test_the_distance_of_a_close_fit_is_not_what_rounding_leaves():
    X = np.outer(np.arange(1.0, 31.0), np.arange(1.0, 21.0))
    model = NMF(1, n_workers=1, tol=1e-14, max_iter=200)
    W = model.fit_transform(sp.csr_array(X)).astype(np.longdouble)
    true = float(np.sqrt(np.sum((X - W @ model.components_.astype(np.longdouble)) ** 2)))
    assert model.reconstruction_err_ <= 1e-6 * np.linalg.norm(X)
    assert abs(model.reconstruction_err_ - true) <= 1e-14 * np.linalg.norm(X)


@pytest.mark.parametrize("scale", [1e18, 1e-20])
@pytest.mark.parametrize("model", [
    MatrixFactorization(2, solver="als", n_workers=1, max_iter=3),
    ImplicitFactorization(2, n_workers=1, max_iter=3),
])  # fmt: skip
def test_squares_beyond_single_precision_are_said_to_be(model, scale):
    X = sp.csr_array(product())
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotCertifiedWarning)
        model.fit(X)
    with pytest.warns(NotCertifiedWarning, match="range of float32"):
        model.fit(X * scale)


def test_figures_that_are_not_finite_end_a_factorisation():
    program = Factorization(components=2, tol=1e-3)
    program.epoch([{"train_rmse": 1.0}, {"train_rmse": np.nan}])
    assert program.stopped == "not finite"
