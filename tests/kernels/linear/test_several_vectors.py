"""Products with several vectors at once, and outer products, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import sparse

from strads.kernels import CSC, CSR
from strads.kernels.lanes import LANES
from strads.kernels.linear.outer_products import add_outer, add_squares
from strads.kernels.linear.several_vectors import axpy_several, dot_several

STORES = {
    "dense": lambda X: np.asfortranarray(X),
    "csc": lambda X: sparse(X, CSC),
    "csr": lambda X: sparse(X.T, CSR),
    "single": lambda X: sparse(X, CSC, np.float32),
}
cases = given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 9))


def matrix(seed, n):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * (rng.random((n, 4)) < 0.6)
    return rng, X.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(
    ("dtype", "lanes"),
    [(np.float64, 1), (np.float64, LANES), (np.float32, LANES),
     pytest.param(np.float32, 1, marks=pytest.mark.compiles)],
)  # fmt: skip
@cases
def test_dot_and_axpy(store, lanes, dtype, seed, n):
    rng, X = matrix(seed, n)
    A, V = STORES[store](X), rng.normal(size=(n, lanes)).astype(dtype)
    products, factors = np.empty((1, lanes), dtype), rng.normal(size=(1, lanes)).astype(dtype)
    close = 1e-5 if dtype == np.float32 else 1e-12
    for j in range(4):
        dot_several(A, j, V, products)
        np.testing.assert_allclose(products[0], X[:, j] @ V, atol=close)
        expected = V + np.outer(X[:, j], factors[0])
        axpy_several(factors, A, j, V)
        np.testing.assert_allclose(V, expected, atol=close)


@pytest.mark.parametrize("store", ["dense", "csc", "single"])
@cases
def test_outer_products(store, seed, n):
    rng, X = matrix(seed, n)
    A, H, d = STORES[store](X), rng.normal(size=(n, n)), rng.normal(size=n)
    for j in range(4):
        column = X[:, j]
        expected, diagonal = H + 0.5 * np.triu(np.outer(column, column)), d + 0.5 * column**2
        add_outer(0.5, A, j, H)
        add_squares(0.5, A, j, d)
        np.testing.assert_allclose(H, expected, atol=1e-12)
        np.testing.assert_allclose(d, diagonal, atol=1e-12)
