"""Gibbs sampling on a graph by colours: what Ising and Potts models have in common.

Sites of one colour are not adjacent, so all of them are drawn at the same time, and the result is
the one of drawing them in turn: with any number of workers the sampler is exact. A *sweep* draws
every free site once, colour after colour, with a barrier after each.

A *step* of the run is `thin` sweeps. After the steps of burn-in, the energies and the moments of
the states are noted after each step. Energies are not computed anew: the draws know by how much
they change them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from strads.algorithms.sampling.layout import Layout
from strads.engine import Colouring, Phase, Program, control, data, derived, variable
from strads.kernels.random import derive

#: Largest slope of the exponents: an infinite one times a difference of zero is no number.
STEEPEST = 1e300
#: What can be noted of the samples.
COLLECTED = ("pairs", "sites", "none")


class GraphProgram(Program):
    """Base of the programs; a subclass has the fields `s`, `best` and `graph`, and the kernels.

    Parameters
    ----------
    layout : Layout
        For the number of workers of the run.
    temperatures : ndarray of shape (sweeps,)
        Temperature of every sweep, those of burn-in included.
    burn_in : int
        Number of sweeps of burn-in.
    thin : int
        Number of sweeps in a step.
    begin : ndarray of shape (chains, sites)
        First states, in the user's order.
    collect : {"pairs", "sites", "none"}
        Moments of which samples are added up.
    unit : float
        Unit of couplings and fields, of which energies are multiples.
    width : int
        Number of sums of a site.
    **given
        Graph, fields, and sizes of a subclass's axes.

    Attributes
    ----------
    n_steps : int
        Number of steps of the run.
    """

    colour = data("sites", dtype=np.int32)
    origin = data("sites", dtype=np.int32)
    ends = data("edges", "two", dtype=np.int32)
    sums = variable("sites", "width", dtype=np.int32)
    pairs = variable("edges", "two", dtype=np.int32)
    energies = variable("chains")
    trace = variable("steps", "chains")
    fall = derived("chains", replicated=True, reduce="sum")
    total = derived("chains", replicated=True, reduce="sum")
    beta = control(1.0)
    chain = control(0)
    swept = control(0)
    kept = control(0)
    slot = control(0)
    which = control(0)
    keeping = control(0)
    lowest = control(np.inf)

    def __init__(
        self, *, layout: Layout, temperatures: np.ndarray, burn_in: int, thin: int,
        begin: np.ndarray, collect: str, unit: float, width: int,
        **given: Any,
    ) -> None:  # fmt: skip
        self.layout, self.temperatures, self.unit = layout, temperatures, unit
        self.burn_in, self.thin, self.collects = burn_in, thin, collect
        self.begin = begin
        self._told = False  # also of a fit that resumes: its sites may lie elsewhere
        chains, sites = begin.shape
        steps = -(-(len(temperatures) - burn_in) // thin)
        self.n_steps = -(-burn_in // thin) + steps
        super().__init__(
            colour=layout.colours, origin=np.arange(sites, dtype=np.int32), two=2, width=2 * width,
            edges=len(layout.ends), chains=chains, steps=steps, **given,
        )  # fmt: skip
        schedule = Colouring("sites", graph="graph", colours="colour", lease=max(sites, 1))
        self.phases = {
            "main": Phase(schedule=schedule, frozen=self.tables, name="main"),
            "weigh": Phase(push="weigh", frozen=("s",), name="weigh"),
            "keep": Phase(push="keep", frozen=("s",), name="keep"),
            "collect": Phase(push="collect", frozen=("s",), name="collect"),
        }

    #: Fields that the leader fills for the temperature of a sweep.
    tables: tuple[str, ...] = ()

    def setup(self, rng: np.random.Generator) -> None:
        """Lay out the first states and the edges."""
        self.state["s"][:] = self.layout.laid_out(np.ascontiguousarray(self.begin.T))
        self.ends[: len(self.layout.ends)] = self.layout.ends  # without edges it has a row

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """Yield the phases of a step."""
        if not self._told and not self.layout.free.all():
            self.tell("main", "activate", self.layout.laid_out(self.layout.free))
            self._told = True
        if self.swept == 0:
            yield from self._weigh()
        first = self.swept
        until = self._end_of_step(first)
        for temperature, sweeps in runs_of(self.temperatures[first:until]):
            self._heat(temperature)
            yield "main", sweeps
            self.energies[:] -= self.unit * self.fall[0]
        if self.energies.min() < self.lowest:
            self.which, self.keeping = int(self.energies.argmin()), 1
            yield from self._keep()
        if until > self.burn_in:
            self.trace[(first - self.burn_in) // self.thin] = self.energies
            if self.collects != "none":
                yield "collect"
                self.kept, self.slot = self.kept + 1, 1 - self.slot
        self.swept = until

    def _end_of_step(self, first: int) -> int:
        """Return the sweep before which the step ends that begins with sweep `first`."""
        last = self.burn_in if first < self.burn_in else len(self.temperatures)
        return min(first + self.thin, last)

    def _weigh(self) -> Iterator[str]:
        yield "weigh"
        self.energies[:] = self.unit * self.total[0]

    def _keep(self) -> Iterator[str]:
        yield "keep"
        self.lowest, self.keeping = float(self.energies[self.which]), 0

    def _heat(self, temperature: float) -> None:
        """Set what depends on the temperature; a subclass fills its tables."""
        self.beta = self.slope(temperature)

    def slope(self, temperature: float) -> float:
        """Return unit / temperature, by which weights of states are multiplied."""
        return min(self.unit / temperature, STEEPEST)

    def recover(self) -> Iterator[str]:
        """Finish what was being kept, and begin the step again with other random numbers.

        The states are those of a sweep that broke off, which a Gibbs sampler may go on from.
        Sums are in the slot that they had before the step.
        """
        if self.keeping:
            yield from self._keep()
        self.chain = derive(self.chain, self.swept + 1)
        yield from self._weigh()

    def progress(self) -> dict[str, float]:
        """Return the mean energy of the chains, the lowest so far, and the temperature."""
        temperature = float(self.temperatures[min(self.swept, len(self.temperatures)) - 1])
        return {
            "energy": float(self.energies.mean()), "lowest_energy": float(self.lowest),
            "temperature": temperature,
        }  # fmt: skip


def runs_of(temperatures: np.ndarray) -> list[tuple[float, int]]:
    """Return every run of equal temperatures as the temperature and the number of sweeps."""
    starts = np.flatnonzero(np.diff(temperatures, prepend=np.nan) != 0.0)
    lengths = np.diff(starts, append=len(temperatures))
    return [(float(temperatures[i]), int(n)) for i, n in zip(starts, lengths, strict=True)]
