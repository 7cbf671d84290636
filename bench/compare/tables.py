"""Tables on the screen, and rows in the folder of results."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.results import RESULTS, machine


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column is text, the others are figures."""
    facts = machine()
    caption = f"{facts['cores']} cores of {facts['cpu']}, Python {facts['python']}, {facts['date']}"
    table = Table(title=title, caption=caption)
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at else "left")
    for row in rows:
        table.add_row(*row)
    # Piped output has no width of its own: 80 columns would fold the table.
    console = Console()
    (console if console.is_terminal else Console(width=130)).print(table)


def write(name: str, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as CSV, each with what the machine is."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=[*rows[0], *machine()])
        writer.writeheader()
        writer.writerows(row | machine() for row in rows)
    return path


def figure(x: float, form: str) -> str:
    """A number, or a dash for what was not measured."""
    return f"{x:{form}}" if x == x else "–"
