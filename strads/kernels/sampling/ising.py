"""Gibbs sampling of Ising spins: sites in a row are drawn given their neighbours.

A site j has the local field f_j = h_j + Σ_k J_jk s_k, and is +1 with the chance
1 / (1 + exp(−2 f_j / T)). They are not adjacent, so their order does not matter. The
energy −Σ_{j<k} J_jk s_j s_k − Σ_j h_j s_j falls by f_j (new − old) with each draw.

Spins of several chains at a site lie side by side: the neighbours of a site are looked up once for
all chains.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.linear.matrices import CSR
from strads.kernels.random import fold
from strads.kernels.sampling.draws import chance_up, draw

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def draw_by_level(
    lo: int, hi: int, key: int, graph: CSR, field: np.ndarray, origin: np.ndarray,
    limits: np.ndarray, spins: np.ndarray, local: np.ndarray, fall: np.ndarray,
) -> None:  # fmt: skip
    """Draw the spins lo…hi−1 if couplings and fields are small multiples of one unit.

    Parameters
    ----------
    lo, hi : int
        The first site and the one after the last; none is adjacent to another.
    key : int
        Random key of the sweep.
    graph : CSR of int8
        Couplings in units, without a diagonal.
    field : ndarray of int32, shape (sites,)
        Fields in units.
    origin : ndarray of int32, shape (sites,)
        What the random numbers of a site are made of.
    limits : ndarray of uint64, shape (2 · largest + 1,)
        By local field, from −largest to largest units: a spin is +1 if 64 random bits are below.
    spins : ndarray of int8, shape (sites, chains)
        Changed in place.
    local : ndarray of int32, shape (chains,)
        Work space.
    fall : ndarray of float64, shape (chains,)
        By how many units the energy of a chain fell is added here.
    """
    middle, chains = len(limits) // 2, spins.shape[1]
    if chains == 1:
        fall[0] += _draw_one_by_level(lo, hi, key, graph, field, origin, limits, spins)
        return
    for j in range(lo, hi):
        local[:] = field[j]
        for e in range(graph.indptr[j], graph.indptr[j + 1]):
            k, weight = np.uint64(graph.indices[e]), graph.data[e]
            for c in range(chains):
                local[c] += weight * spins[k, c]
        row = fold(key, origin[j])
        for c in range(chains):
            new = 1 if fold(row, c) < limits[np.uint64(local[c] + middle)] else -1
            fall[c] += local[c] * (new - spins[j, c])
            spins[j, c] = new


@kernel
def _draw_one_by_level(
    lo: int, hi: int, key: int, graph: CSR, field: np.ndarray, origin: np.ndarray,
    limits: np.ndarray, spins: np.ndarray,
) -> int:  # fmt: skip
    """Draw the spins of a single chain; return by how many units the energy fell.

    Unsigned indices and plain while loops make this twice as fast: an index that could be negative
    costs a comparison, and the compiler would make vectors of three neighbours.
    """
    middle, fall, one = len(limits) // 2, 0, np.uint64(1)
    site, until = np.uint64(lo), np.uint64(hi)
    e = np.uint64(graph.indptr[site])
    while site < until:
        local, end = np.int64(field[site]), np.uint64(graph.indptr[site + one])
        while e < end:
            spin = np.int64(spins[np.uint64(graph.indices[e]), 0])
            local += np.int64(graph.data[e]) * spin
            e += one
        up = fold(key, origin[site]) < limits[np.uint64(local + middle)]
        new = np.int64(up) * 2 - 1
        fall += local * (new - np.int64(spins[site, 0]))
        spins[site, 0] = new
        site += one
    return fall


@kernel
def draw_by_field(
    lo: int, hi: int, key: int, graph: CSR, field: np.ndarray, origin: np.ndarray, beta: float,
    spins: np.ndarray, local: np.ndarray, fall: np.ndarray,
) -> None:  # fmt: skip
    """Draw the spins lo…hi−1, whatever the couplings and fields.

    Parameters
    ----------
    lo, hi, key, origin, spins
        See :func:`draw_by_level`.
    graph : CSR of float64
        Couplings, without a diagonal.
    field : ndarray of float64, shape (sites,)
    beta : float
        1 / temperature.
    local : ndarray of float64, shape (chains,)
        Work space.
    fall : ndarray of float64, shape (chains,)
        By how much the energy of a chain fell is added here.
    """
    chains = spins.shape[1]
    for j in range(lo, hi):
        local[:] = field[j]
        for e in range(graph.indptr[j], graph.indptr[j + 1]):
            k, weight = np.uint64(graph.indices[e]), graph.data[e]
            for c in range(chains):
                local[c] += weight * spins[k, c]
        row = fold(key, origin[j])
        for c in range(chains):
            new = 1 if draw(row, c) < chance_up(2.0 * beta * local[c]) else -1
            fall[c] += local[c] * (new - spins[j, c])
            spins[j, c] = new


@kernel
def add_energies(
    lo: int, hi: int, graph: CSR, field: np.ndarray, spins: np.ndarray, energy: np.ndarray
) -> None:  # fmt: skip
    """Add the energies of the sites lo…hi−1: half of their couplings, and their fields."""
    for j in range(lo, hi):
        for c in range(spins.shape[1]):
            energy[c] -= field[j] * spins[j, c]
        for e in range(graph.indptr[j], graph.indptr[j + 1]):
            k, weight = graph.indices[e], 0.5 * graph.data[e]
            for c in range(spins.shape[1]):
                energy[c] -= weight * spins[j, c] * spins[k, c]
