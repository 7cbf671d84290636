"""A CSV file that grows row by row: an experiment that was killed goes on where it stopped."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Ledger:
    """Rows of an experiment.

    Parameters
    ----------
    path : Path
    key : sequence of str
        Columns that tell rows apart.
    """

    def __init__(self, path: Path, key: Sequence[str]) -> None:
        self.path, self.key = path, tuple(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _mend(path)
        self.known = {tuple(row[name] for name in self.key) for row in self.rows()}

    def rows(self) -> list[dict[str, str]]:
        """All rows, as text."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    def __contains__(self, key: tuple[str, ...]) -> bool:
        return key in self.known

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row.

        Raises
        ------
        ValueError
            If the file has other columns: an older version wrote it.
        """
        new = not self.path.exists() or self.path.stat().st_size == 0
        if not new:
            with self.path.open(newline="") as file:
                columns = next(csv.reader(file))
            if columns != list(row):
                raise ValueError(f"{self.path} has other columns; move it away to begin anew")
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row), lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)
        self.known.add(tuple(str(row[name]) for name in self.key))


def _mend(path: Path) -> None:
    """Drop a last line that was cut off."""
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        path.write_bytes(text[:whole])
