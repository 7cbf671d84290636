"""Ratings in columns: an archive of NumPy with three arrays, or a table in Parquet."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from strads.datasets.files.array_file import names_in, read_npz
from strads.datasets.files.guards import demand_room
from strads.datasets.files.text_layout import demand_order
from strads.engine import DataError

#: What the three arrays of an archive may be called.
NAMES = (
    ("user", "users", "user_id", "user_ids"),
    ("item", "items", "item_id", "item_ids"),
    ("value", "values", "rating", "ratings"),
)

#: Bytes of a rating in memory, at least: a user, an item, and a number, before they are coded.
ROW = 24


def read_columns(path: Path) -> tuple[Any, ...]:
    """Read users, items and ratings, as they are in the file, from ``.npz`` or ``.parquet``.

    Raises
    ------
    DataError
        If it has other columns, or pyarrow is needed and not there.
    """
    return _parquet(path) if path.suffix.lower() == ".parquet" else _archive(path)


def has_columns(path: Path) -> bool:
    """Whether an archive has arrays of users, items and ratings."""
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
    # Rows that are alike take hardly any room in such a file.
    demand_room(path, parquet.read_metadata(path).num_rows * ROW, "its ratings take")
    table = parquet.read_table(path, columns=names[:3])
    return tuple(table[name].to_numpy() for name in names[:3])
