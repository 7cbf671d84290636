"""One fit of ratings in a process of its own.

    python -m bench.compare.child KIND DATA SOLVER RANK ITERATIONS REGULARIZATION {cold,warm}

It loads and prepares the data before it says that it is ready; see `bench.harness.process`. *Cold*
leaves the import of the solver's library to the fit; *warm* has fitted a tiny set before.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from bench.compare.problem import Problem
from bench.compare.ratings import load
from bench.compare.solver import Setting
from bench.harness.process import Process, serve


def start(kind: str, data: str, name: str, setting: Setting, *, cold: bool) -> Process:
    """Start a process that will fit."""
    words = [kind, data, name, *setting, "cold" if cold else "warm"]
    return Process(__name__, name, words)


def main(kind: str, data: str, name: str, *words: str) -> None:
    """Be the child."""
    rank, iterations, regularization, temperature = words
    setting = Setting(int(rank), int(iterations), float(regularization))
    if temperature == "warm":
        Problem(kind, load("tiny")).fit(name, setting)
    problem = Problem(kind, load(data))
    problem.prepare(name)

    def fit() -> dict[str, Any]:
        begin = time.perf_counter()
        _, factors = problem.fit(name, setting)
        end = time.perf_counter()
        value = problem.judged(factors, setting.regularization)
        return {"begin": begin, "end": end, "value": value}

    serve(fit)


if __name__ == "__main__":
    main(*sys.argv[1:])
