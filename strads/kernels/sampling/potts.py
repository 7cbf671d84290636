"""Gibbs sampling of Potts models: a site is drawn given how much its neighbours want each state.

State a of site j has the weight f_j(a) = h_j(a) + Σ_k J_jk [s_k = a], and is drawn with a chance
proportional to exp(f_j(a) / T). The energy −Σ_{j<k} J_jk [s_j = s_k] − Σ_j h_j(s_j) falls by
f_j(new) − f_j(old) with each draw.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.linear.matrices import CSR
from strads.kernels.random import fold
from strads.kernels.sampling.draws import draw

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def draw_states(
    lo: int, hi: int, key: int, graph: CSR, field: np.ndarray, origin: np.ndarray,
    beta: float, odds: np.ndarray, states: np.ndarray, local: np.ndarray, rising: np.ndarray,
    fall: np.ndarray,
) -> None:  # fmt: skip
    """Draw the states of the sites lo…hi−1, of which none is adjacent to another.

    Parameters
    ----------
    lo, hi : int
    key : int
        Random key of the sweep.
    graph : CSR of float64
        Couplings, without a diagonal.
    field : ndarray of float64, shape (sites, q)
    origin : ndarray of int32, shape (sites,)
        What the random numbers of a site are made of.
    beta : float
        1 / temperature.
    odds : ndarray of float64
        If couplings and fields are whole numbers: exp(−beta·k) for k = 0, 1, … up to the largest
        difference of two weights. Else a single entry, which is not used.
    states : ndarray of uint8, shape (sites, chains)
        Changed in place.
    local, rising : ndarray of float64, shape (q,)
        Work space.
    fall : ndarray of float64, shape (chains,)
        By how much the energy of a chain fell is added here.
    """
    tabled = len(odds) > 1
    for j in range(lo, hi):
        row = fold(key, origin[j])
        for c in range(states.shape[1]):
            largest = _weigh(j, c, graph, field, states, local)
            total = 0.0
            for a in range(len(local)):
                below = largest - local[a]
                total += odds[int(below)] if tabled else np.exp(-beta * below)
                rising[a] = total
            level, new = draw(row, c) * total, 0
            while new < len(local) - 1 and rising[new] <= level:
                new += 1
            fall[c] += local[new] - local[states[j, c]]
            states[j, c] = new


@kernel
def _weigh(
    j: int, c: int, graph: CSR, field: np.ndarray, states: np.ndarray, local: np.ndarray
) -> float:  # fmt: skip
    """Write the weight of every state of a site in a chain into `local`; return the largest."""
    for a in range(len(local)):
        local[a] = field[j, a]
    for e in range(graph.indptr[j], graph.indptr[j + 1]):
        local[states[graph.indices[e], c]] += graph.data[e]
    largest = local[0]
    for a in range(1, len(local)):
        largest = max(largest, local[a])
    return largest


@kernel
def add_state_energies(
    lo: int, hi: int, graph: CSR, field: np.ndarray, states: np.ndarray, energy: np.ndarray
) -> None:  # fmt: skip
    """Add the energies of the sites lo…hi−1: half of their couplings, and their fields."""
    for j in range(lo, hi):
        for c in range(states.shape[1]):
            found = field[j, states[j, c]]
            for e in range(graph.indptr[j], graph.indptr[j + 1]):
                if states[graph.indices[e], c] == states[j, c]:
                    found += 0.5 * graph.data[e]
            energy[c] -= found
