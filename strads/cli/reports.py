"""What all commands print and write alike: errors in one line, records in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console

from strads import __version__
from strads.engine.errors import StradsError

console = Console()
errors = Console(stderr=True)

NOT_CONVERGED, BAD_INPUT, FAILED = 1, 2, 3


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
    except (StradsError, ValueError, OSError) as error:
        message = " ".join(str(error).split())
        for parameter, option in (options or {}).items():
            message = message.replace(f"'{parameter}'", f"'{option}'")
        # No markup: a file may be called [bold].npz.
        errors.print(
            f"strads: {message}", style="red", markup=False, highlight=False, soft_wrap=True
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
