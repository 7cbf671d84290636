"""Tables on the screen and in Markdown, and CSV files that say what machine they come from."""

from __future__ import annotations

import csv
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:  # importing it would count in the memory and the first fit of a child
    import pandas as pd

RESULTS = Path(__file__).parents[1] / "results"
DASH = "–"


class Rows:
    """A file of results that grows row by row, so that hours of fits are not lost to the last one.

    Parameters
    ----------
    name : str
        Name of the file, without date and ending.
    folder : Path, optional
        An existing file in this folder is replaced. By default the file gets a date, in the folder
        of all benchmarks.
    """

    def __init__(self, name: str, folder: Path | None = None) -> None:
        stamp = "" if folder else f"-{time.strftime('%Y%m%d-%H%M%S')}"
        folder = folder or RESULTS
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}{stamp}.csv"
        self.path.unlink(missing_ok=True)
        self.rows: list[dict[str, Any]] = []
        self.machine = machine()

    def add(self, **row: Any) -> None:
        """Append a row and what the machine is; the first row decides the columns."""
        self.rows.append(row)
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0] | self.machine))
            if len(self.rows) == 1:
                writer.writeheader()
            writer.writerow(row | self.machine)


def keep(name: str, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows into a new file of results, and print its path."""
    file = Rows(name)
    for row in rows:
        file.add(**row)
    print("written:", file.path)
    return file.path


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


def show_rows(
    title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Print a line for every row, or nothing if there are none.

    Parameters
    ----------
    title : str
        A template of `str.format`, which is given the first row.
    columns : sequence of pairs
        Head of a column, and a template of its text, which is given the row.
    rows : sequence of mappings
    """
    if rows:
        lines = [[template.format(**row) for _, template in columns] for row in rows]
        shown = [[DASH if text == "nan" else text for text in line] for line in lines]
        show(title.format(**rows[0]), [head for head, _ in columns], shown)


def markdown(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a titled table in Markdown: the first column is text, the others are figures."""
    lines = [f"**{title}**", "", f"| {' | '.join(head)} |",
             f"|{'|'.join(['---', *['---:'] * (len(head) - 1)])}|"]  # fmt: skip
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def number(x: float, form: str = ",.3g") -> str:
    """Format a figure, or return a dash for what was not measured."""
    return f"{x:{form}}" if np.isfinite(x) else DASH


class Column(NamedTuple):
    """A column of a table: its head, the name of its values in the rows, a factor, a format."""

    head: str
    name: str
    factor: float = 1.0
    form: str = ",.3g"


def figures(
    first: str, names: Iterable[str], rows: pd.DataFrame, columns: Sequence[Column]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Head and lines of a table: a name for every row, then its figures; text stays as it is."""
    cells = []
    for column in columns:
        values = rows[column.name]
        if column.form == "s":
            cells.append([str(value) for value in values])
        else:
            scaled = values.astype(float) * column.factor
            cells.append([number(value, column.form) for value in scaled])
    head = [first, *(column.head for column in columns)]
    return head, list(zip(names, *cells, strict=True))


def machine() -> dict[str, str | int]:
    """Return what the figures depend on: cores, processor, Python, date."""
    kind = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        kind = names[0].split(":")[1].strip() if names else kind
    return {"cores": os.cpu_count() or 1, "cpu": kind, "python": platform.python_version(),
            "date": time.strftime("%Y-%m-%d")}  # fmt: skip
