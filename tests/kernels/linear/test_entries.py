"""Entries of columns one by one, against NumPy."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import sparse

from strads.kernels import CSC, CSR
from strads.kernels.linear.entries import column_range, entry, part_range

STORES = {
    "dense": lambda X: np.asfortranarray(X),
    "csc": lambda X: sparse(X, CSC),
    "csr": lambda X: sparse(X.T, CSR),
    "single": lambda X: sparse(X, CSC, np.float32),
}


def written(A, j, column, part):
    """Write all entries of a column, and those of a part of its rows."""
    for e in range(*column_range(A, j)):
        i, value = entry(A, j, e)
        column[0, i] = value
    for e in range(*part_range(A, j, part)):
        i, value = entry(A, j, e)
        column[1, i] = value


@numba.njit
def compiled(A, j, column, part):
    first, end = column_range(A, j)
    for e in range(first, end):
        i, value = entry(A, j, e)
        column[0, i] = value
    first, end = part_range(A, j, part)
    for e in range(first, end):
        i, value = entry(A, j, e)
        column[1, i] = value


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("write", [written, compiled])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 9))
def test_entries_of_a_column(store, write, seed, n):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * (rng.random((n, 3)) < 0.6)
    X = X.astype(np.float32).astype(np.float64)
    part = np.sort(rng.integers(0, n + 1, size=2))
    inside = (np.arange(n) >= part[0]) & (np.arange(n) < part[1])
    for j in range(3):
        column = np.zeros((2, n))
        write(STORES[store](X), j, column, part)
        np.testing.assert_array_equal(column[0], X[:, j])
        np.testing.assert_array_equal(column[1], np.where(inside, X[:, j], 0.0))
