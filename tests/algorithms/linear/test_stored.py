"""Columns of a user's matrix, whatever its types."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads.algorithms.linear.certified.stored import fetch_column, stored


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
@pytest.mark.parametrize("index", [np.int32, np.int64, None])
@given(n=st.integers(1, 6), p=st.integers(1, 6), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_column_is_fetched_from_any_form(dtype, index, n, p, share, seed):
    rng = np.random.default_rng(seed)
    dense = (rng.integers(1, 9, size=(n, p)) * (rng.random((n, p)) < share)).astype(dtype)
    X = np.asfortranarray(dense)
    if index is not None:
        X = sp.csc_array(dense)
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    matrix = stored(X)
    for j in range(p):
        rows, values = np.full(n, -1), np.full(n, np.nan)
        count = fetch_column(matrix, j, rows, values)
        kept = np.arange(n) if index is None else np.flatnonzero(dense[:, j])
        assert rows[:count].tolist() == kept.tolist()
        assert values[:count].tolist() == dense[kept, j].tolist()
        assert np.all(rows[count:] == -1)


def test_nothing_is_copied():
    X = sp.csc_array(np.eye(3, dtype=np.float32))
    matrix = stored(X)
    assert np.shares_memory(matrix.single, X.data) and len(matrix.double) == 0
    assert np.shares_memory(matrix.narrow, X.indices) and len(matrix.wide) == 0
