"""What all commands print and write alike: errors in one line, records in JSON."""

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
    """Keeps every step, and prints what `line` makes of it unless `quiet`."""

    def __init__(self, quiet: bool, line: Callable[[Step], str]) -> None:
        self.quiet, self.line = quiet, line
        self.steps: list[dict[str, float]] = []

    def __call__(self, step: Step) -> None:
        """Take a step."""
        self.steps.append({"epoch": step.epoch, "seconds": step.seconds, **step.figures})
        if not self.quiet:
            console.print(self.line(step))


def demand_share(test: float) -> None:
    """Refuse what cannot be a share to withhold."""
    if not 0.0 <= test < 1.0:
        raise ValueError(f"--test {test} must be at least 0 and below 1")


def add_running(table: Table, statistics: Mapping[str, Any], seconds: float) -> None:
    """Add the rows on workers and time."""
    table.add_row("workers", f"{statistics['workers']} ({statistics['executor']})")
    table.add_row("seconds", f"{seconds:.2f}")
    compiling = statistics["prepare_seconds"]["compile"]
    table.add_row("thereof for kernels", f"{compiling:.2f} (compiled once, then kept)")


@contextmanager
def reported(options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn an error within into one line and an exit code.

    Parameters
    ----------
    options : dict of str to str, optional
        Parameters of the estimator → options of the command, where the names differ.
    """
    try:
        yield
    except (StradsError, ValueError, OSError, MemoryError) as error:
        message = " ".join(str(error).split())
        if isinstance(error, MemoryError) and not isinstance(error, StradsError):
            message = f"out of memory ({message})" if message else "out of memory"
        for parameter, option in (options or {}).items():
            message = message.replace(f"'{parameter}'", f"'{option}'")
        # No markup: a file may be called [bold].npz.
        # Nor may a name that is no text in any encoding end in an error of its own.
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
    """Numbers stay numbers in a record; what has no counterpart in JSON becomes its text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)
