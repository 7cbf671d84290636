"""Sums over samples: what sites and pairs of neighbours were.

Every sum has two slots, the old one and the new one. A pass writes old + sample into the new slot,
and the leader swaps the slots afterwards; so a pass that breaks off can simply be made again.
"""

from __future__ import annotations

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def add_spins(lo: int, hi: int, spins: np.ndarray, sums: np.ndarray, old: int) -> None:
    """Add Σ_c s_jc to the sums of the sites lo…hi−1; `sums` is int32 of shape (sites, 2)."""
    for j in range(lo, hi):
        found = 0
        for c in range(spins.shape[1]):
            found += int(spins[j, c])
        sums[j, 1 - old] = sums[j, old] + found


@kernel
def add_spin_pairs(
    lo: int, hi: int, ends: np.ndarray, spins: np.ndarray, sums: np.ndarray, old: int
) -> None:  # fmt: skip
    """Add Σ_c s_jc s_kc to the sums of the edges lo…hi−1; `sums` is int32, (edges, 2)."""
    for e in range(lo, hi):
        j, k, found = ends[e, 0], ends[e, 1], 0
        for c in range(spins.shape[1]):
            found += int(spins[j, c]) * int(spins[k, c])
        sums[e, 1 - old] = sums[e, old] + found


@kernel
def add_states(lo: int, hi: int, states: np.ndarray, sums: np.ndarray, old: int) -> None:
    """Count the states of the sites lo…hi−1; `sums` is int32 of shape (sites, 2q)."""
    q = sums.shape[1] // 2
    for j in range(lo, hi):
        for a in range(q):
            sums[j, (1 - old) * q + a] = sums[j, old * q + a]
        for c in range(states.shape[1]):
            sums[j, (1 - old) * q + int(states[j, c])] += 1


@kernel
def add_equal_pairs(
    lo: int, hi: int, ends: np.ndarray, states: np.ndarray, sums: np.ndarray, old: int
) -> None:  # fmt: skip
    """Count the chains in which both ends of the edges lo…hi−1 have the same state."""
    for e in range(lo, hi):
        j, k, found = ends[e, 0], ends[e, 1], 0
        for c in range(states.shape[1]):
            found += 1 if states[j, c] == states[k, c] else 0
        sums[e, 1 - old] = sums[e, old] + found
