"""Kernels of factorisations, against naive twins and by their properties."""

import naive_factors as naive
import numba
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba.core.errors import TypingError

from strads.kernels.factors import row_blocks as blocks
from strads.kernels.factors import row_steps as steps
from strads.kernels.factors.buckets import Places, coprime, count_buckets, fill_buckets
from strads.kernels.factors.gradient_steps import STATE, gradient_steps
from strads.kernels.factors.gram_rows import gram_rows
from strads.kernels.factors.row_blocks import row_blocks
from strads.kernels.factors.row_steps import row_steps
from strads.kernels.factors.row_terms import (
    Side,
    add_row,
    clear_row,
    dot_rows,
    row_penalty,
    slope,
    times,
)
from strads.kernels.lanes import LANES, load, madd, mul, padded, splat, store, total

JIT = not numba.config.DISABLE_JIT
RANK = 20  # two vectors, most of the second padding
# These, their products and sums of sixteen are exact in float32, so that their order is irrelevant.
eighths = st.integers(-64, 64).map(lambda k: k / 8)
seeds = st.integers(0, 2**32 - 1)


def widened(F, width=None):
    """Pad rows with zeros to a whole number of vectors, as kernels expect them."""
    wide = np.zeros((len(F), padded(F.shape[1]) if width is None else width), F.dtype)
    wide[:, : F.shape[1]] = F
    return wide


# -- lanes -----------------------------------------------------------------------------------------


@numba.njit
def each_operation(A, row, first, c, out):
    a, b = load(A, row, first), load(A, row + 1, first)
    store(out, 0, 0, a)
    store(out, 1, 0, splat(A, c))
    store(out, 2, 0, mul(a, b))
    store(out, 3, 0, madd(a, b, splat(out, c)))
    store(out, row + 4, first, madd(b, b, load(A, row, first)))
    return total(a)


@pytest.mark.parametrize("view", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(
    values=arrays(np.float64, (4, 3 * LANES), elements=eighths),
    row=st.integers(0, 2), first=st.integers(0, 2 * LANES), c=eighths,
)  # fmt: skip
def test_lanes(dtype, view, values, row, first, c):
    A = values.astype(dtype)
    if view:  # rows that are not contiguous
        A = np.hstack([np.full_like(A, np.nan), A])[:, A.shape[1] :]
    out = np.zeros((8, 3 * LANES), dtype)
    assert each_operation(A, row, first, c, out) == values[row, first : first + LANES].sum()
    a, b = (values[k, first : first + LANES] for k in (row, row + 1))
    expected = np.zeros(out.shape)
    expected[:4, :LANES] = a, np.full(LANES, c), a * b, a * b + c
    expected[row + 4, first : first + LANES] = b * b + a
    np.testing.assert_array_equal(out, expected)


@given(st.integers(0, 1000))
def test_padded_is_the_next_whole_number_of_vectors(length):
    assert padded(length) % LANES == 0
    assert 0 <= padded(length) - length < LANES


@pytest.mark.skipif(not JIT, reason="types are checked when code is compiled")
def test_lanes_of_other_arrays_do_not_compile():
    @numba.njit
    def copied(A, B):
        store(B, 0, 0, load(A, 0, 0))

    single, double = np.zeros((1, LANES), np.float32), np.zeros((1, LANES))
    with pytest.raises(TypingError, match="2-D array of floats"):
        copied(np.zeros((1, LANES), np.int64), double)
    with pytest.raises(TypingError, match="2-D array of floats"):
        copied(np.zeros(LANES), double)
    with pytest.raises(TypingError, match="cannot store"):
        copied(single, double)
    double.flags.writeable = False
    with pytest.raises(TypingError, match="cannot store"):
        copied(double, double)


# -- gradient steps --------------------------------------------------------------------------------


@given(
    seed=seeds, ratings=st.integers(0, 12), components=st.sampled_from([1, 16, RANK]),
    biased=st.booleans(), penalty=st.sampled_from([0.0, 0.1]),
)  # fmt: skip
def test_gradient_steps_one_rating_after_the_other(seed, ratings, components, biased, penalty):
    rng = np.random.default_rng(seed)
    users, items = 3, 2  # few, so that steps use rows that earlier steps changed
    W, H = rng.normal(size=(users, components)), rng.normal(size=(items, components))
    w_state, h_state = rng.uniform(0.5, 2.0, (2, 3, STATE))
    user = rng.integers(0, users, ratings).astype(np.int32)
    item = rng.integers(0, items, ratings).astype(np.int32)
    value = rng.normal(size=ratings)
    first = int(rng.integers(0, ratings + 1))
    last = int(rng.integers(first, ratings + 1))
    rates = 0.1, 0.1 * biased, penalty, 0.5 * penalty
    F, G = widened(W), widened(H)
    f_state, g_state = w_state.copy(), h_state.copy()
    hyper = np.array([*rates, 1.0 / components])
    loss = gradient_steps(user, item, value, first, last, F, G, f_state, g_state, hyper)
    some = slice(first, last)
    twin = naive.gradient_steps(user[some], item[some], value[some], W, H, w_state, h_state, *rates)
    assert loss == pytest.approx(twin, rel=1e-10)
    for found, expected in ((F, widened(W)), (G, widened(H)), (f_state, w_state)):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(g_state, h_state, rtol=1e-10, atol=1e-12)
    assert not F[:, components:].any()
    assert biased or np.array_equal(f_state[:, 0], w_state[:, 0])


# -- buckets ---------------------------------------------------------------------------------------


@given(
    seed=seeds, users=st.integers(1, 12), items=st.integers(1, 9), groups=st.integers(1, 4),
    slices=st.integers(1, 4), density=st.sampled_from([0.0, 0.3, 1.0]),
)  # fmt: skip
def test_buckets_hold_every_rating_once(seed, users, items, groups, slices, density):
    rng = np.random.default_rng(seed)
    R = sp.csr_array(sp.random_array((users, items), density=density, random_state=rng))
    R.data[:] = np.arange(R.nnz) + 1.0  # all values different
    places = Places(
        users=rng.permutation(users),
        items=rng.permutation(items).astype(np.int32),
        group=np.sort(rng.integers(0, groups, users)).astype(np.int32),
        slice=rng.integers(0, slices, items).astype(np.int32),
    )
    counts = np.zeros((groups, slices), np.int64)
    cut = int(np.searchsorted(places.group, groups // 2))  # workers share no group
    for part in ((0, cut), (cut, users)):
        count_buckets(R.indptr, R.indices, places, *part, counts)
    assert counts.sum() == R.nnz
    starts = np.zeros_like(counts)
    order = rng.permutation(counts.size)  # callers may put the buckets in any order
    starts.flat[order] = np.cumsum(counts.flat[order]) - counts.flat[order]
    user, item = np.full(R.nnz, -1, np.int32), np.full(R.nnz, -1, np.int32)
    value, shift = np.full(R.nnz, np.nan), np.array([3.0, 0.5])
    matrix = R.indptr, R.indices, R.data
    for part in ((cut, users), (0, cut)):
        fill_buckets(*matrix, places, *part, starts, counts, shift, user, item, value)
    found = sorted(zip((value * 2.0 + 3.0).tolist(), user.tolist(), item.tolist(), strict=True))
    row = np.repeat(np.arange(users), np.diff(R.indptr))
    laid_out = np.argsort(places.users)
    expected = zip(R.data.tolist(), laid_out[row].tolist(), places.items[R.indices].tolist())
    assert found == sorted(expected)
    for g, s in np.ndindex(groups, slices):
        mine = slice(starts[g, s], starts[g, s] + counts[g, s])
        assert np.all(places.group[user[mine]] == g)
        assert np.all(places.slice[item[mine]] == s)


@given(st.integers(1, 10**6))
def test_a_coprime_step_visits_every_position(size):
    step = coprime(size)
    assert naive.coprime(step, size)
    assert 1 <= step <= max(size - 1, 1)


# -- rows ------------------------------------------------------------------------------------------

#: q₀, q₁, t₀, t₁, the constants for t² and t in the value; whether S counts; how entries are drawn.
MODELS = {
    "ratings": ((1.0, 0.0, -0.5, 1.0, 1.0, 0.0), False),
    "stored": ((-1.0, 2.0, 0.0, 2.0, 0.0, 1.0), True),
    "linear": ((0.0, 2.0, 1.0, 2.0, 0.0, 1.0), True),
    "everything": ((0.0, 0.0, 0.0, 1.0, 0.0, 0.0), True),
}


class Case:
    """A random row w of a factor, the arguments for kernels, and its naive twin."""

    def __init__(self, seed, model="ratings", penalty=0.3, scaled=False, biased=True, start=1.0):
        rng = np.random.default_rng(seed)
        n, self.w = 7, 1
        terms, self.gram = MODELS[model]
        self.biased = biased and not self.gram
        self.terms = np.array(terms)
        H = rng.normal(size=(n, RANK)) / np.sqrt(RANK)
        bias = rng.normal(size=n) * (not self.gram)
        x = rng.uniform(0.1, 2.0, 9)
        j = rng.permutation(n)[rng.integers(0, n, 9)].astype(np.int32)
        self.lo = int(rng.integers(0, 3))
        self.hi = int(rng.integers(self.lo + 1, 10))
        if self.gram:  # each row of H once: its weight may be negative, but not below that in S
            self.hi = min(self.hi, self.lo + n)
            j[self.lo : self.hi] = rng.permutation(n)[: self.hi - self.lo]
        self.x, self.j, self.penalty, self.scaled = x, j, penalty, scaled
        S = H.T @ H if self.gram else np.zeros((RANK, RANK))
        wide = np.zeros((padded(RANK),) * 2)
        wide[:RANK, :RANK] = S if self.gram else np.nan  # must not be read
        self.side = Side(widened(H), bias, wide)
        self.W = widened(rng.normal(size=(3, RANK)) * start)
        self.beta = float(rng.normal() * self.biased)
        entries = slice(self.lo, self.hi)
        q = terms[0] + terms[1] * x[entries]
        t = terms[2] + terms[3] * x[entries] - bias[j[entries]]
        self.constant = float(np.sum(terms[4] * t**2 + terms[5] * t))
        self.many = self.hi - self.lo if scaled else 1
        self.row = naive.Row(q, t, H[j[entries]], S, penalty * self.many)
        self.rows = self.W.copy()

    @property
    def weights(self):
        return self.W[self.w, :RANK]

    def given(self):
        return self.x, self.j, self.lo, self.hi, self.W, self.w, self.beta, self.side

    def assert_only_the_row_moved(self):
        self.rows[self.w, :RANK] = self.weights
        np.testing.assert_array_equal(self.W, self.rows)


@given(seed=seeds, c=eighths)
def test_row_operations(seed, c):
    rng = np.random.default_rng(seed)
    A, B = widened(rng.normal(size=(2, RANK))), widened(rng.normal(size=(3, RANK)))
    S = rng.normal(size=(A.shape[1],) * 2)
    S = S + S.T
    C = B.copy()
    assert dot_rows(A, 1, B, 2) == pytest.approx(A[1] @ B[2], abs=1e-12)
    add_row(c, A, 1, C, 2)
    times(S, A, 0, C, 0)
    clear_row(C, 1)
    expected = [S @ A[0], np.zeros(A.shape[1]), B[2] + c * A[1]]
    np.testing.assert_allclose(C, expected, atol=1e-12)


def test_a_penalty_is_for_the_row_or_for_each_of_its_entries():
    assert row_penalty(np.array([0.5, 0.0]), 3) == 0.5
    assert row_penalty(np.array([0.5, 1.0]), 3) == 1.5


@pytest.mark.parametrize("model", MODELS)
@given(seed=seeds)
def test_slope(model, seed):
    case = Case(seed, model)
    work = np.ones((2, case.W.shape[1]))
    of_bias, value = slope(*case.given(), case.terms, work)
    w = case.weights
    by_w, by_beta = case.row.slope(w, case.beta)
    by_w = by_w + case.row.S @ w  # the kernel leaves this part out
    assert of_bias == pytest.approx(by_beta, abs=1e-10)
    data_value = case.row.data(w, case.beta) - w @ case.row.S @ w
    assert value == pytest.approx(data_value + case.constant, abs=1e-10)
    np.testing.assert_allclose(work[0, :RANK], 1.0 + by_w, atol=1e-10)
    np.testing.assert_array_equal(work[1], 1.0)


def take_steps(case, count, relax, rng):
    """Run :func:`row_steps` with a random preconditioner; return its results."""
    factor = rng.normal(size=(RANK, RANK)) / np.sqrt(RANK)
    P = np.zeros_like(case.side.S)
    P[:RANK, :RANK] = np.eye(RANK) + factor @ factor.T
    step = np.zeros(steps.STEP)
    step[steps.PENALTY], step[steps.SCALED], step[steps.GRAM] = case.penalty, case.scaled, case.gram
    step[steps.STEPS], step[steps.RELAX] = count, relax
    step[steps.BIAS] = rng.uniform(0.1, 1.0) if case.biased else 0.0
    work = np.full((steps.WORK, case.W.shape[1]), np.nan)
    return row_steps(*case.given(), P, case.terms, step, work)


@pytest.mark.parametrize("model", MODELS)
@given(seed=seeds, scaled=st.booleans(), biased=st.booleans())
def test_enough_steps_solve_the_row(model, seed, scaled, biased):
    case = Case(seed, model, scaled=scaled, biased=biased)
    value = case.row.data(case.weights, case.beta) + case.constant
    beta, returned = take_steps(case, 2 * RANK, 1.0, np.random.default_rng(seed + 1))
    w, expected = case.row.solution(case.biased)
    np.testing.assert_allclose(case.weights, w, atol=1e-6)
    assert beta == pytest.approx(expected, abs=1e-6)
    assert returned == pytest.approx(value, rel=1e-10, abs=1e-10)
    case.assert_only_the_row_moved()


@pytest.mark.parametrize("model", MODELS)
@given(
    seed=seeds, relax=st.floats(0.01, 1.99), count=st.integers(1, 3), scaled=st.booleans(),
    penalty=st.sampled_from([0.0, 1e-3, 1.0]),
)  # fmt: skip
@example(seed=21, relax=0.75, count=3, scaled=False, penalty=0.0)  # a singular matrix, solved
@example(seed=13013, relax=0.75, count=3, scaled=False, penalty=0.0)
@example(seed=3, relax=1.5, count=3, scaled=False, penalty=0.0)
def test_no_step_raises_the_objective(model, seed, relax, count, scaled, penalty):
    case = Case(seed, model, penalty=penalty, scaled=scaled)
    before = case.row.value(case.weights, case.beta)
    beta, _ = take_steps(case, count, relax, np.random.default_rng(seed + 1))
    assert beta == 0.0 or case.biased
    after = case.row.value(case.weights, beta)
    assert after <= before + 1e-9 * (1.0 + abs(before))
    case.assert_only_the_row_moved()


def test_a_solved_row_stays():
    case = Case(3)
    w, case.beta = case.row.solution(True)
    case.W[case.w, :RANK] = w
    take_steps(case, 1, 1.9, np.random.default_rng(0))
    np.testing.assert_allclose(case.weights, w, atol=1e-12)


def descend(case, l1, nonnegative, sweeps=2):
    step = np.zeros(blocks.STEP)
    step[blocks.PENALTY], step[blocks.SCALED] = case.penalty, case.scaled
    step[blocks.L1], step[blocks.SWEEPS], step[blocks.NONNEGATIVE] = l1, sweeps, nonnegative
    step[blocks.BIASED], step[blocks.GRAM] = case.biased, case.gram
    work = np.full((blocks.WORK, case.W.shape[1]), np.nan)
    room = np.full(len(case.x), np.nan)
    return row_blocks(*case.given(), case.terms, step, work, room)


constraints = {"l1": st.sampled_from([0.0, 0.05, 0.5]), "nonnegative": st.booleans()}


@pytest.mark.parametrize("model", MODELS)
@given(
    seed=seeds, scaled=st.booleans(), penalty=st.sampled_from([0.0, 1e-3, 1.0]),
    sweeps=st.integers(1, 3), **constraints,
)  # fmt: skip
def test_blocks_never_raise_the_objective(model, seed, scaled, penalty, sweeps, l1, nonnegative):
    case = Case(seed, model, penalty=penalty, scaled=scaled)
    if nonnegative:
        np.abs(case.W, out=case.W)
        case.rows[:] = case.W
    old, old_beta, kappa = case.weights.copy(), case.beta, l1 * case.many
    before = case.row.value(old, old_beta, kappa)
    beta, value, moved = descend(case, l1, nonnegative, sweeps)
    after = case.row.value(case.weights, beta, kappa)
    assert after <= before + 1e-9 * (1.0 + abs(before))
    assert value == pytest.approx(case.row.data(old, old_beta) + case.constant, abs=1e-9)
    length = np.sum((case.weights - old) ** 2) + (beta - old_beta) ** 2
    assert moved == pytest.approx(length, rel=1e-6, abs=1e-12)
    assert not nonnegative or case.weights.min() >= 0.0
    assert beta == 0.0 or case.biased
    case.assert_only_the_row_moved()


@pytest.mark.parametrize("model", MODELS)
@given(seed=seeds, scaled=st.booleans(), biased=st.booleans(), **constraints)
def test_many_passes_end_at_the_minimum(model, seed, scaled, biased, l1, nonnegative):
    case = Case(seed, model, penalty=0.5, scaled=scaled, biased=biased)
    for _ in range(500):
        case.beta, _, moved = descend(case, l1, nonnegative)
        if moved < 1e-18:
            break
    w, kappa, penalty = case.weights, l1 * case.many, case.row.penalty
    by_w, by_beta = case.row.slope(w, case.beta)
    by_w -= penalty * w
    at_zero = by_w if nonnegative else np.abs(by_w)
    assert np.all(at_zero[w == 0.0] <= kappa + 1e-6)
    np.testing.assert_allclose(by_w[w != 0.0], kappa * np.sign(w[w != 0.0]), atol=1e-6)
    assert not case.biased or by_beta == pytest.approx(penalty * case.beta, abs=1e-6)
    assert not nonnegative or w.min() >= 0.0
    if l1 == 0.0 and not nonnegative:
        solved, beta = case.row.solution(case.biased)
        np.testing.assert_allclose(w, solved, atol=1e-5)
        assert case.beta == pytest.approx(beta, abs=1e-5)


def test_l1_empties_a_row():
    case = Case(5, penalty=0.5)
    for _ in range(3):
        case.beta, _, _ = descend(case, 1e3, False)
    assert not case.weights.any()
    assert case.beta != 0.0  # the L1 penalty does not apply to biases


def test_l1_empties_what_nothing_else_depends_on():
    """The fixed factor is zero, so the sum does not depend on the row: 0 is its only minimum."""
    case = Case(5, "everything", penalty=0.0)
    case.side.H[:] = 0.0
    case.side.S[:] = 0.0
    old = case.weights.copy()
    descend(case, 0.0, True)
    np.testing.assert_array_equal(case.weights, old)
    descend(case, 0.1, True)
    assert not case.weights.any()


# -- Gram matrices ---------------------------------------------------------------------------------


@given(seed=seeds, n=st.integers(0, 11), components=st.sampled_from([1, 16, RANK]))
def test_gram_rows(seed, n, components):
    rng = np.random.default_rng(seed)
    F, weight = widened(rng.normal(size=(n, components))), rng.normal(size=n)
    lo, hi = np.sort(rng.integers(0, n + 1, 2))
    G = np.full((F.shape[1],) * 2, np.nan)
    gram_rows(F, weight, lo, hi, G)
    some = slice(lo, hi)
    np.testing.assert_allclose(G, F[some].T @ (weight[some, None] * F[some]), atol=1e-12)
    np.testing.assert_array_equal(G, G.T)
