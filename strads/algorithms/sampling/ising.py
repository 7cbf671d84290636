"""Programs that sample the Ising model: with tables for small couplings, and for all others."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from strads.algorithms.sampling.sampler import GraphProgram
from strads.engine import data, kernel, scratch, variable
from strads.kernels.random import fold
from strads.kernels.sampling.ising import add_energies, draw_by_field, draw_by_level
from strads.kernels.sampling.moments import add_spin_pairs, add_spins


class _Ising(GraphProgram):
    """What both have in common: spins, their sums, and the best ones."""

    s = variable("sites", "chains", dtype=np.int8)
    best = variable("sites", dtype=np.int8)

    @kernel
    def weigh(sites, graph, field, s, total):
        add_energies(sites[0], sites[1], graph, field, s, total)

    @kernel
    def keep(sites, s, best, which):
        for j in range(sites[0], sites[1]):
            best[j] = s[j, which]

    @kernel
    def collect(sites, edges, ends, s, sums, pairs, slot):
        add_spins(sites[0], sites[1], s, sums, slot)
        add_spin_pairs(edges[0], edges[1], ends, s, pairs, slot)


class LevelIsing(_Ising):
    """Couplings and fields are small multiples of a unit, and given in units."""

    graph = data("sites", "sites", layout="csr", dtype=np.int8)
    field = data("sites", dtype=np.int32)
    limits = variable("levels", dtype=np.uint64)
    local = scratch("chains", dtype=np.int32)
    tables = ("limits",)

    def __init__(self, *, largest: int, **given: Any) -> None:
        super().__init__(width=1, levels=2 * largest + 1, **given)

    def _heat(self, temperature: float) -> None:
        super()._heat(temperature)
        largest = self.size["levels"] // 2
        chance = expit(2.0 * self.slope(temperature) * np.arange(-largest, largest + 1))
        # The chance 1 is rounded to the largest number below 2⁶⁴ in double precision.
        self.limits[:] = np.minimum(chance * 2.0**64, 2.0**64 - 2048.0).astype(np.uint64)

    @kernel
    def push(span, key, graph, field, origin, limits, chain, s, local, fall):
        drawn = fold(key, chain)
        draw_by_level(span[0], span[1], drawn, graph, field, origin, limits, s, local, fall)


class FieldIsing(_Ising):
    """Any couplings and fields."""

    graph = data("sites", "sites", layout="csr", dtype=np.float64)
    field = data("sites")
    local = scratch("chains")

    def __init__(self, **given: Any) -> None:
        super().__init__(width=1, **given)

    @kernel
    def push(span, key, graph, field, origin, beta, chain, s, local, fall):
        drawn = fold(key, chain)
        draw_by_field(span[0], span[1], drawn, graph, field, origin, beta, s, local, fall)
