"""The program that learns a fully visible Boltzmann machine from data.

A step moves couplings and fields along an estimate of the gradient: the moments of the data minus
those of chains that were sampled with the present couplings. *Persistent* chains go on from step to
step (Tieleman, ICML 2008), so that they follow the model. *Contrastive* chains begin at samples of
the data in every step (Hinton, Neural Computation 2002), and the moments of just these samples are
those of the data. The steps become shorter, down to zero, so that the noise of the moments is
averaged out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

from strads.algorithms.sampling.layout import Layout
from strads.engine import (
    Colouring,
    Phase,
    Program,
    control,
    data,
    derived,
    kernel,
    scratch,
    variable,
)
from strads.kernels.random import derive, fold
from strads.kernels.sampling.learning import draw_learned, load_samples, mean_pair, mean_spin


class Learning(Program):
    """Learns the couplings of the edges and the fields of the sites.

    Parameters
    ----------
    layout : Layout
        Of the graph, with its edges.
    samples : ndarray of int8, shape (n_samples, sites)
        Spins.
    begin : ndarray of int8, shape (chains, sites)
        First states of the chains.
    persistent : bool
        Whether chains go on from step to step.
    sweeps : int
        Number of sweeps in a step.
    steps : int
        Number of steps.
    rate : float
        Length of the first step.
    l2 : float
        Penalty of couplings: l2 / 2 times the sum of their squares.
    """

    graph = data("sites", "sites", layout="csr", dtype=np.int32)
    colour = data("sites", dtype=np.int32)
    origin = data("sites", dtype=np.int32)
    samples = data("sites", "rows", dtype=np.int8)
    ends = data("edges", "two", dtype=np.int32)
    weights = variable("edges")
    bias = variable("sites")
    s = variable("sites", "chains", dtype=np.int8)
    pair_means = derived("edges", returned=False)
    means = derived("sites", returned=False)
    off = derived("one", replicated=True, reduce="sum")
    local = scratch("chains")
    rate = control(0.1)
    l2 = control(0.0)
    chain = control(0)
    step = control(0)
    first = control(0)
    persistent = control(1)
    phases = {
        "main": Phase(
            schedule=Colouring("sites", graph="graph", colours="colour"),
            frozen=("weights", "bias"),
        ),
        "load": Phase(push="load"),
        "learn": Phase(push="learn", frozen=("s", "means", "pair_means")),
    }

    def __init__(
        self, *, layout: Layout, samples: np.ndarray, begin: np.ndarray,
        persistent: bool, sweeps: int, steps: int, rate: float, l2: float,
    ) -> None:  # fmt: skip
        self.layout, self.begin = layout, begin
        self.sweeps, self.steps, self.longest = sweeps, steps, rate
        chains, sites = begin.shape
        super().__init__(
            graph=numbered(layout), colour=layout.colours,
            origin=np.arange(sites, dtype=np.int32),
            samples=np.ascontiguousarray(samples.T), edges=len(layout.ends), two=2, one=1,
            chains=chains, l2=l2, persistent=int(persistent),
        )  # fmt: skip

    def setup(self, rng: np.random.Generator) -> None:
        """Lay out the first states and the edges."""
        self.s[:] = self.layout.laid_out(np.ascontiguousarray(self.begin.T))
        self.ends[: len(self.layout.ends)] = self.layout.ends

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """Yield the phases of a step."""
        if not self.persistent:
            self.first = self.step * self.size["chains"] % self.size["rows"]
            yield "load"
        yield "main", self.sweeps
        self.rate = self.longest * (1.0 - self.step / self.steps)
        yield "learn"
        self.step = self.step + 1

    def recover(self) -> tuple[str, ...]:
        """Begin the step again; some edges may then have moved twice, by a gradient each time."""
        self.chain = derive(self.chain, self.step + 1)
        return ("rebuild",)

    def progress(self) -> dict[str, float]:
        """Return the root mean square of the differences between moments of data and model."""
        count = max(self.size["edges"] + self.size["sites"], 1)
        return {"mismatch": float(np.sqrt(self.off[0, 0] / count)), "rate": float(self.rate)}

    @kernel
    def push(span, key, graph, weights, bias, origin, chain, s, local):
        lo, hi, drawn = span[0], span[1], fold(key, chain)
        draw_learned(lo, hi, drawn, graph, weights, bias, origin, s, local)

    @kernel
    def load(sites, first, samples, s):
        load_samples(sites[0], sites[1], first, samples, s)

    @kernel
    def learn(
        sites, edges, ends, samples, s, means, pair_means, weights, bias, rate, l2, first,
        persistent, off,
    ):  # fmt: skip
        chains = s.shape[1]
        for e in range(edges[0], edges[1]):
            j, k, seen = ends[e, 0], ends[e, 1], pair_means[e]
            if not persistent:
                seen = mean_pair(samples, j, k, first, chains)
            gap = seen - mean_pair(s, j, k, 0, chains)
            off[0] += gap * gap
            weights[e] += rate * (gap - l2 * weights[e])
        for j in range(sites[0], sites[1]):
            seen = means[j]
            if not persistent:
                seen = mean_spin(samples, j, first, chains)
            gap = seen - mean_spin(s, j, 0, chains)
            off[0] += gap * gap
            bias[j] += rate * gap

    @kernel
    def rebuild(sites, edges, ends, samples, means, pair_means):
        for e in range(edges[0], edges[1]):
            pair_means[e] = mean_pair(samples, ends[e, 0], ends[e, 1], 0, samples.shape[1])
        for j in range(sites[0], sites[1]):
            means[j] = mean_spin(samples, j, 0, samples.shape[1])


def numbered(layout: Layout) -> sp.csr_array:
    """Return a graph with the number of the edge, as in the layout, at both places of an edge."""
    return layout.symmetric(np.arange(len(layout.pairs), dtype=np.int32))
