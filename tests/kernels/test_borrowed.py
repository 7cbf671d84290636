"""Borrowed arrays share memory with the arrays, and do not change their reference counts."""

import sys
from typing import NamedTuple

import numba
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strads.kernels.borrowed import borrowed
from strads.kernels.scheduling.coupling import Gram


class Nested(NamedTuple):
    gram: Gram
    weights: np.ndarray


@numba.njit
def add_row(gram, weights, j):
    for k in range(len(weights)):
        weights[k] += gram.G[j, k] * gram.diagonal[k]


@numba.njit
def add_rows(nested, rows, number):
    nested, rows, number = borrowed(nested), borrowed(rows), borrowed(number)
    for j in rows[number:]:
        add_row(nested.gram, nested.weights, j)
    return len(rows[number:])


@given(st.integers(1, 6), st.lists(st.integers(0, 5), max_size=8), st.integers(0, 3))
def test_what_is_done_to_borrowed_arrays_is_done_to_the_arrays(size, rows, skipped):
    rng = np.random.default_rng(size)
    G, diagonal = rng.random((6, size)), rng.random(size)
    weights, rows = np.zeros(size), np.array(rows, np.int64)
    arrays = (G, diagonal, weights, rows)
    before = [sys.getrefcount(array) for array in arrays]
    assert add_rows(Nested(Gram(G, diagonal), weights), rows, skipped) == len(rows[skipped:])
    assert [sys.getrefcount(array) for array in arrays] == before
    np.testing.assert_allclose(weights, (G[rows[skipped:]] * diagonal).sum(axis=0))
