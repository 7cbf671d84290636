"""Time of one pass over the columns of a matrix; divide by its stored entries.

Run with ``pytest bench/kernels``, and with ``STRADS_BENCH_FULL=1`` for sizes beyond the caches.
"""

import os

import numba
import numpy as np
import pytest
import scipy.sparse as sp

from strads.kernels import CSC, axpy, column_dot, dot, soft_threshold

FULL = os.environ.get("STRADS_BENCH_FULL") == "1"
ROWS, COLUMNS, DENSITY = (200_000, 5_000, 1e-3) if FULL else (2_000, 200, 1e-2)


@numba.njit(nogil=True)
def dot_all(A, columns, r):
    total = 0.0
    for j in range(columns):
        total += dot(A, j, r)
    return total


@numba.njit(nogil=True)
def axpy_all(A, columns, r, part):
    for j in range(columns):
        axpy(1e-9, A, j, r, part)


@numba.njit(nogil=True)
def pairs(A, columns, distance):
    total = 0.0
    for j in range(columns - distance):
        total += column_dot(A, j, j + distance)
    return total


@numba.njit(nogil=True)
def shrink_all(r):
    total = 0.0
    for x in r:
        total += soft_threshold(x, 0.5)
    return total


def sparse(dtype, index):
    S = sp.random_array((ROWS, COLUMNS), density=DENSITY, format="csc", random_state=0)
    return CSC(S.data.astype(dtype), S.indices.astype(index), S.indptr.astype(index))


@pytest.fixture(
    params=[
        pytest.param((np.float64, np.int32), id="sparse-f64-i32"),
        pytest.param((np.float32, np.int64), id="sparse-f32-i64"),
        pytest.param(None, id="dense-f64"),
    ]
)
def matrix(request):
    if request.param is not None:
        return sparse(*request.param), COLUMNS
    columns = max(1, COLUMNS // 50)
    return np.asfortranarray(np.random.default_rng(0).random((ROWS, columns))), columns


def test_dot(benchmark, matrix):
    A, columns = matrix
    r = np.random.default_rng(1).random(ROWS)
    expected = dot_all(A, columns, r)
    assert benchmark(dot_all, A, columns, r) == expected


@pytest.mark.parametrize("share", [1, 8], ids=["whole", "eighth"])
def test_axpy(benchmark, matrix, share):
    A, columns = matrix
    r, part = np.zeros(ROWS), (0, ROWS // share)
    axpy_all(A, columns, r, part)
    benchmark(axpy_all, A, columns, r, part)
    assert r[: part[1]].any()
    assert not r[part[1] :].any()


def test_column_dot(benchmark):
    A = sparse(np.float64, np.int32)
    expected = pairs(A, COLUMNS, 7)
    assert benchmark(pairs, A, COLUMNS, 7) == expected


def test_soft_threshold(benchmark):
    r = np.random.default_rng(2).normal(size=ROWS)
    expected = shrink_all(r)
    assert benchmark(shrink_all, r) == expected
