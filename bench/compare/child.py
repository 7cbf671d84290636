"""One fit in a process of its own.

    python -m bench.compare.child KIND DATA SOLVER RANK ITERATIONS REGULARIZATION {cold,warm}

It loads and prepares the data, says ``ready``, waits for a line, fits, and prints what came of it
as JSON. *Cold* leaves the import of the solver's library to the fit; *warm* has fitted a tiny set
before. `Child` is its other end.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import astuple, dataclass
from typing import Any

from bench.compare.problem import Problem
from bench.compare.process import Process
from bench.compare.ratings import load
from bench.compare.solvers import Setting


@dataclass(frozen=True)
class Report:
    """When the fit began and ended, by the system's monotonic clock, and its judged value."""

    begin: float
    end: float
    value: float

    @property
    def seconds(self) -> float:
        """Time of the fit."""
        return self.end - self.begin


class Child(Process):
    """A fit in a process of its own."""

    def __init__(self, kind: str, data: str, name: str, setting: Setting, *, cold: bool) -> None:
        words = [kind, data, name, *map(str, astuple(setting)), "cold" if cold else "warm"]
        super().__init__(__name__, name, words)

    def report(self) -> Report:
        """Wait for its end."""
        return Report(**self.answer())


def cold(problem: Problem, name: str, setting: Setting) -> float:
    """Seconds of import and first fit in a fresh process."""
    child = Child(problem.kind, problem.ratings.name, name, setting, cold=True)
    child.ready()
    child.go()
    return child.report().seconds


def main(kind: str, data: str, name: str, *words: str) -> None:
    """Be the child."""
    rank, iterations, regularization, temperature = words
    setting = Setting(int(rank), int(iterations), float(regularization))
    if temperature == "warm":
        Problem(kind, load("tiny")).fit(name, setting)
    problem = Problem(kind, load(data))
    problem.prepare(name)
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    _, factors = problem.fit(name, setting)
    end = time.perf_counter()
    result: dict[str, Any] = {"begin": begin, "end": end}
    print(json.dumps(result | {"value": problem.judged(factors, setting.regularization)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
