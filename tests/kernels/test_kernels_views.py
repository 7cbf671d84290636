"""Views of consecutive entries."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strads.kernels.views import consecutive


@numba.njit
def row(array, i, lo, hi):
    return consecutive(array, (i,), lo, hi).copy()


@numba.njit
def deep(array, i, j, lo, hi):
    return consecutive(array, (i, j), lo, hi).copy()


@numba.njit
def write(array, i, lo, hi, value):
    view = consecutive(array, (i,), lo, hi)
    view[:] = value
    return len(view), view.sum()


@given(
    st.tuples(*[st.integers(1, 4)] * 4),
    st.sampled_from([np.int64, np.float32, np.float64]),
    st.data(),
)
def test_equals_a_slice(shape, dtype, data):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    i, j = data.draw(st.integers(0, shape[0] - 1)), data.draw(st.integers(0, shape[1] - 1))
    for axis, taken, wanted in ((1, row, array[i]), (2, deep, array[i, j])):
        lo = data.draw(st.integers(0, shape[axis]))
        hi = data.draw(st.integers(lo, shape[axis]))
        found = taken(array, *(i, j)[:axis], lo, hi)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, wanted[lo:hi])


def test_writes_go_to_the_array():
    array = np.zeros((3, 5))
    assert write(array, 1, 2, 4, 7.0) == (2, 14.0)
    expected = np.zeros((3, 5))
    expected[1, 2:4] = 7.0
    np.testing.assert_array_equal(array, expected)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="without the compiler any slice will do")
def test_other_layouts_are_refused():
    with pytest.raises(numba.TypingError, match="C array of more than 1 axes"):
        row(np.zeros((3, 5)).T, 0, 0, 1)
    with pytest.raises(numba.TypingError, match="C array"):
        row(np.zeros(3), 0, 0, 1)
