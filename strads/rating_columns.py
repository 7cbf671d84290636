"""Ratings in columns: an archive of NumPy with three arrays, or a table in Parquet."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine.errors import DataError
from strads.text_layout import demand_order

#: What the three arrays of an archive may be called.
NAMES = (
    ("user", "users", "user_id", "user_ids"),
    ("item", "items", "item_id", "item_ids"),
    ("value", "values", "rating", "ratings"),
)


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
    # Opened here: numpy leaves a damaged archive open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        present = set(arrays.files)
    return [next((name for name in known if name in present), None) for known in NAMES]


def _archive(path: Path) -> tuple[Any, ...]:
    names = _found(path)
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
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
    table = parquet.read_table(path, columns=names[:3])
    return tuple(table[name].to_numpy() for name in names[:3])
