"""Graphs to sample: a square lattice, a random graph of degree three, a glass, and a MaxCut."""

import numpy as np
import scipy.sparse as sp


def lattice(side: int) -> sp.csr_array:
    """Couplings of 1 on a square lattice with periodic borders."""
    sites = np.arange(side * side).reshape(side, side)
    ends = np.concatenate([np.roll(sites, 1, axis).ravel() for axis in (0, 1)])
    return from_pairs(np.tile(sites.ravel(), 2), ends, np.ones(2 * side * side), side * side)


def regular(sites: int, degree: int = 3, seed: int = 0) -> sp.csr_array:
    """Couplings of 1 on a random graph in which almost every site has `degree` neighbours."""
    stubs = np.random.default_rng(seed).permutation(np.repeat(np.arange(sites), degree))
    i, j = stubs[: len(stubs) // 2 * 2].reshape(-1, 2).T
    made = from_pairs(i, j, np.ones(len(i)), sites)
    made.data[:] = 1.0  # some pairs were drawn twice
    return made


def glass(side: int, seed: int = 0) -> sp.csr_array:
    """Couplings of −1 and 1, at random, on a square lattice with periodic borders."""
    half = sp.triu(lattice(side), 1)
    half.data = np.random.default_rng(seed).choice([-1.0, 1.0], half.nnz)
    return sp.csr_array(half + half.T)


def from_pairs(i: np.ndarray, j: np.ndarray, values: np.ndarray, sites: int) -> sp.csr_array:
    """Return a symmetric matrix without a diagonal; values of equal pairs are added up."""
    off = i != j
    half = sp.coo_array((values[off], (i[off], j[off])), shape=(sites, sites))
    return sp.csr_array(half + half.T)
