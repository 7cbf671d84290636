"""Other packages that sample, each as one function; they are used as they document it."""

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp


class Sampled(NamedTuple):
    """Seconds of some sweeps after a warm-up, and the mean energy per site after them."""

    seconds: float
    energy: float


def present(names: list[str]) -> list[str]:
    """Return the peers that are installed; by default all of them."""
    modules = {"mcising": "mcising", "thrml": "thrml", "dwave": "dwave"}
    return [name for name in names or PEERS if find_spec(modules[name]) is not None]


def mcising(J: sp.csr_array, temperature: float, sweeps: int) -> Sampled | None:
    """Metropolis sweeps of mcising, which knows lattices only: one attempt a site and sweep."""
    side = round(J.shape[0] ** 0.5)
    if side * side != J.shape[0] or not np.all(np.diff(J.indptr) == 4):
        return None
    from mcising import LatticeConfig, Simulation, SimulationConfig

    lattice = LatticeConfig(size=side, j1=1.0)
    simulation = Simulation(SimulationConfig(lattice=lattice, temperatures=(temperature,)))
    simulation.sweep(sweeps, temperature=temperature)
    since = time.perf_counter()
    found = simulation.sweep(sweeps, temperature=temperature)
    return Sampled(time.perf_counter() - since, float(found["energy"]))


def thrml(J: sp.csr_array, temperature: float, sweeps: int) -> Sampled | None:
    """Block Gibbs sweeps of thrml on JAX; it has a Python object for every site and edge."""
    if J.shape[0] > MOST_NODES:
        return None
    import jax
    from thrml import Block, SamplingSchedule, SpinNode, sample_states
    from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init

    from strads.engine import graph_colours

    nodes = [SpinNode() for _ in range(J.shape[0])]
    upper = sp.coo_array(sp.triu(J, 1))
    edges = [(nodes[i], nodes[j]) for i, j in zip(upper.row, upper.col, strict=True)]
    model = IsingEBM(
        nodes, edges, jax.numpy.zeros(len(nodes)), jax.numpy.asarray(upper.data),
        jax.numpy.array(1.0 / temperature),
    )  # fmt: skip
    colours = graph_colours(J)
    blocks = [
        Block([nodes[i] for i in np.flatnonzero(colours == colour)])
        for colour in range(colours.max() + 1)
    ]
    program = IsingSamplingProgram(model, blocks, clamped_blocks=[])
    schedule = SamplingSchedule(n_warmup=sweeps, n_samples=1, steps_per_sample=1)
    key = jax.random.key(0)
    start = hinton_init(key, model, blocks, ())

    def sample(key: Any) -> Any:
        found = sample_states(key, program, schedule, start, [], [Block(nodes)])
        return jax.block_until_ready(found)

    sample(key)
    since = time.perf_counter()
    states = sample(jax.random.key(1))
    seconds = time.perf_counter() - since
    spins = 2.0 * np.asarray(states[0], dtype=float).reshape(-1) - 1.0
    return Sampled(seconds, float(-0.5 * spins @ (J @ spins)) / len(spins))


#: thrml makes Python objects, and the compiler of JAX takes minutes, beyond this.
MOST_NODES = 300_000
PEERS: dict[str, Callable[[sp.csr_array, float, int], Sampled | None]] = {
    "mcising": mcising, "thrml": thrml,
}  # fmt: skip


def dwave(J: sp.csr_array, sweeps: int, seed: int) -> tuple[float, float]:
    """Seconds and lowest energy of one read of dwave-samplers' simulated annealing.

    The model is made before the clock starts. Couplings there have the other sign.
    """
    import dimod
    from dwave.samplers import SimulatedAnnealingSampler

    upper = sp.coo_array(sp.triu(J, 1))
    places = (upper.row, upper.col, -upper.data)
    model = dimod.BinaryQuadraticModel.from_numpy_vectors(
        np.zeros(J.shape[0]), places, 0.0, dimod.SPIN
    )
    since = time.perf_counter()
    found = SimulatedAnnealingSampler().sample(model, num_reads=1, num_sweeps=sweeps, seed=seed)
    return time.perf_counter() - since, float(found.first.energy)
