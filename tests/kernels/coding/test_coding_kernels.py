"""Kernels of sparse coding, against their naive twins and by what duality says."""

import naive_coding as naive
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strads.kernels.coding import members
from strads.kernels.coding.atoms import replace_unused, sweep_atoms
from strads.kernels.coding.certificate import certified
from strads.kernels.coding.descent import descend
from strads.kernels.coding.groups import code_group, refresh
from strads.kernels.coding.homotopy import pursue
from strads.kernels.coding.residuals import GROUP
from strads.kernels.coding.space import MEMBERS, Space
from strads.kernels.coding.statistics import add_signal
from strads.kernels.lanes import padded

JIT = not numba.config.DISABLE_JIT
FEW = settings(max_examples=25 if JIT else 5)
#: By day tests/algorithms/coding and bench/coding compile and run these kernels in whole programs.
IN_PROGRAMS = pytest.mark.compiles
seeds = st.integers(0, 2**32 - 1)
penalties = st.sampled_from([0.0, 0.02, 0.3, 3.0])


def wide(rows, count=None):
    made = np.zeros((len(rows) if count is None else count, padded(rows.shape[1])))
    made[: len(rows), : rows.shape[1]] = rows
    return made


def space_for(k):
    few = np.zeros(k, np.int32)
    return Space(*(np.zeros(k * k) for _ in range(2)), *(np.zeros(k) for _ in range(3)),
                 np.zeros((2, k)), np.full((MEMBERS + 2, MEMBERS), np.nan), few,
                 few.copy())  # fmt: skip


class Case:
    """Signals of several lengths, one of zeros, and atoms of which two are equal."""

    def __init__(self, seed, atoms=7, features=5, signals=GROUP):
        rng = np.random.default_rng(seed)
        self.D = rng.normal(size=(atoms, features)) * rng.choice([0.3, 1.0], (atoms, 1))
        self.D[-1] = self.D[0]
        self.X = rng.normal(size=(signals, features)) * rng.choice([0.1, 1.0, 30.0], (signals, 1))
        self.X[-1] = 0.0
        k, p = padded(atoms), padded(features)
        self.wide_D, self.wide_X = wide(self.D, k), wide(self.X)
        self.forms = np.zeros((k, p)), np.zeros((p, k)), np.zeros((k, k))
        refresh(self.wide_D, *self.forms)
        self.C = np.zeros((signals, k))
        self.k = k

    def code(self, alpha, positive=False, tol=1e-12, looks=1000):
        ids = np.arange(len(self.X))
        value = np.zeros(GROUP)
        code_group(
            self.wide_X, ids, self.C, ids, *self.forms, alpha, positive, tol, looks,
            np.zeros((GROUP, self.wide_X.shape[1])), np.zeros((GROUP, self.k)), space_for(self.k),
            value,
        )  # fmt: skip
        return self.C[:, : len(self.D)].copy(), value[: len(self.X)]


@IN_PROGRAMS
@FEW
@given(seed=seeds, alpha=penalties, positive=st.booleans(), signals=st.integers(1, GROUP))
def test_codes_are_those_of_the_twin(seed, alpha, positive, signals):
    case = Case(seed, signals=signals)
    codes, value = case.code(alpha, positive)
    for x, c, rr in zip(case.X, codes, value, strict=True):
        assert naive.gap(x, case.D, c, alpha, positive) <= 1e-11 * (x @ x) or alpha == 0.0
        assert rr == pytest.approx(np.sum((x - c @ case.D) ** 2), rel=1e-6, abs=1e-9 * (x @ x))
        assert not positive or c.min() >= 0.0
        best = naive.code(x, case.D, alpha, positive, sweeps=2000 if JIT else 300)
        least = naive.objective(x, case.D, best, alpha)
        assert naive.objective(x, case.D, c, alpha) <= least + 1e-6 * (x @ x) * (alpha == 0.0) + (
            1e-9 * (x @ x)
        )


@IN_PROGRAMS
@FEW
@given(seed=seeds, alpha=st.sampled_from([0.02, 0.3]), positive=st.booleans())
def test_no_look_raises_the_objective(seed, alpha, positive):
    case = Case(seed)
    before = [np.inf] * len(case.X)
    for _ in range(4):
        codes, _ = case.code(alpha, positive, tol=0.0, looks=1)
        now = [naive.objective(x, case.D, c, alpha) for x, c in zip(case.X, codes, strict=True)]
        assert all(b <= a * (1.0 + 1e-12) for a, b in zip(before, now, strict=True))
        before = now


@IN_PROGRAMS
@FEW
@given(
    seed=seeds, alpha=st.sampled_from([0.02, 0.3]), positive=st.booleans(),
    sizes=st.sampled_from([(7, 5), (20, 24)]),
)  # fmt: skip
def test_the_homotopy_ends_at_the_minimum(seed, alpha, positive, sizes):
    """Its moves of z and of the residual are those of its code, also where atoms are dependent."""
    rng = np.random.default_rng(seed)
    D, x = rng.normal(size=sizes), rng.normal(size=sizes[1])
    k, space = padded(sizes[0]), space_for(padded(sizes[0]))
    G, C, Z = np.zeros((k, k)), np.zeros((1, k)), np.zeros((1, k))
    G[: len(D), : len(D)], Z[0, : len(D)] = D @ D.T, D @ x
    rr = pursue(C, 0, Z, 0, G, alpha, positive, x @ x, 1e-12, space)
    c = C[0, : len(D)]
    assert rr == pytest.approx(np.sum((x - c @ D) ** 2), rel=1e-6, abs=1e-9 * (x @ x))
    np.testing.assert_allclose(Z[0, : len(D)], D @ (x - c @ D), atol=1e-8 * np.abs(D @ x).max())
    assert not positive or c.min() >= 0.0
    if len(D) < sizes[1]:
        assert naive.gap(x, D, c, alpha, positive) <= 1e-10 * (x @ x)


@IN_PROGRAMS
def test_a_large_support_is_left_to_descent():
    rng = np.random.default_rng(0)
    D, x = rng.normal(size=(64, 64)), rng.normal(size=64)  # sixteen more than the limit
    C, Z, G, alpha = np.zeros((1, 64)), (D @ x)[None], D @ D.T, 0.01
    rr = pursue(C, 0, Z, 0, G, alpha, False, x @ x, 1e-9, space_for(64))
    assert np.count_nonzero(C) == MEMBERS
    descend(C, 0, Z, 0, G, alpha, False, x @ x, rr, 1e-9, np.inf, 1000, space_for(64))
    assert naive.gap(x, D, C[0], alpha) <= 1e-8 * (x @ x) and np.count_nonzero(C) > MEMBERS


@FEW
@given(seed=seeds, alpha=penalties, positive=st.booleans())
def test_the_certificate_is_the_gap_of_any_code(seed, alpha, positive):
    case = Case(seed)
    rng = np.random.default_rng(seed)
    case.C[:, : len(case.D)] = rng.normal(size=(GROUP, len(case.D))) * (
        rng.random((GROUP, len(case.D))) < 0.4
    )
    if positive:
        np.abs(case.C, out=case.C)
    for i, x in enumerate(case.X):
        value, gap, scale = certified(
            case.wide_X, i, case.C, case.forms[0], alpha, positive, np.zeros((1, padded(5)))
        )
        c = case.C[i, : len(case.D)]
        assert value == pytest.approx(naive.objective(x, case.D, c, alpha), rel=1e-12)
        assert gap == pytest.approx(naive.gap(x, case.D, c, alpha, positive), rel=1e-9, abs=1e-12)
        assert scale == pytest.approx(0.5 * float(x @ x), rel=1e-12)


@FEW
@given(seed=seeds, positive=st.booleans())
def test_atoms_and_statistics_are_those_of_the_twins(seed, positive):
    case = Case(seed)
    rng = np.random.default_rng(seed)
    k, count = case.k, len(case.D)
    case.C[:, : count - 2] = rng.normal(size=(GROUP, count - 2))  # two atoms are not used
    A, B = np.zeros((k, k)), np.zeros((k, padded(5)))
    sizes = [
        add_signal(case.wide_X, i, case.C, i, A, B, np.zeros(k, np.int32)) for i in range(GROUP)
    ]
    np.testing.assert_allclose(sizes, np.abs(case.C).sum(axis=1))
    np.testing.assert_allclose(A, case.C.T @ case.C, atol=1e-12)
    np.testing.assert_allclose(B, case.C.T @ case.wide_X, atol=1e-12)
    expected = naive.sweep_atoms(case.D, A[:count, :count], B[:count, :5], positive)
    sweep_atoms(case.wide_D, A, B, 0.0, positive, 1, np.zeros((1, padded(5))))
    np.testing.assert_allclose(case.wide_D[:count, :5], expected, atol=1e-10)
    assert not case.wide_D[count:].any()


def test_a_signal_replaces_an_atom():
    case = Case(3)
    replace_unused(case.wide_D, 1, case.wide_X, 0, False)
    np.testing.assert_allclose(case.wide_D[1, :5], case.X[0] / np.linalg.norm(case.X[0]))
    replace_unused(case.wide_D, 1, case.wide_X, 0, True)
    kept = np.maximum(case.X[0], 0.0)
    np.testing.assert_allclose(case.wide_D[1, :5], kept / np.linalg.norm(kept))
    before = case.wide_D.copy()
    replace_unused(case.wide_D, 1, case.wide_X, GROUP - 1, False)  # a signal of zeros
    np.testing.assert_array_equal(case.wide_D, before)


@IN_PROGRAMS
@pytest.mark.parametrize("whole", [False, True])
def test_codes_on_dependent_atoms_are_certified(whole):
    """More atoms than features get a weight: sweeps alone would crawl along the dependence."""
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(30, 6))[24:29], rng.normal(size=(9, 6))[:9]
    D = np.round(D) if whole else D / np.linalg.norm(D, axis=1, keepdims=True)
    k, alpha = padded(9), 0.01 if whole else 0.1
    G = np.zeros((k, k))
    G[:9, :9] = D @ D.T
    for x in X:
        C, Z = np.zeros((1, k)), np.zeros((1, k))
        Z[0, :9] = D @ x
        descend(C, 0, Z, 0, G, alpha, False, x @ x, x @ x, 1e-8, np.inf, 100, space_for(k))
        assert naive.gap(x, D, C[0, :9], alpha) <= 1e-7 * (x @ x)


def test_newton_leaves_singular_supports_to_descent():
    """Two equal members with a weight make the matrix singular; the sweeps still minimise."""
    count, alpha = 3, 0.1
    H = np.array([[1.0, 1.0, 0.2], [1.0, 1.0, 0.2], [0.2, 0.2, 1.0]])
    q, c = np.array([1.0, 1.0, -0.5]), np.array([0.2, 0.3, 0.0])
    g = q - H @ c
    members.minimise(
        c, g, H.ravel().copy(), count, alpha, False, 50, count, np.zeros(9), np.zeros(3),
        np.zeros(3, np.int32),
    )  # fmt: skip
    np.testing.assert_allclose(g, q - H @ c, atol=1e-14)
    np.testing.assert_allclose(g[c != 0.0], alpha * np.sign(c[c != 0.0]), atol=1e-6)
    assert np.abs(g).max() <= alpha * (1.0 + 1e-5)
