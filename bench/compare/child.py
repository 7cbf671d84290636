"""One fit in a process of its own.

    python -m bench.compare.child KIND DATA SOLVER RANK ITERATIONS REGULARIZATION {cold,warm}

It loads and prepares the data, says ``ready``, waits for a line, fits, and prints what came of it
as JSON. *Cold* leaves the import of the solver's library to the fit; *warm* has fitted a tiny set
before. `Child` is its other end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from bench.compare.problem import Problem
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


class Child:
    """A fit in a process of its own."""

    def __init__(self, kind: str, data: str, name: str, setting: Setting, *, cold: bool) -> None:
        words = [kind, data, name, *map(str, astuple(setting)), "cold" if cold else "warm"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, *words], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        self.name = name

    def ready(self) -> None:
        """Wait until it could begin."""
        self._line("ready")

    def go(self) -> None:
        """Let it begin."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def report(self) -> Report:
        """Wait for its end."""
        found = Report(**json.loads(self._line("{")))
        self.process.communicate()
        return found

    def _line(self, start: str) -> str:
        """Next line of its own; libraries may print others."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(start):
                return line
        raise RuntimeError(f"{self.name} failed in a process of its own: {self.process.wait()}")


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
