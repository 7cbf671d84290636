"""Tables of numbers with named columns, from CSV and Parquet.

A column that does not hold numbers is an error that names it: guessing a code for its words, or a
value for what is missing, would change the problem without a word.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from strads.datasets.files.column_roles import listed, looks_like_ratings
from strads.datasets.files.guards import demand_memory, guarded, quoted, short
from strads.datasets.files.mistaken import demand_no_ratings
from strads.datasets.files.parquet import import_parquet
from strads.datasets.files.text_file import LONGEST, open_text
from strads.datasets.files.text_layout import is_number
from strads.engine import DataError

DELIMITERS = (",", "\t", ";", "|")
SAMPLED = 20  # lines


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers in named columns.

    Parameters
    ----------
    X : ndarray of float64 of shape (n_rows, n_columns), in Fortran order
        The columns, without the target.
    names : tuple of str
        Their names; in a file without a header, their numbers from 0.
    y : ndarray of float64 of shape (n_rows,), or None
        The target, if one was asked for.
    """

    X: np.ndarray
    names: tuple[str, ...]
    y: np.ndarray | None = None


def is_table(path: Path) -> bool:
    """Return whether a file is a table, by its name: CSV, also with ``.gz``, or Parquet."""
    name = path.name.lower()
    return name.removesuffix(".gz").endswith((".csv", ".tsv")) or name.endswith(".parquet")


def read_table(
    path: str | Path, *, target: str | None = None, drop: Collection[str] = (),
    columns: Sequence[str] | None = None,
) -> Table:  # fmt: skip
    """Read a table of numbers from CSV or Parquet.

    Parameters
    ----------
    path : path
        ``.csv`` or ``.tsv``, also with ``.gz``: the separator (comma, tab, semicolon or ``|``) is
        detected; the first line is a header if one of its fields is not a number. ``.parquet``
        needs pyarrow.
    target : str, optional
        Name of the column that becomes `y`. In a file without a header, names are numbers from 0.
    drop : collection of str, default=()
        Names of columns to leave out, such as those of text.
    columns : sequence of str, optional
        Names of the columns to read, in their order in X; None: all but `target` and `drop`.

    Returns
    -------
    Table
        Columns, their names, and the target.

    Raises
    ------
    DataError
        If the file is missing or damaged, a column is missing, holds anything but finite numbers,
        or the columns are those of ratings. It is a ValueError; its message names the file, the
        column and, for text, the line.
    """
    path = Path(path)
    source = _opened(path)
    names = source.names
    for name in [*drop, *(columns or ()), *([] if target is None else [target])]:
        if name not in names:
            raise DataError(f"{path} has no column {name!r}: it has {listed(names)}")
    left_out = {target, *drop}
    chosen = [name for name in names if name not in left_out] if columns is None else [*columns]
    if not chosen:
        raise DataError(f"{path}: no column is left for X")
    wanted = chosen if target is None else [*chosen, target]
    table = guarded(path, lambda _: source.read([names.index(name) for name in wanted]))
    for place, name in enumerate(wanted):
        if not np.isfinite(table[:, place]).all():
            raise DataError(
                f"{path}: column {name!r} holds NaN or infinite values; impute them or drop the "
                "rows"
            )
    y = None if target is None else np.ascontiguousarray(table[:, -1])
    return Table(table[:, : len(chosen)], tuple(chosen), y)


def column_names(path: str | Path) -> list[str]:
    """Return the names of all columns of a table; see :func:`read_table`."""
    return list(_opened(Path(path)).names)


def _opened(path: Path) -> _Text | _Parquet:
    opener: Any = _Parquet if path.suffix.lower() == ".parquet" else _Text
    return guarded(path, opener)


class _Text:
    """A table as text, whose header has been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_text(path, "replace", longest=LONGEST) as file:
            lines = [line for line in islice(file, SAMPLED) if not line.isspace()]
        if not lines:
            raise DataError(f"{path} holds no row")
        self.delimiter = _delimiter(lines)
        rows = [_split(line, self.delimiter) for line in lines]
        self.headed = not all(field == "" or is_number(field) for field in rows[0])
        self.names = rows[0] if self.headed else [str(place) for place in range(len(rows[0]))]
        _demand_distinct(path, self.names)
        if len(rows) == self.headed:
            raise DataError(f"{path} holds a header, but no row")
        demand_no_ratings(path, "a table of features")

    def read(self, places: list[int]) -> np.ndarray:
        """Parse some columns; an error names the column and the line."""
        try:
            with self._rows() as file, warnings.catch_warnings():
                warnings.simplefilter("error")
                table = np.loadtxt(
                    file, dtype=np.float64, comments=None, delimiter=self.delimiter, quotechar='"',
                    usecols=places, ndmin=2,
                )  # fmt: skip
        except (ValueError, Warning) as error:
            raise self._explained(places, error) from error
        return np.asfortranarray(table)

    def _rows(self) -> TextIO:
        """Open the file at its first row of numbers."""
        file = open_text(self.path, "replace", longest=LONGEST)
        if self.headed:
            next(line for line in file if not line.isspace())
        return file

    def _explained(self, places: list[int], cause: Exception) -> DataError:
        with open_text(self.path, "replace", longest=LONGEST) as file:
            told = ((number, line) for number, line in enumerate(file, 1) if not line.isspace())
            for number, line in islice(told, int(self.headed), None):
                wrong = self._wrong(_split(line, self.delimiter), places)
                if wrong is not None:
                    return DataError(f"{self.path}, line {number}: {wrong}")
        return DataError(f"{self.path} cannot be read: {short(str(cause))}")

    def _wrong(self, fields: list[str], places: list[int]) -> str | None:
        if len(fields) != len(self.names):
            return f"it has {len(fields)} fields, but the first line has {len(self.names)}"
        wrong = (place for place in places if not is_number(fields[place]))
        place = next(wrong, None)
        return None if place is None else _no_number(self.names[place], fields[place])


class _Parquet:
    """A table in Parquet, whose schema has been read."""

    def __init__(self, path: Path) -> None:
        self.parquet = import_parquet(path, "read")
        self.path = path
        names = self.parquet.read_schema(path).names
        self.names = [name for name in names if not name.startswith("__index_level_")]
        _demand_distinct(path, self.names)
        if looks_like_ratings(self.names):
            raise DataError(
                f"{path} holds ratings, in the columns {listed(self.names)}, not a table of "
                "features: use strads fit mf or strads fit implicit (in Python read_ratings)"
            )

    def read(self, places: list[int]) -> np.ndarray:
        """Read some columns; an error names the column."""
        rows = self.parquet.read_metadata(self.path).num_rows
        demand_memory(self.path, 16 * rows * len(places), "its table takes")
        names = [self.names[place] for place in places]
        read = self.parquet.read_table(self.path, columns=names)
        table = np.empty((rows, len(places)), order="F")
        for place, name in enumerate(names):
            table[:, place] = self._column(read[name], name)
        return table

    def _column(self, column: Any, name: str) -> np.ndarray:
        if column.null_count:
            raise DataError(
                f"{self.path}: column {name!r} lacks {column.null_count:,} values; impute them or "
                "drop the rows"
            )
        values: np.ndarray = column.to_numpy()
        if values.dtype.kind not in "biuf":
            example = str(values[0]) if len(values) else ""
            raise DataError(f"{self.path}: {_no_number(name, example)}")
        return values


def _no_number(name: str, field: str) -> str:
    if field == "":
        return f"column {name!r} is empty; impute such values or drop the rows"
    return (
        f"column {name!r} holds {quoted(field)}, which is no number; encode the column as "
        f"numbers, or leave it out with --drop {name} (in Python drop=[{name!r}])"
    )


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter that splits all lines into equally many fields, and into the most."""

    def fit(delimiter: str) -> tuple[bool, bool, int]:
        counts = {len(_split(line, delimiter)) for line in lines}
        return max(counts) > 1, len(counts) == 1, max(counts)

    return max(DELIMITERS, key=fit)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [""])
    except csv.Error:  # a field that is too long
        return [line.strip()]
    return [field.strip() for field in row]


def _demand_distinct(path: Path, names: list[str]) -> None:
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise DataError(f"{path} has several columns {twice[0]!r}; give each a name of its own")
