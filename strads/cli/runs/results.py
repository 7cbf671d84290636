"""Results as files: CSV, Parquet and NumPy's formats by the name of the file, or CSV on stdout."""

from __future__ import annotations

import csv
import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from strads.datasets.files.parquet import import_parquet
from strads.engine import DataError

FORMATS = (".csv", ".tsv", ".parquet", ".npy", ".npz")
BATCH = 10_000  # rows that are turned into text at a time


@dataclass(frozen=True)
class Results:
    """A table of numbers whose rows have labels.

    Attributes
    ----------
    labels : dict of str to ndarray of shape (n_rows,)
        What the rows stand for, such as users.
    names : sequence of str
        Names of the columns of numbers.
    values : ndarray of shape (n_rows, n_columns)
        The numbers.
    """

    labels: Mapping[str, np.ndarray]
    names: Sequence[str]
    values: np.ndarray

    def write(self, path: Path | None) -> None:
        """Write a file in the format of its name; None: CSV on stdout.

        ``.npy`` has the numbers alone, as a matrix or, of one column, as a flat array. ``.npz`` has
        an array for each label, and the numbers as ``values``.
        """
        if path is None:
            self._write_text(sys.stdout, ",")
            return
        suffix = path.suffix.lower()
        if suffix == ".parquet":
            self._write_parquet(path)
        elif suffix == ".npy":
            np.save(path, self._flat())
        elif suffix == ".npz":
            arrays: dict[str, Any] = {n: _typed(ids) for n, ids in self.labels.items()}
            np.savez(path, values=self._flat(), **arrays)
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                self._write_text(file, "\t" if suffix == ".tsv" else ",")

    def _flat(self) -> np.ndarray:
        return self.values[:, 0] if len(self.names) == 1 else self.values

    def _write_text(self, file: TextIO, delimiter: str) -> None:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow([*self.labels, *self.names])
        for start in range(0, len(self.values), BATCH):
            part = slice(start, start + BATCH)
            # As text, numbers have no more digits than their type: 0.1 and not 0.10000000149.
            columns = [*(ids[part].tolist() for ids in self.labels.values()),
                       *self.values[part].T.astype(str).tolist()]  # fmt: skip
            writer.writerows(zip(*columns, strict=True))

    def _write_parquet(self, path: Path) -> None:
        parquet = import_parquet(path, "written")
        pyarrow = importlib.import_module("pyarrow")
        columns = {name: _typed(ids) for name, ids in self.labels.items()}
        columns |= {name: self.values[:, place] for place, name in enumerate(self.names)}
        table = pyarrow.table({name: pyarrow.array(ids) for name, ids in columns.items()})
        parquet.write_table(table, path)


def demand_format(path: Path | None, *, labelled: bool = False) -> None:
    """Refuse a file that could not be written, before anything is computed.

    Parameters
    ----------
    path : Path, optional
        The file; None: stdout.
    labelled : bool
        Whether the result means nothing without the labels of its rows, which ``.npy`` lacks.

    Raises
    ------
    DataError
        If the format is not known, or a package for it is missing.
    """
    if path is None:
        return
    suffix = path.suffix.lower()
    known = [form for form in FORMATS if not (labelled and form == ".npy")]
    if suffix not in known:
        raise DataError(
            f"--out {path}: the format {suffix or '(no extension)'!r} is not one of "
            f"{', '.join(known)}"
        )
    if suffix == ".parquet":
        import_parquet(path, "written")
    if not path.parent.is_dir():
        raise DataError(f"--out {path}: there is no folder {path.parent}; make it first")


def _typed(ids: np.ndarray) -> np.ndarray:
    """Return ids that are objects as text or numbers, which files can hold."""
    return np.array(ids.tolist()) if ids.dtype.kind == "O" else ids
