"""``python -m bench.compare graphs``: draws a second, and annealing at equal seconds."""

import time
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import scipy.sparse as sp
from typer import Option

from bench.harness.tables import Table, keep
from bench.sampling import peers
from bench.sampling.problems import glass, lattice, regular
from strads import GraphSampler, from_maxcut

SPEED = [
    ("who", "{who}"), ("M draws/s", "{median:.1f} ({least:.1f} – {most:.1f})"),
    ("a core", "{core:.1f}"), ("energy per site", "{energy:.4f}"),
]  # fmt: skip
BEST = [
    ("who", "{who}"), ("sweeps", "{sweeps}"), ("s", "{seconds:.2f}"),
    ("lowest energy per site", "{energy:.5f}"),
]  # fmt: skip
TEMPERATURE = 2.5
GRAPHS: dict[str, Callable[[bool], sp.csr_array]] = {
    "lattice": lambda tiny: lattice(16 if tiny else 1024),
    "regular": lambda tiny: regular(200 if tiny else 1_000_000),
}
#: Where states of low energy are looked for.
HARD: dict[str, Callable[[bool], sp.csr_array]] = {
    "glass": lambda tiny: glass(12 if tiny else 256),
    "maxcut": lambda tiny: from_maxcut(regular(100 if tiny else 50_000))[0],
}


def main(
    graphs: list[str] = (*GRAPHS, *HARD),
    workers: Annotated[list[int], Option()] = (1, 2),
    chains: Annotated[list[int], Option(help="chains of strads")] = (1, 32),
    sweeps: Annotated[int, Option(help="sweeps of a timed turn")] = 100,
    repeats: int = 5,
    other: Annotated[list[str], Option(help="mcising, thrml, dwave; by default all")] = (),
    tiny: Annotated[bool, Option(help="small problems: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """Draws a second of sweeps alone, without moments; and the best states at equal seconds.

    A draw is one site of one chain. Seconds of strads are those of the phase that draws, energies
    included; all else that a fit does takes its time once.
    """
    rows: list[dict[str, Any]] = []
    for name in graphs:
        J = (GRAPHS | HARD)[name](tiny)
        if name in GRAPHS:
            found = speeds(J, workers, chains, 4 if tiny else sweeps, repeats, other)
            Table(f"{name}: {J.shape[0]:,} sites, T = {TEMPERATURE}", SPEED, found).show()
        else:
            found = lowest(J, workers, 4 if tiny else 10 * sweeps, repeats, other)
            Table(f"{name}: {J.shape[0]:,} sites, best of {repeats}", BEST, found).show()
        rows += [{"graph": name, **row} for row in found]
    if rows and not tiny:
        keep("graphs", rows)
    return rows


def speeds(
    J: sp.csr_array, workers: list[int], chains: list[int], sweeps: int, repeats: int,
    other: list[str],
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of draws a second; all take turns."""
    ways: dict[tuple[str, int, int], Callable[[], peers.Sampled | None]] = {
        (f"strads, {p} worker{'s' * (p > 1)}, {c} chain{'s' * (c > 1)}", p, c): (
            lambda p=p, c=c: _ours(J, p, c, max(1, sweeps // c))
        )
        for c in chains for p in workers
    }  # fmt: skip
    for name in peers.present([each for each in other if each != "dwave"]):
        if name in peers.PEERS:
            ways[name, 1, 1] = lambda name=name: peers.PEERS[name](J, TEMPERATURE, sweeps)
    seen: dict[tuple[str, int, int], list[tuple[float, float]]] = {key: [] for key in ways}
    for _ in range(repeats):
        for key, way in ways.items():
            if (found := way()) is not None:
                done = J.shape[0] * (max(1, sweeps // key[2]) if "strads" in key[0] else sweeps)
                seen[key].append((key[2] * done / found.seconds / 1e6, found.energy))
    return [
        {"who": key[0], "median": float(np.median(rates)), "least": min(rates), "most": max(rates),
         "core": float(np.median(rates)) / key[1], "energy": values[-1][1]}
        for key, values in seen.items() if values for rates in [[rate for rate, _ in values]]
    ]  # fmt: skip


def _ours(J: sp.csr_array, workers: int, chains: int, sweeps: int) -> peers.Sampled:
    """Draw `sweeps` sweeps in one launch, after a burn-in of as many."""
    model = GraphSampler(
        n_sweeps=sweeps, burn_in=sweeps, thin=sweeps, n_chains=chains, n_workers=workers,
        temperature=TEMPERATURE, collect="none",
    ).fit(J)  # fmt: skip
    seconds = model.statistics_["phases"]["main"]["seconds"] / 2.0
    return peers.Sampled(seconds, model.energy_ / J.shape[0])


def lowest(
    J: sp.csr_array, workers: list[int], sweeps: int, repeats: int, other: list[str]
) -> list[dict[str, Any]]:
    """Rows of the lowest energies; dwave-samplers gets the seconds of strads with one worker."""
    rows = []
    for p in workers:
        _annealed(J, p, 1, 0)  # untimed: compiles, and starts the workers
        tries = [_annealed(J, p, sweeps, seed) for seed in range(repeats)]
        rows.append(_row(f"strads, {p} worker{'s' * (p > 1)}", sweeps, tries, J))
    if peers.present(["dwave"]) and (not other or "dwave" in other):
        probe, _ = peers.dwave(J, sweeps, 0)
        many = max(1, round(sweeps * rows[0]["seconds"] / probe))
        tries = [peers.dwave(J, many, seed) for seed in range(repeats)]
        rows.append(_row("dwave-samplers", many, tries, J))
    return rows


def _annealed(J: sp.csr_array, workers: int, sweeps: int, seed: int) -> tuple[float, float]:
    steps = max(1, sweeps // 10)
    sampler = GraphSampler(
        n_sweeps=sweeps, burn_in=0, thin=-(-sweeps // steps), collect="none", n_workers=workers,
        temperature=np.geomspace(3.0, 0.1, steps), random_state=seed,
    )  # fmt: skip
    since = time.perf_counter()
    sampler.fit(J)
    return time.perf_counter() - since, sampler.best_energy_


def _row(
    who: str, sweeps: int, tries: list[tuple[float, float]], J: sp.csr_array
) -> dict[str, Any]:  # fmt: skip
    seconds, energies = zip(*tries, strict=True)
    return {
        "who": who, "sweeps": sweeps, "seconds": float(np.median(seconds)),
        "energy": min(energies) / J.shape[0],
    }  # fmt: skip
