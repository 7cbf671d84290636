"""Kernels that draw the sites of a graph have the bits of their naive twins."""

import naive_sampling as naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads.kernels.linear.matrices import CSR
from strads.kernels.sampling.draws import chance_up
from strads.kernels.sampling.ising import draw_by_field, draw_by_level
from strads.kernels.sampling.potts import draw_states

seeds = st.integers(0, 2**31 - 1)


def bipartite(rng, sites, whole):
    """Couplings between the first half of the sites and the others; the first are a block."""
    J = np.zeros((sites, sites))
    half = sites // 2
    J[:half, half:] = rng.integers(-2, 3, (half, sites - half))
    if not whole:
        J *= rng.normal(size=J.shape)
    return J + J.T, np.arange(half)


def rows(J, kind):
    made = sp.csr_array(J)
    return CSR(made.data.astype(kind), made.indices.astype(np.int32), made.indptr.astype(np.int64))


def spins_of(rng, sites, chains):
    return rng.choice(np.array([-1, 1], np.int8), size=(sites, chains))


@given(seeds, st.integers(2, 9), st.sampled_from([1, 3]))
def test_draws_by_level(seed, sites, chains):
    rng = np.random.default_rng(seed)
    J, block = bipartite(rng, sites, whole=True)
    field, origin = rng.integers(-3, 4, sites).astype(np.int32), np.arange(sites, dtype=np.int32)
    largest = int(np.abs(J).sum(axis=1).max()) + 3
    limits = np.sort(rng.integers(0, 2**64, 2 * largest + 1, dtype=np.uint64))
    spins, fall = spins_of(rng, sites, chains), np.zeros(chains)
    before = spins.copy()
    key = int(rng.integers(2**62))
    draw_by_level(
        0, len(block), key, rows(J, np.int8), field, origin, limits, spins,
        np.zeros(chains, np.int32), fall,
    )  # fmt: skip
    expected = naive.drawn_by_level(block, key, J.astype(int), field, origin, limits, before)
    np.testing.assert_array_equal(spins, expected[0])
    np.testing.assert_array_equal(fall, expected[1])
    for c in range(chains):  # what the draws say of the energy is so
        fell = naive.energy(J, field, before[:, c]) - naive.energy(J, field, spins[:, c])
        assert fall[c] == pytest.approx(fell, abs=1e-9)


@given(seeds, st.integers(2, 9), st.sampled_from([1, 3]))
def test_draws_by_field(seed, sites, chains):
    rng = np.random.default_rng(seed)
    J, block = bipartite(rng, sites, whole=False)
    field, origin = rng.normal(size=sites), np.arange(sites, dtype=np.int32)
    spins, fall = spins_of(rng, sites, chains), np.zeros(chains)
    before = spins.copy()
    key, beta = int(rng.integers(2**62)), float(rng.uniform(0.0, 3.0))
    draw_by_field(
        0,
        len(block),
        key,
        rows(J, np.float64),
        field,
        origin,
        beta,
        spins,
        np.zeros(chains),
        fall,
    )
    expected = naive.drawn_by_field(block, key, J, field, origin, beta, before)
    np.testing.assert_array_equal(spins, expected)
    for c in range(chains):
        fell = naive.energy(J, field, before[:, c]) - naive.energy(J, field, spins[:, c])
        assert fall[c] == pytest.approx(fell, abs=1e-9)


@given(seeds, st.integers(2, 7), st.integers(2, 5), st.booleans())
def test_draws_of_states(seed, sites, q, whole):
    rng = np.random.default_rng(seed)
    J, block = bipartite(rng, sites, whole)
    field = rng.integers(-2, 3, (sites, q)) * (1.0 if whole else 0.7)
    origin = np.arange(sites, dtype=np.int32)
    states, fall = rng.integers(0, q, (sites, 2)).astype(np.uint8), np.zeros(2)
    before = states.copy()
    key, beta = int(rng.integers(2**62)), float(rng.uniform(0.0, 2.0))
    size = int(np.abs(J).sum(axis=1).max() + np.ptp(field, axis=1).max()) + 1
    odds = np.exp(-beta * np.arange(size)) if whole and size > 1 else np.ones(1)
    draw_states(
        0, len(block), key, rows(J, np.float64), field, origin, beta, odds, states,
        np.zeros(q), np.zeros(q), fall,
    )  # fmt: skip
    expected = naive.drawn_states(block, key, J, field, origin, beta, before)
    np.testing.assert_array_equal(states, expected)
    for c in range(2):
        fell = naive.energy(J, field, before[:, c]) - naive.energy(J, field, states[:, c])
        assert fall[c] == pytest.approx(fell, abs=1e-9)


def test_chances_at_the_ends():
    assert [chance_up(x) for x in (-1e6, 0.0, 1e6)] == [0.0, 0.5, 1.0]
