"""Multiplicative updates of a row, against their naive twin and by what theory promises."""

import naive_factors as naive
import numba
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads.kernels.factors import multiplicative as multiplication
from strads.kernels.factors.multiplicative import multiply_row, row_divergence
from strads.kernels.lanes import padded

BETAS = (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
ROWS, COLUMNS, RANK = 3, 7, 5
JIT = not numba.config.DISABLE_JIT
betas = st.sampled_from(BETAS)
seeds = st.integers(0, 2**32 - 1)
penalties = st.sampled_from([0.0, 0.3])


def gamma_of(beta):
    if beta < 1.0:
        return 1.0 / (2.0 - beta)
    return 1.0 / (beta - 1.0) if beta > 2.0 else 1.0


class Case:
    """A matrix, with zeros where β allows them, and the factors W and H of its rows and columns."""

    def __init__(self, seed, beta, dtype=np.float64):
        rng = np.random.default_rng(seed)
        self.beta, self.dtype = beta, dtype
        self.X = rng.uniform(0.1, 4.0, (ROWS, COLUMNS)).astype(dtype)
        if beta > 0.0:
            self.X[rng.random(self.X.shape) < 0.5] = 0.0
        self.W, self.H = (
            np.pad(rng.uniform(0.1, 1.5, (n, RANK)), ((0, 0), (0, padded(RANK) - RANK))).astype(
                dtype
            )
            for n in (ROWS, COLUMNS)
        )
        self.S = np.full((padded(RANK),) * 2, np.nan, dtype)  # not read unless β is 1 or 2
        if beta == 2.0:
            self.S[:] = self.H.T @ self.H
        elif beta == 1.0:
            self.S[0] = self.H.sum(axis=0)

    def entries(self, u):
        rows = sp.csr_array(self.X)
        return rows.data, rows.indices, rows.indptr[u], rows.indptr[u + 1]

    def multiply(self, u, l1=0.0, l2=0.0, cut=0.0):
        step = np.zeros(multiplication.STEP, self.dtype)
        step[multiplication.BETA], step[multiplication.GAMMA] = self.beta, gamma_of(self.beta)
        step[multiplication.L1], step[multiplication.L2], step[multiplication.CUT] = l1, l2, cut
        work = np.full((multiplication.WORK, padded(RANK)), np.nan, self.dtype)
        multiply_row(*self.entries(u), self.W, u, self.H, self.S, step, work)

    def divergence(self, u):
        return row_divergence(*self.entries(u), self.W, u, self.H, self.S, self.beta)

    def naive_divergence(self, u):
        return naive.beta_divergence(self.X[u], self.H @ self.W[u], self.beta)


@given(seed=seeds, beta=betas, l1=penalties, l2=penalties, u=st.integers(0, ROWS - 1))
def test_a_row_is_that_of_the_twin_and_no_other_moves(seed, beta, l1, l2, u):
    case = Case(seed, beta)
    expected, h = case.W.copy(), case.H[:, :RANK]
    gamma = gamma_of(beta)
    expected[u, :RANK] = naive.multiplied(case.X[u], case.W[u, :RANK], h, beta, gamma, l1, l2)
    before = case.divergence(u)
    assert before == pytest.approx(case.naive_divergence(u), rel=1e-9, abs=1e-9)
    case.multiply(u, l1, l2)
    np.testing.assert_allclose(case.W, expected, rtol=1e-9)


@given(seed=seeds, beta=betas, l1=penalties, l2=penalties)
def test_no_update_raises_the_objective(seed, beta, l1, l2):
    case = Case(seed, beta)
    for _ in range(3):
        w = case.W[1].copy()
        before = case.divergence(1) + l1 * w.sum() + 0.5 * l2 * w @ w
        case.multiply(1, l1, l2)
        w = case.W[1]
        after = case.divergence(1) + l1 * w.sum() + 0.5 * l2 * w @ w
        assert after <= before + 1e-9 * (1.0 + abs(before))


def test_an_empty_row_becomes_zero_and_small_entries_can_be_cut():
    case = Case(1, 1.0)
    case.X[0] = 0.0
    case.multiply(0)
    assert not case.W[0].any()
    largest = case.W[1].max()
    case.multiply(1, l1=1e3, cut=largest)
    assert not case.W[1].any()


@pytest.mark.parametrize("beta", BETAS)
def test_zeros_stay_and_give_neither_infinities_nor_nan(beta):
    case = Case(2, beta)
    case.W[0] = 0.0
    case.W[1, 1:] = 0.0
    case.H[3] = 0.0
    if beta in (1.0, 2.0):
        case.S[:] = case.H.T @ case.H if beta == 2.0 else case.H.sum(axis=0)
    for u in range(ROWS):
        case.multiply(u)
        assert np.isfinite(case.divergence(u))
    assert np.isfinite(case.W).all()
    assert not case.W[0].any()
    assert not case.W[1, 1:].any()


@pytest.mark.skipif(JIT, reason="compiles once more; the estimators' tests use both types")
def test_single_precision():
    single, double = Case(3, 1.0, np.float32), Case(3, 1.0)
    for case in (single, double):
        case.multiply(2)
    assert single.W.dtype == np.float32
    np.testing.assert_allclose(single.W, double.W, rtol=1e-5)
