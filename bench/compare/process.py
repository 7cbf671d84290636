"""The near end of a module that measures in a process of its own.

It says ``ready`` on a line, waits for one, works, and prints its answer as JSON on another.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Process:
    """A module run with some words as its arguments, on behalf of a solver."""

    def __init__(self, module: str, name: str, words: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *words], text=True,
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

    def answer(self) -> dict[str, Any]:
        """Wait for its end."""
        found = json.loads(self._line("{"))
        self.process.communicate()
        return found

    def _line(self, start: str) -> str:
        """Next line of its own; libraries may print others."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(start):
                return line
        raise RuntimeError(f"{self.name} failed in a process of its own: {self.process.wait()}")
