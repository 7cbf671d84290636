"""Fits in processes of their own: the leader's end and the child's.

The child is a module that is run with some words as arguments. It prepares itself, prints
``ready``, waits for a line, fits, and prints its answer as JSON. An answer holds ``begin`` and
``end`` of the fit by the system's monotonic clock, which is the same for all processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


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
