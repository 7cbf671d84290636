"""Naive twins of the kernels that sample on graphs, and exact distributions of small models."""

from itertools import product

import numpy as np

from strads.kernels.random import fold


def hashed(key, word):
    return int(fold(np.uint64(key), word))


def chance(key, word):
    return (hashed(key, word) >> 11) / 2.0**53


def drawn_by_level(block, key, J, field, origin, limits, spins):
    """New spins, and by how many units the energies fell."""
    spins, fall = spins.copy(), np.zeros(spins.shape[1])
    for j in block:
        local = field[j] + J[j] @ spins.astype(int)
        row = hashed(key, origin[j])
        for c in range(spins.shape[1]):
            random = row if spins.shape[1] == 1 else hashed(row, c)
            new = 1 if random < int(limits[local[c] + len(limits) // 2]) else -1
            fall[c] += local[c] * (new - int(spins[j, c]))
            spins[j, c] = new
    return spins, fall


def drawn_by_field(block, key, J, field, origin, beta, spins):
    """New spins of sites with any couplings."""
    spins = spins.copy()
    for j in block:
        local = field[j] + J[j] @ spins.astype(float)
        row = hashed(key, origin[j])
        for c in range(spins.shape[1]):
            up = chance(row, c) < 1.0 / (1.0 + np.exp(-2.0 * beta * local[c]))
            spins[j, c] = 1 if up else -1
    return spins


def drawn_states(block, key, J, field, origin, beta, states):
    """New states of a Potts model."""
    states, q = states.copy(), field.shape[1]
    for j in block:
        row = hashed(key, origin[j])
        for c in range(states.shape[1]):
            local = [field[j, a] + J[j] @ (states[:, c] == a) for a in range(q)]
            weights = np.exp(beta * (np.array(local) - max(local)))
            level = chance(row, c) * weights.sum()
            states[j, c] = min(int(np.sum(np.cumsum(weights) <= level)), q - 1)
    return states


def energy(J, h, state):
    """Energy of one state: an Ising model's if the fields have one axis, else a Potts model's."""
    n, total = len(state), 0.0
    for i in range(n):
        total -= h[i] * state[i] if h.ndim == 1 else h[i, int(state[i])]
        for j in range(i):
            same = float(state[i]) * state[j] if h.ndim == 1 else float(state[i] == state[j])
            total -= J[i, j] * same
    return total


def exact(J, h, temperature=1.0):
    """All states of a model, their energies, and their probabilities."""
    values = (-1, 1) if h.ndim == 1 else range(h.shape[1])
    states = np.array(list(product(values, repeat=len(J))))
    if h.ndim == 1:
        energies = -0.5 * np.einsum("ai,ij,aj->a", states, J, states, optimize=True) - states @ h
    else:
        energies = np.array([energy(J, h, state) for state in states])
    weights = np.exp(-(energies - energies.min()) / temperature)
    return states, energies, weights / weights.sum()


def torus(side):
    """Couplings of the square lattice with periodic borders."""
    sites = np.arange(side * side).reshape(side, side)
    J = np.zeros((side * side, side * side))
    for axis in (0, 1):
        J[sites, np.roll(sites, 1, axis)] = J[np.roll(sites, 1, axis), sites] = 1.0
    return J


def torus_energy(side, beta):
    """Mean energy of the Ising model on the torus, by its transfer matrix."""

    def log_partition(beta):
        rows = np.array(list(product((-1, 1), repeat=side)))
        within = (rows * np.roll(rows, 1, axis=1)).sum(axis=1)
        exponent = rows @ rows.T + 0.5 * (within[:, None] + within)
        eigenvalues = np.linalg.eigvalsh(np.exp(beta * exponent))
        largest = eigenvalues.max()
        return side * np.log(largest) + np.log(np.sum((eigenvalues / largest) ** side))

    step = 1e-5
    return -(log_partition(beta + step) - log_partition(beta - step)) / (2.0 * step)
