"""Output that all commands share: progress, errors in one line, and records in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from strads import __version__
from strads.engine import Step, StradsError

console = Console()
errors = Console(stderr=True)

NOT_CONVERGED, BAD_INPUT, FAILED = 1, 2, 3


class History:
    """A callback that keeps every step and, unless `quiet`, prints the line that `line` makes."""

    def __init__(self, quiet: bool, line: Callable[[Step], str]) -> None:
        self.quiet, self.line = quiet, line
        self.steps: list[dict[str, float]] = []

    def __call__(self, step: Step) -> None:
        """Keep a step, and print its line."""
        self.steps.append({"epoch": step.epoch, "seconds": step.seconds, **step.figures})
        if not self.quiet:
            console.print(self.line(step))


def demand_share(test: float) -> None:
    """Raise an error unless `test` is a share: at least 0 and below 1."""
    if not 0.0 <= test < 1.0:
        raise ValueError(f"--test {test} must be at least 0 and below 1")


def add_running(table: Table, statistics: Mapping[str, Any], seconds: float) -> None:
    """Add rows about workers and time to a table."""
    table.add_row("workers", f"{statistics['workers']} ({statistics['executor']})")
    table.add_row("seconds", f"{seconds:.2f}")
    compiling = statistics["prepare_seconds"]["compile"]
    table.add_row("of these, compilation", f"{compiling:.2f} (compiled once, then cached)")


@contextmanager
def reported(options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn an error within the block into one line of output and an exit code.

    Parameters
    ----------
    options : dict of str to str, optional
        Option of the command for each parameter of the estimator whose name differs.
    """
    try:
        yield
    except (StradsError, ValueError, OSError, MemoryError) as error:
        message = " ".join(str(error).split())
        if isinstance(error, MemoryError) and not isinstance(error, StradsError):
            message = f"out of memory ({message})" if message else "out of memory"
        for parameter, option in (options or {}).items():
            message = message.replace(f"'{parameter}'", f"'{option}'")
        # Markup is off, since a file may be called [bold].npz. A file name may also hold bytes
        # that cannot be encoded; they are escaped, since printing them would raise an error.
        printable = message.encode(errors="backslashreplace").decode()
        errors.print(
            f"strads: {printable}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        bad = isinstance(error, (ValueError, OSError))
        raise typer.Exit(BAD_INPUT if bad else FAILED) from None


def write_record(out: Path, record: Mapping[str, Any]) -> None:
    """Write ``run.json``."""
    whole = {"version": __version__, **record}
    (out / "run.json").write_text(json.dumps(whole, indent=1, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    """Return NumPy numbers and arrays as Python numbers and lists, and other objects as text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
