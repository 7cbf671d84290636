"""What an undisturbed fit pays for the copies that a program without a way back of its own needs.

A program that has ``recover`` runs in turns with the same program without it, which is copied
before each step. Per step it does little with each variable: one multiplication for each of ten
links. So the copies weigh more here than in most programs.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import scipy.sparse as sp

from strads import Program, RoundRobin, data, kernel, run, variable

WORKERS, STEPS, LINKS = 2, 20, 10


class Smoothed(Program):
    """Each node takes a mixture of what it was given and its neighbours."""

    links = data("nodes", "others", layout="csr")
    before = variable("nodes")
    after = variable("nodes")
    schedule = RoundRobin("nodes", lease=1 << 20)
    frozen = ("before",)

    @kernel
    def push(block, links, before, after):
        for j in block:
            total = 0.0
            for k in range(links.indptr[j], links.indptr[j + 1]):
                total += before[links.indices[k]]
            after[j] = 0.15 + 0.08 * total

    def cycle(self):
        """Visit all nodes once."""
        yield "main"
        self.before[:] = self.after


class Recovering(Smoothed):
    """The same: a step may begin with any values."""

    def recover(self):
        """Begin again from the values as they are."""
        return ()


def main(times: int = 5, seed: int = 0, nodes: int = 500_000) -> bool:
    """Run both in turns so often; print the medians and the ratio."""
    rng = np.random.default_rng(seed)
    links = sp.random_array((nodes, nodes), density=LINKS / nodes, format="csr", rng=rng)
    seconds: dict[type[Program], list[float]] = {Recovering: [], Smoothed: []}
    for number in range(times + 1):
        for program, taken in seconds.items():
            since = time.perf_counter()
            run(program(links=links), workers=WORKERS, executor="processes", epochs=STEPS)
            if number:  # the first runs start processes and compile
                taken.append(time.perf_counter() - since)
    without, copied = (1e3 * statistics.median(each) / STEPS for each in seconds.values())
    print(
        f"cost: a step of {without:.2f} ms takes {copied:.2f} ms with copies of "
        f"{2 * 8 * nodes / 1e6:.0f} MB before it: {copied / without:.3f} times as long"
    )
    return True
