"""Ratings in columns: a ``.npz`` file with three arrays, or a table in Parquet."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from strads.datasets.files.array_file import names_in, read_npz
from strads.datasets.files.guards import demand_memory
from strads.datasets.files.text_layout import demand_order
from strads.engine import DataError

#: Accepted names of the three arrays in a ``.npz`` file.
NAMES = (
    ("user", "users", "user_id", "user_ids"),
    ("item", "items", "item_id", "item_ids"),
    ("value", "values", "rating", "ratings"),
)

#: Smallest number of bytes of a rating in memory before ids are numbered: user, item and rating.
ROW = 24


def read_columns(path: Path) -> tuple[Any, ...]:
    """Read the columns of users, items and ratings from a ``.npz`` or ``.parquet`` file.

    Raises
    ------
    DataError
        If the file has other columns, or if pyarrow is needed and not installed.
    """
    return _parquet(path) if path.suffix.lower() == ".parquet" else _archive(path)


def has_columns(path: Path) -> bool:
    """Return whether a ``.npz`` file has arrays of users, items and ratings."""
    return None not in _found(path)


def _found(path: Path) -> list[str | None]:
    present = names_in(path)
    return [next((name for name in known if name in present), None) for known in NAMES]


def _archive(path: Path) -> tuple[Any, ...]:
    names = [name for name in _found(path) if name is not None]
    arrays = read_npz(path, names)
    return tuple(arrays[name] for name in names)


def _parquet(path: Path) -> tuple[Any, ...]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise DataError(f"{path} cannot be read without pyarrow: pip install pyarrow") from None
    names = parquet.read_schema(path).names
    if len(names) < 3:
        raise DataError(f"{path} has the columns {names}; user, item and rating are needed")
    demand_order(path, names)
    # Equal rows take hardly any space in the file, but their full size in memory.
    demand_memory(path, parquet.read_metadata(path).num_rows * ROW, "its ratings take")
    table = parquet.read_table(path, columns=names[:3])
    return tuple(table[name].to_numpy() for name in names[:3])
