"""Gibbs sampling and gradient steps of a Boltzmann machine, whose couplings change as it learns.

The gradient of the mean log-likelihood of data is, for the coupling of an edge, the mean of s_j s_k
over the data minus that over the model; for a field, the same of s_j (Ackley, Hinton and Sejnowski,
1985).
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.linear.matrices import CSR
from strads.kernels.random import fold
from strads.kernels.sampling.draws import chance_up, draw

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def draw_learned(
    lo: int, hi: int, key: int, graph: CSR, weights: np.ndarray, bias: np.ndarray,
    origin: np.ndarray, spins: np.ndarray, local: np.ndarray,
) -> None:  # fmt: skip
    """Draw the spins lo…hi−1 in all chains, at temperature 1.

    Parameters
    ----------
    lo, hi : int
        The first site and the one after the last; none is adjacent to another.
    key : int
        Random key of the sweep.
    graph : CSR of int32
        The number of the edge at both of its places.
    weights : ndarray of float64, shape (edges,)
        Couplings.
    bias : ndarray of float64, shape (sites,)
        Fields.
    origin : ndarray of int32, shape (sites,)
        What the random numbers of a site are made of.
    spins : ndarray of int8, shape (sites, chains)
        Changed in place.
    local : ndarray of float64, shape (chains,)
        Work space.
    """
    for j in range(lo, hi):
        local[:] = bias[j]
        for e in range(graph.indptr[j], graph.indptr[j + 1]):
            k, weight = np.uint64(graph.indices[e]), weights[graph.data[e]]
            for c in range(len(local)):
                local[c] += weight * spins[k, c]
        row = fold(key, origin[j])
        for c in range(len(local)):
            spins[j, c] = 1 if draw(row, c) < chance_up(2.0 * local[c]) else -1


@kernel
def load_samples(lo: int, hi: int, first: int, samples: np.ndarray, spins: np.ndarray) -> None:
    """Begin the chains at consecutive samples, from sample `first` on, at the sites lo…hi−1."""
    for j in range(lo, hi):
        for c in range(spins.shape[1]):
            spins[j, c] = samples[j, (first + c) % samples.shape[1]]


@kernel
def mean_spin(spins: np.ndarray, j: int, first: int, count: int) -> float:
    """Return the mean of s_j over `count` columns, from column `first` on, in a circle."""
    total, column = 0, first
    for _ in range(count):
        total += int(spins[j, column])
        column = 0 if column + 1 == spins.shape[1] else column + 1
    return total / count


@kernel
def mean_pair(spins: np.ndarray, j: int, k: int, first: int, count: int) -> float:
    """Return the mean of s_j s_k over `count` columns, from column `first` on, in a circle."""
    total, column = 0, first
    for _ in range(count):
        total += int(spins[j, column]) * int(spins[k, column])
        column = 0 if column + 1 == spins.shape[1] else column + 1
    return total / count
