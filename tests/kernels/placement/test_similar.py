"""Kernels that find out which ids are alike, beside NumPy."""

import naive
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from strads.kernels.lanes import LANES
from strads.kernels.placement.squares import multiply_squares
from strads.kernels.placement.subspace import orthonormalise, subspace_pass

sizes = st.tuples(st.integers(1, 9), st.integers(0, 7), st.integers(0, 99))


@given(sizes)
@settings(max_examples=20)
def test_a_pass_multiplies_by_unit_columns_and_back(case):
    rows, size, seed = case
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, size)) * (rng.random((rows, size)) < 0.6)
    Q, Z, Y = rng.normal(size=(rows, LANES)), np.empty((size, LANES)), np.empty((rows, LANES))
    subspace_pass(naive.sparse(X), Q, Z, Y, np.empty((2, 1, LANES)))
    unit = naive.unit_columns(X)
    np.testing.assert_allclose(Z, unit.T @ Q, atol=1e-12)
    np.testing.assert_allclose(Y, unit @ (unit.T @ Q), atol=1e-12)


@given(sizes)
@settings(max_examples=20)
def test_squares_of_inner_products(case):
    size, _, seed = case
    rng = np.random.default_rng(seed)
    Z, v, out = rng.normal(size=(size, LANES)), rng.normal(size=size), np.empty(size)
    multiply_squares(Z, v, np.empty((LANES, LANES)), out)
    np.testing.assert_allclose(out, (Z @ Z.T) ** 2 @ v, atol=1e-10)


@given(sizes)
@settings(max_examples=20)
def test_vectors_become_orthonormal_or_zero(case):
    rows, _, seed = case
    Q = np.random.default_rng(seed).normal(size=(rows, LANES))
    before = Q.copy()
    orthonormalise(Q)
    rank = min(rows, LANES)
    np.testing.assert_allclose(Q.T @ Q, np.diag(np.arange(LANES) < rank), atol=1e-9)
    np.testing.assert_allclose(Q @ (Q.T @ before), before, atol=1e-9)  # nothing is lost
