"""Kernels of sparse graphs of variables, beside what the formulas say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_covariance import (
    covariances,
    graphical_objective,
    lasso_gap,
    model_value,
    off_diagonal,
    pair_objective,
    pair_violation,
)

from strads.algorithms.covariance import large_blocks
from strads.kernels.covariance.cholesky import factor, invert
from strads.kernels.covariance.gram_lasso import gram_lasso
from strads.kernels.covariance.newton_direction import list_active, newton_direction, sweep
from strads.kernels.covariance.newton_step import dual_value, take_step
from strads.kernels.covariance.pair_updates import (
    row_violation,
    update_diagonal,
    update_pair,
)

FEW = settings(max_examples=max(6, settings.default.max_examples // 4))
seeds = st.integers(0, 10_000)
alphas = st.sampled_from([0.01, 0.1, 0.4])
#: By day tests/algorithms/common/test_fit_series.py compiles and runs these kernels in a whole fit.
IN_A_FIT = pytest.mark.compiles


class Listed:
    """A problem, a Θ that is not optimal, and its active entries."""

    def __init__(self, seed, p, alpha):
        self.S, self.alpha = covariances(seed, p), alpha
        rng = np.random.default_rng(seed)
        theta = off_diagonal(np.where(rng.random((p, p)) < 0.3, rng.normal(size=(p, p)), 0.0))
        theta = 0.2 * (theta + theta.T)
        self.theta = theta + np.diag(np.abs(theta).sum(axis=1) + 0.5)
        self.W = np.linalg.inv(self.theta)
        self.starts = np.zeros(p + 1, np.int64)
        self.columns = np.zeros(p * p, np.int32)
        self.direction = np.ones(p * p)
        self.work = (
            np.zeros((p, 16)), np.zeros((p, 16)), np.zeros(p), np.zeros(p, np.int64)
        )  # fmt: skip
        self.said = list_active(*self.problem, self.starts, self.columns, self.direction)

    @property
    def problem(self):
        return self.S, self.theta, self.W, self.alpha

    @property
    def entries(self):
        return self.starts, self.columns, self.direction

    @property
    def rows(self):
        return np.repeat(np.arange(len(self.S)), np.diff(self.starts))

    def dense(self):
        D = np.zeros_like(self.S)
        D[self.rows, self.columns[: self.starts[-1]]] = self.direction[: self.starts[-1]]
        return D


@FEW
@given(seed=seeds, m=st.integers(1, 12))
def test_factor_and_inverse(seed, m):
    A = covariances(seed, m) + 0.1 * np.eye(m) if m > 1 else np.array([[2.0]])
    L, M, W = A.copy(), np.zeros((m, m)), np.zeros((m, m))
    np.testing.assert_allclose(factor(L, m), np.linalg.slogdet(A)[1], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.tril(L), np.linalg.cholesky(A), rtol=1e-9)
    invert(L, m, M, W)
    np.testing.assert_allclose(W, np.linalg.inv(A), rtol=1e-6, atol=1e-9)
    broken = A - 2.0 * np.linalg.eigvalsh(A)[-1] * np.eye(m)
    assert np.isnan(factor(broken.copy(), m)) and np.isnan(large_blocks.factor(broken.copy()))
    fortran = A.copy()
    np.testing.assert_allclose(large_blocks.factor(fortran), np.linalg.slogdet(A)[1], atol=1e-9)
    np.testing.assert_allclose(large_blocks.invert(fortran), W, rtol=1e-6, atol=1e-9)


@FEW
@given(seed=seeds, p=st.integers(2, 20), alpha=alphas)
def test_active_entries(seed, p, alpha):
    case = Listed(seed, p, alpha)
    gradient = case.S - case.W
    active = (case.theta != 0) | (np.abs(gradient) > alpha) | np.eye(p, dtype=bool)
    rows, columns = np.nonzero(active)
    np.testing.assert_array_equal(case.rows, rows)
    np.testing.assert_array_equal(case.columns[: len(columns)], columns)
    assert not case.direction[: len(columns)].any()
    _, estimate, linear = case.said
    off = np.abs(off_diagonal(case.theta)).sum()
    expected = np.sum(case.S * case.theta) + alpha * off
    np.testing.assert_allclose(linear, expected)
    feasible = large_blocks.feasible(case.S, case.W, alpha)
    np.testing.assert_allclose(estimate, expected - np.sum(feasible * case.theta), atol=1e-9)
    assert estimate >= -1e-12


@IN_A_FIT
@FEW
@given(seed=seeds, p=st.integers(2, 20), alpha=alphas)
def test_sweeps_lower_the_model_by_what_they_say(seed, p, alpha):
    case = Listed(seed, p, alpha)
    before = 0.0
    for _ in range(3):
        fallen = sweep(*case.problem, *case.entries, case.work)
        D = case.dense()
        np.testing.assert_array_equal(D, D.T)
        after = model_value(*case.problem, D)
        np.testing.assert_allclose(before - after, fallen, rtol=1e-6, atol=1e-9)
        before = after


@IN_A_FIT
@FEW
@given(seed=seeds, p=st.integers(2, 12), alpha=alphas)
def test_steps_of_small_and_large_problems(seed, p, alpha):
    case = Listed(seed, p, alpha)
    before, logdet = (
        graphical_objective(case.S, case.theta, alpha),
        np.linalg.slogdet(case.theta)[1],
    )
    slope, _ = newton_direction(*case.problem, *case.entries, case.work)
    D = case.dense()
    penalty = np.abs(off_diagonal(case.theta + D)).sum() - np.abs(off_diagonal(case.theta)).sum()
    np.testing.assert_allclose(slope, np.sum((case.S - case.W) * D) + alpha * penalty, atol=1e-9)
    other, inverse = case.theta.copy(), case.W.copy()
    count = case.starts[-1]
    along = large_blocks.Direction(
        case.rows, case.columns[:count].astype(int), case.direction[:count]
    )
    large = large_blocks.take_step(case.S, other, inverse, alpha, along, slope, logdet)
    L, M = np.zeros((p, p)), np.zeros((p, p))
    small = take_step(*case.problem, *case.entries, slope, logdet, L, M)
    np.testing.assert_allclose(small, np.linalg.slogdet(case.theta)[1], atol=1e-8)
    np.testing.assert_allclose(small, large, atol=1e-8)
    np.testing.assert_allclose(case.theta, other, atol=1e-8)
    np.testing.assert_allclose(case.W, np.linalg.inv(case.theta), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(inverse, case.W, rtol=1e-5, atol=1e-8)
    after = graphical_objective(case.S, case.theta, alpha)
    assert after <= before + 1e-9
    dual = dual_value(case.S, case.W, alpha, L)
    np.testing.assert_allclose(dual, large_blocks.dual_value(case.S, case.W, alpha), atol=1e-8)
    first = large_blocks.first_dual_value(case.S, alpha)
    best = large_blocks.best_dual_value(case.S, case.W, alpha)
    assert max(dual, first) <= best + 1e-9 and best <= after + 1e-9


@FEW
@given(seed=seeds, p=st.integers(2, 10), alpha=alphas)
def test_the_lasso_of_one_variable(seed, p, alpha):
    S = covariances(seed, p)
    b, q, ids = np.ones(p), np.zeros(p), np.zeros(p, np.int64)
    j = seed % p
    gap, sweeps = gram_lasso(S, j, alpha, 1e-8, 5000, b, q, ids)
    assert gap <= 1e-8 and b[j] == 0.0 and sweeps < 5000
    others = np.arange(p) != j
    np.testing.assert_allclose((S[j] - S @ b)[others], q[others], atol=1e-9)
    np.testing.assert_allclose(gap, lasso_gap(S, j, alpha, b), atol=1e-8)


@FEW
@given(seed=seeds, p=st.integers(2, 8), alpha=alphas)
def test_updates_of_pairs_minimise(seed, p, alpha):
    S = covariances(seed, p)
    rng = np.random.default_rng(seed)
    omega = np.diag(rng.uniform(0.5, 2.0, p))
    T = omega @ S
    i, j = sorted(rng.choice(p, 2, replace=False))
    for update, places in (
        (lambda: update_pair(i, j, S, alpha, omega, T), ((i, j), (j, i))),
        (lambda: update_diagonal(i, S, omega, T), ((i, i),)),
    ):
        update()
        np.testing.assert_allclose(T, omega @ S, atol=1e-9)
        found = pair_objective(S, omega, alpha)
        for move in (-1e-4, 1e-4):
            other = omega.copy()
            for place in places:
                other[place] += move
            assert pair_objective(S, other, alpha) >= found - 1e-12
    parts = np.array([row_violation(k, S, alpha, omega, T) for k in range(p)])
    np.testing.assert_allclose(
        max(parts[:, 0].max(), parts[:, 1].max()), pair_violation(S, omega, alpha), atol=1e-9
    )
    np.testing.assert_allclose(parts[:, 2].sum(), pair_objective(S, omega, alpha))
