"""The program that samples Potts models."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.sampling.sampler import GraphProgram
from strads.engine import data, kernel, scratch, variable
from strads.kernels.random import fold
from strads.kernels.sampling.moments import add_equal_pairs, add_states
from strads.kernels.sampling.potts import add_state_energies, draw_states


class Potts(GraphProgram):
    """Sites have states 0…q−1, and fields for each state.

    Parameters
    ----------
    states : int
        q, from 2 to 256.
    largest : int
        With couplings and fields in units: the largest difference of the weights of two states at
        a site. 0: couplings and fields are given as they are.
    **given
        See :class:`~strads.algorithms.sampling.sampler.GraphProgram`.
    """

    graph = data("sites", "sites", layout="csr", dtype=np.float64)
    field = data("sites", "states")
    s = variable("sites", "chains", dtype=np.uint8)
    best = variable("sites", dtype=np.uint8)
    odds = variable("levels")
    local = scratch("states")
    rising = scratch("states")
    tables = ("odds",)

    def __init__(self, *, states: int, largest: int, **given: Any) -> None:
        super().__init__(width=states, levels=largest + 1, **given)

    def _heat(self, temperature: float) -> None:
        super()._heat(temperature)
        self.odds[:] = np.exp(-self.beta * np.arange(self.size["levels"]))

    @kernel
    def push(span, key, graph, field, origin, beta, odds, chain, s, local, rising, fall):
        lo, hi, drawn = span[0], span[1], fold(key, chain)
        draw_states(lo, hi, drawn, graph, field, origin, beta, odds, s, local, rising, fall)

    @kernel
    def weigh(sites, graph, field, s, total):
        add_state_energies(sites[0], sites[1], graph, field, s, total)

    @kernel
    def keep(sites, s, best, which):
        for j in range(sites[0], sites[1]):
            best[j] = s[j, which]

    @kernel
    def collect(sites, edges, ends, s, sums, pairs, slot):
        add_states(sites[0], sites[1], s, sums, slot)
        add_equal_pairs(edges[0], edges[1], ends, s, pairs, slot)
