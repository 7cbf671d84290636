"""Results as CSV files, a row as soon as it is measured: hours of fits are not lost to the last."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

from bench.results import RESULTS, machine


class Rows:
    """A file of results, each row with what the machine is.

    Parameters
    ----------
    name : str
        The file's, without date and ending.
    folder : Path, optional
        The file there is begun anew; by default it gets a date, in the folder of all benchmarks.
    """

    def __init__(self, name: str, folder: Path | None = None) -> None:
        stamp = "" if folder else f"-{time.strftime('%Y%m%d-%H%M%S')}"
        folder = folder or RESULTS
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}{stamp}.csv"
        self.path.unlink(missing_ok=True)
        self.rows: list[dict[str, Any]] = []

    def add(self, **row: Any) -> None:
        """Append a row; the first one decides the columns."""
        self.rows.append(row)
        line = row | machine()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0] | machine()))
            if len(self.rows) == 1:
                writer.writeheader()
            writer.writerow(line)
