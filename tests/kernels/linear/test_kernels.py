"""Matrix, proximal and coupling kernels against their naive twins."""

import warnings

import naive
import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strads.kernels import (
    CSC,
    CSR,
    axpy,
    column_dot,
    column_nnz,
    column_norm2,
    column_part,
    column_sum,
    dot,
    soft_threshold,
)
from strads.kernels.linear.matrices import column_uniform, overlap, weighted_norm2
from strads.kernels.scheduling import coupling

#: Compiled, the first of each sort of matrix stand for the others, but in CI.
KINDS = [
    pytest.param(
        kind, dtype, index, id=f"{kind.__name__}-{dtype.__name__}-{index.__name__}", marks=marks
    )
    for kind, dtype, index, marks in [
        (CSC, np.float64, np.int32, ()),
        (CSC, np.float32, np.int32, pytest.mark.compiles),
        (CSC, np.float64, np.int64, pytest.mark.compiles),
        (CSC, np.float32, np.int64, pytest.mark.compiles),
        (CSR, np.float64, np.int32, ()),
        (np.ndarray, np.float64, np.int64, ()),
        (np.ndarray, np.float32, np.int64, pytest.mark.compiles),
    ]
]
all_kinds = pytest.mark.parametrize(("kind", "dtype", "index"), KINDS)
# These are exact in float32, and products and sums exact in float64: their order is irrelevant.
eighths = st.integers(-64, 64).map(lambda k: k / 8)
sparse_entries = st.one_of(st.just(0.0), st.just(0.0), eighths)


@st.composite
def problems(draw):
    """Draw a matrix, a vector over its rows, two columns, a part of the rows, and a factor."""
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    X = draw(arrays(np.float64, (n, d), elements=sparse_entries))
    r = draw(arrays(np.float64, n, elements=eighths))
    j, k = draw(st.integers(0, d - 1)), draw(st.integers(0, d - 1))
    part = tuple(sorted([draw(st.integers(0, n)), draw(st.integers(0, n))]))
    return X, r, j, k, part, draw(eighths)


def stored(X, kind, dtype, index):
    if kind is np.ndarray:
        return np.asfortranarray(X, dtype=dtype)
    return naive.sparse(X.T if kind is CSR else X, kind, dtype, index)


@numba.njit
def all_compiled(A, j, k, r, c, part, whole, cut):
    axpy(c, A, j, whole)
    axpy(c, A, j, cut, part)
    return (
        dot(A, j, r), column_norm2(A, j), column_sum(A, j), column_dot(A, j, k),
        column_nnz(A, j), overlap(A, j, k),
    )  # fmt: skip


def all_naive(X, A, j, k, r):
    rows = naive.stored(A, j)
    return (
        X[:, j] @ r, X[:, j] @ X[:, j], X[:, j].sum(), X[:, j] @ X[:, k],
        len(rows), bool(rows & naive.stored(A, k)),
    )  # fmt: skip


@all_kinds
@given(problems())
def test_columns_as_the_twin_has_them(kind, dtype, index, problem):
    X, r, j, k, part, c = problem
    A = stored(X, kind, dtype, index)
    expected = all_naive(X, A, j, k, r)
    outside = (
        dot(A, j, r), column_norm2(A, j), column_sum(A, j), column_dot(A, j, k),
        column_nnz(A, j), overlap(A, j, k),
    )  # fmt: skip
    assert outside == expected
    whole, cut = r.copy(), r.copy()
    assert all_compiled(A, j, k, r, c, part, whole, cut) == expected
    np.testing.assert_array_equal(whole, r + c * X[:, j])
    np.testing.assert_array_equal(cut, r + c * X[:, j] * naive.in_part(len(r), part))


@all_kinds
@given(problems())
def test_axpy_outside_compiled_code(kind, dtype, index, problem):
    X, r, j, _, part, c = problem
    A = stored(X, kind, dtype, index)
    whole, cut = r.copy(), r.copy()
    axpy(c, A, j, whole)
    axpy(c, A, j, cut, part)
    np.testing.assert_array_equal(whole, r + c * X[:, j])
    np.testing.assert_array_equal(cut, r + c * X[:, j] * naive.in_part(len(r), part))


@given(problems())
def test_parts_add_up_to_the_whole(problem):
    X, r, j, _, (a, b), c = problem
    A = naive.sparse(X)
    whole, pieces = r.copy(), r.copy()
    axpy(c, A, j, whole)
    for part in ((0, a), (a, b), (b, len(r))):
        axpy(c, A, j, pieces, part)
        first, last = column_part(A, j, part)
        assert set(A.indices[first:last]) == naive.stored(A, j) & set(range(*part))
    np.testing.assert_array_equal(whole, pieces)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(20, 200))
def test_a_column_much_longer_than_the_other_is_searched(seed, short, n):
    rng = np.random.default_rng(seed)
    X = np.zeros((n, 2))
    X[rng.choice(n, min(short, n), replace=False), 0] = 1.5
    X[:, 1] = rng.integers(0, 3, n)
    A = naive.sparse(X)
    rows = naive.stored(A, 0) & naive.stored(A, 1)
    for j, k in ((0, 1), (1, 0)):
        assert column_dot(A, j, k) == X[:, 0] @ X[:, 1]
        assert overlap(A, j, k) == bool(rows)


@pytest.mark.parametrize("kind", [CSC, np.ndarray])
def test_float32_entries_are_summed_in_float64(kind):
    X = np.ones((3, 1))
    X[0] = 2.0**25
    A = stored(X, kind, np.float32, np.int32)
    assert column_sum(A, 0) == 2.0**25 + 2.0
    assert column_norm2(A, 0) == 2.0**50 + 2.0
    assert dot(A, 0, np.array([1.0, 1.0, -1.0])) == 2.0**25
    assert column_dot(A, 0, 0) == 2.0**50 + 2.0


@given(st.floats(-1e6, 1e6), st.floats(0.0, 1e6))
@example(1.0, 1.0)
@example(-1.0, 1.0)
@example(0.0, 0.0)
def test_soft_threshold(x, threshold):
    assert soft_threshold(x, threshold) == naive.soft_threshold(x, threshold)


@given(st.floats(-1e3, 1e3), st.floats(0.0, 1e3), st.floats(-2e3, 2e3))
def test_soft_threshold_minimises_its_objective(x, threshold, other):
    def objective(z):
        return 0.5 * (z - x) ** 2 + threshold * abs(z)

    best = objective(soft_threshold(x, threshold))
    assert best <= objective(other) + 1e-9 * max(1.0, abs(best))


def test_soft_threshold_keeps_nan_and_infinity():
    assert np.isnan(soft_threshold(np.nan, 1.0))
    assert soft_threshold(np.inf, 1.0) == np.inf
    assert soft_threshold(-np.inf, 1.0) == -np.inf


def columns_of(A, d):
    made = coupling.Columns(
        A, np.zeros(d), np.zeros(d, np.uint64), np.full((8, 2), -1, np.int64),
        np.zeros(8), np.zeros(1, np.int64),
    )  # fmt: skip
    prepare = coupling.prepare_columns if isinstance(A, tuple) else coupling.prepare_dense
    prepare(A, made.norms, made.signatures)
    return made


@numba.njit
def conflicts_compiled(c, j, others, rho):
    return coupling.conflicts(c, j, others, rho)


def assert_conflicts(c, strength, rho):
    """Compare every id with no ids, with each other id, and with all other ids."""
    d = len(strength)
    for j in range(d):
        rest = np.array([k for k in range(d) if k != j], dtype=np.int64)
        for others in [rest, *rest.reshape(-1, 1), rest[:0]]:
            expected = bool(np.any(strength[j, others] >= rho))
            assert conflicts_compiled(c, j, others, rho) == expected
    some = np.array([d - 1], dtype=np.int64)
    assert coupling.conflicts(c, 0, some[:0], rho) is False


@st.composite
def strengths(draw):
    """Draw a data matrix, and a threshold that no correlation equals."""
    n, d = draw(st.integers(1, 8)), draw(st.integers(2, 6))
    X = draw(arrays(np.float64, (n, d), elements=sparse_entries))
    rho = draw(st.sampled_from([0.05, 0.1, 0.3, 0.6, 0.9]))
    values = naive.correlations(X)
    while np.any(np.abs(values - rho) < 1e-9):
        rho += 1e-6
    return X, rho


@pytest.mark.parametrize("kind", [CSC, np.ndarray])
@given(strengths())
def test_correlations_of_columns(kind, case):
    X, rho = case
    A = stored(X, kind, np.float64, np.int32)
    assert_conflicts(columns_of(A, X.shape[1]), naive.correlations(X), rho)


@given(strengths())
def test_a_gram_matrix_tells_the_same(case):
    X, rho = case
    G = X.T @ X
    c = coupling.Gram(G, np.diag(G).copy())
    np.testing.assert_allclose(naive.gram_couplings(G), naive.correlations(X), atol=1e-12)
    assert_conflicts(c, naive.gram_couplings(G), rho)


@given(st.integers(2, 7).flatmap(lambda d: arrays(np.bool_, (d, d))))
def test_neighbours_in_a_graph(adjacent):
    adjacent = adjacent | adjacent.T
    graph = naive.sparse(adjacent, CSR)
    c = coupling.Graph(graph.indices, graph.indptr)
    assert_conflicts(c, adjacent.astype(float), 0.5)


def test_no_coupling_never_conflicts():
    others = np.arange(5)
    c = coupling.Independent(np.zeros(1))
    assert not conflicts_compiled(c, 0, others, 0.0)
    assert not coupling.conflicts(c, 0, others, 0.0)


def test_kernels_do_not_warn_about_arithmetic():
    A = stored(np.ones((2, 1)), CSC, np.float64, np.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isinf(dot(A, 0, np.array([np.inf, 1.0])))


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@given(seed=st.integers(0, 2**16), n=st.integers(1, 9))
def test_rows_count_with_their_weights(kind, seed, n):
    rng = np.random.default_rng(seed)
    dense = rng.choice([0.0, 1.0, 2.0], size=(n, 4), p=[0.5, 0.4, 0.1])
    dense[:, 3] = 1.0
    weight = rng.choice([0.0, 0.5, 3.0], size=n)
    A = naive.sparse(dense) if kind == "sparse" else np.asfortranarray(dense)
    for j in range(4):
        seen = dense[weight > 0.0, j]
        assert column_uniform(A, j, weight) == (len(np.unique(seen)) <= 1)
        assert weighted_norm2(A, j, weight) == pytest.approx(weight @ dense[:, j] ** 2)
