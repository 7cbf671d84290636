"""Products of dense columns: contiguous ones by sixteen partial sums, others one by one."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strads.kernels import dot
from strads.kernels.lanes import LANES
from strads.kernels.linear.dense_columns import dot_column, suits_lanes

TYPES = [np.float64, np.float32]


@numba.njit(error_model="numpy")
def product(A, j, r):
    return dot(A, j, r)


def by_lanes(x, r):
    """The sums in their order: one for each lane, then halves, then the rest."""
    whole = len(x) - len(x) % LANES
    terms = x.astype(np.float64) * r.astype(np.float64)
    sums = np.zeros(LANES)
    for chunk in terms[:whole].reshape(-1, LANES):
        sums = sums + chunk
    width = LANES
    while width > 1:
        width //= 2
        sums = sums[:width] + sums[width : 2 * width]
    found = sums[0]
    for term in terms[whole:]:
        found += term
    return found


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("other", TYPES)
@given(n=st.integers(0, 70), seed=st.integers(0, 99))
def test_a_contiguous_column_is_summed_by_lanes(dtype, other, n, seed):
    rng = np.random.default_rng(seed)
    A = np.asfortranarray(rng.normal(size=(n, 3)).astype(dtype))
    r = rng.normal(size=n).astype(other)
    for j in range(3):
        assert product(A, j, r) == by_lanes(A[:, j], r)


@given(n=st.integers(0, 40), seed=st.integers(0, 99))
def test_others_are_summed_as_well(n, seed):
    rng = np.random.default_rng(seed)
    A, r = rng.normal(size=(n, 3)), rng.normal(size=2 * n)[::2]
    for j in range(3):
        np.testing.assert_allclose(product(A, j, r), A[:, j] @ r, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(dot_column(A, j, r), A[:, j] @ r, rtol=1e-12, atol=1e-12)


def test_which_columns_suit():
    A, r = np.zeros((4, 3), order="F"), np.zeros(4)
    assert suits_lanes(A, r) and suits_lanes(numba.typeof(A), numba.typeof(r))
    for wrong in ((A.copy(order="C"), r), (A, np.zeros(8)[::2]), (A.astype(int), r)):
        assert not suits_lanes(*wrong)
        assert not suits_lanes(*map(numba.typeof, wrong))
