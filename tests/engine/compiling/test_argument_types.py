"""Types and compiled code that are looked up instead of worked out anew."""

from collections import namedtuple

import numba
import numpy as np
import pytest

from strads.engine.compiling import compile
from strads.engine.compiling.argument_types import kind_of, type_of
from strads.kernels.linear.matrices import CSC
from strads.kernels.linear.prox import soft_threshold

JIT = not numba.config.DISABLE_JIT

Pair = namedtuple("Pair", "a b")


def arrays():
    grid = np.zeros((4, 6))
    locked = np.zeros(3)
    locked.flags.writeable = False
    return [
        np.zeros(3), np.zeros(3, np.float32), np.zeros(3, np.int64), grid, grid.T, grid[::2, ::2],
        grid[:, :1], locked, np.zeros(0), np.zeros((1, 1)), np.array(1.0),
    ]  # fmt: skip


def test_the_types_are_numbas_own():
    data, indices = np.zeros(2), np.zeros(2, np.int32)
    matrix = CSC(data, indices, np.zeros(3, np.int64))
    for _ in range(2):  # worked out, then looked up
        for value in (*arrays(), matrix, Pair(data, indices), Pair(matrix, data), Pair(1, data), 2):
            assert type_of(value) == numba.typeof(value)


def test_equal_kinds_have_equal_types_and_others_other_types():
    values = [*arrays(), Pair(np.zeros(1), np.zeros(1)), Pair(np.zeros(1), np.zeros(1, np.int8))]
    for one in values:
        for other in values:
            same = numba.typeof(one) == numba.typeof(other)
            assert same or kind_of(one) != kind_of(other)
    assert kind_of(Pair(1, np.zeros(1))) is None and kind_of(1.0) is None


def half(x):
    return 0.5 * x


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_only_kernels_of_the_package_are_found_without_their_content(monkeypatch):
    real, kernel = numba.float64, soft_threshold.py_func
    first = compile.compile_kernel(kernel, (real, real))
    compile.compile_kernel(half, (real,))

    def refused(*_):
        raise AssertionError("its content is looked at")

    monkeypatch.setattr(compile, "walk_over", refused)
    again = compile.compile_kernel(kernel, (real, real))
    assert again.entry is first.entry and again.source == "memory"
    with pytest.raises(AssertionError, match="looked at"):
        compile.compile_kernel(half, (real,))
    with pytest.raises(AssertionError, match="looked at"):
        compile.compile_kernel(kernel, (real, numba.int64))
    monkeypatch.setattr(numba.config, "OPT", 2)  # a setting that changes machine code
    with pytest.raises(AssertionError, match="looked at"):
        compile.compile_kernel(kernel, (real, real))
