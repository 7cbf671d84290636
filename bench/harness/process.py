"""Fits in processes of their own: the leader's end, the child's end, and their memory.

The child is a module that is run with some words as arguments. It prepares itself, prints
``ready``, waits for a line, fits, and prints its answer as JSON. An answer holds ``begin`` and
``end`` of the fit by the system's monotonic clock, which is the same for all processes.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

#: What *scaling* compares: name → the solvers that run at the same time, a process each. Two
#: processes need not wait for each other, and show what the machine has to give.
SCALING = {"one worker": ["strads-1"], "two workers": ["strads-2"],
           "two processes": ["strads-1", "strads-1"]}  # fmt: skip


class Process:
    """A module that fits on behalf of a solver, run in a process of its own."""

    def __init__(self, module: str, name: str, words: Iterable[object]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, words)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        self.name = name

    def ready(self) -> None:
        """Wait until the child is prepared.

        Raises
        ------
        RuntimeError
            If the child ends before.
        """
        self._line("ready")

    def go(self) -> None:
        """Let the child begin its fit."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for the child's answer and its end."""
        found = json.loads(self._line("{"))
        self.process.communicate()
        return found

    def run(self) -> dict[str, Any]:
        """Let the child prepare itself and fit; return its answer."""
        self.ready()
        self.go()
        return self.answer()

    def _line(self, start: str) -> str:
        """Return the next line that begins so; libraries may print others."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(start):
                return line
        raise RuntimeError(f"{self.name} failed in a process of its own: {self.process.wait()}")


def serve(fit: Callable[[], dict[str, Any]]) -> None:
    """Be the child, prepared: say so, wait for a line, fit, and print the answer."""
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(fit()))


class Measured(NamedTuple):
    """A child's answer, and bytes of its processes before the fit and at most during it."""

    answer: dict[str, Any]
    before: int
    peak: int


def together(children: Sequence[Process], interval: float) -> list[Measured]:
    """Let several children fit at the same time, and sample their memory."""
    from bench.harness.memory import Memory, sizes  # children do without

    for child in children:
        child.ready()
    before = [sum(sizes(child.process.pid).values()) for child in children]
    memories = [Memory(child.process.pid, interval) for child in children]
    with contextlib.ExitStack() as sampling:
        for child, memory in zip(children, memories, strict=True):
            sampling.enter_context(memory)
            child.go()
        answers = [child.answer() for child in children]
    found = []
    for answer, size, memory in zip(answers, before, memories, strict=True):
        peak = sum(memory.peak(answer["begin"], answer["end"]).values())
        found.append(Measured(answer, size, max(size, peak)))
    return found


def gains(runs: Iterable[tuple[str, float]]) -> list[tuple[str, str]]:
    """Work done per second relative to one worker, from the seconds of the runs of `SCALING`."""
    seconds: dict[str, list[float]] = {what: [] for what in SCALING}
    for what, each in runs:
        seconds[what].append(each)
    one = statistics.median(seconds["one worker"])
    return [(what, f"{len(SCALING[what]) * one / statistics.median(each):.2f}")
            for what, each in seconds.items()]  # fmt: skip
