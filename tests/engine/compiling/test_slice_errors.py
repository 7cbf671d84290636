"""Arrays that do not fit into a slice: the error, and what it costs to compile."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numba import float64
from numba.np import arrayobj

from strads.engine.compiling.compile import compile_kernel
from strads.engine.compiling.slice_errors import NAME, without_strings

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="looks at compiled code")


def shifted(a, b):
    a[1:] = b


shifted_by_numba = numba.njit(shifted)


@pytest.fixture(scope="module")
def kernel():
    return compile_kernel(shifted, (float64[::1], float64[::1])).entry


def test_arrays_that_fit_are_assigned(kernel):
    a = np.zeros(4)
    kernel(a, np.arange(1.0, 4.0))
    assert a.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_the_error_has_both_shapes(kernel):
    with pytest.raises(ValueError, match=r"slice an array of another shape.*\(3,\), \(2,\)"):
        kernel(np.zeros(4), np.zeros(2))


def test_no_strings_are_compiled():
    with without_strings():
        shifted_by_numba.compile((float64[::1], float64[::1]))
    (text,) = shifted_by_numba.inspect_llvm().values()
    assert "unicode" not in text


def test_numba_has_its_own_error_afterwards():
    before = getattr(arrayobj, NAME)
    with pytest.raises(KeyError), without_strings():
        assert getattr(arrayobj, NAME) is not before
        raise KeyError
    assert getattr(arrayobj, NAME) is before
