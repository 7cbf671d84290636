"""Ratings in columns: a ``.npz`` file with three arrays, a table in Parquet, or a frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from strads.datasets.files.array_file import names_in, read_npz
from strads.datasets.files.column_roles import MOST, ROLES, Columns, listed
from strads.datasets.files.guards import demand_memory
from strads.datasets.files.parquet import import_parquet
from strads.engine import DataError

#: Accepted names of the three arrays in a ``.npz`` file.
NAMES = (
    ("user", "users", "user_id", "user_ids"),
    ("item", "items", "item_id", "item_ids"),
    ("value", "values", "rating", "ratings"),
)

#: How pandas names the index of a frame, which is no column of it.
INDEX = "__index_level_"
#: Smallest number of bytes of a rating in memory before ids are numbered: user, item and rating.
ROW = 24


def read_columns(path: Path, columns: Columns) -> tuple[Any, ...]:
    """Read the columns of users, items and ratings from a ``.npz`` or ``.parquet`` file.

    Parameters
    ----------
    path : Path
        The file.
    columns : Columns
        The columns that are asked for.

    Returns
    -------
    tuple of array-like
        Users, items and, unless they are clicks, ratings.

    Raises
    ------
    DataError
        If the file has other columns, or if pyarrow is needed and not installed.
    """
    if path.suffix.lower() == ".parquet":
        return _parquet(path, columns)
    names = _found(path, columns)
    if columns.clicks and names[2] is None:
        names = names[:2]
    arrays = read_npz(path, [name for name in names if name is not None])
    if missing := [role for role, name in zip(ROLES, names, strict=False) if name not in arrays]:
        raise DataError(f"{path} has no array of {missing[0]}s: it has {sorted(names_in(path))}")
    return tuple(arrays[str(name)] for name in names)


def has_columns(path: Path, columns: Columns) -> bool:
    """Return whether a ``.npz`` file has arrays of users and items, and of ratings if needed."""
    found = _found(path, columns)
    return None not in (found[:2] if columns.clicks else found)


def _found(path: Path, columns: Columns) -> list[str | None]:
    present = names_in(path)
    return [
        columns.given.get(role) or next((name for name in known if name in present), None)
        for role, known in zip(ROLES, NAMES, strict=True)
    ]


def _parquet(path: Path, columns: Columns) -> tuple[Any, ...]:
    parquet = import_parquet(path, "read")
    names = [name for name in parquet.read_schema(path).names if not name.startswith(INDEX)]
    places = columns.find(path, names, len(names))
    # Equal rows take hardly any space in the file, but their full size in memory.
    demand_memory(path, parquet.read_metadata(path).num_rows * ROW, "its ratings take")
    chosen = [names[place] for place in places]
    table = parquet.read_table(path, columns=chosen)
    return tuple(table[name].to_numpy() for name in chosen)


def frame_columns(frame: Any, clicks: bool = False) -> tuple[Any, ...]:
    """Return the columns of users, items and, unless there are none, ratings of a table in memory.

    Parameters
    ----------
    frame : DataFrame, or array of shape (n_ratings, 2 or 3)
        Columns are found by well-known names in any order; else the only three columns (or two, of
        clicks) are user, item and rating.
    clicks : bool
        Whether there may be no ratings.

    Raises
    ------
    ValueError
        If it is not clear which columns are meant.
    """
    names = [str(name) for name in getattr(frame, "columns", ())]
    count = len(names) or np.shape(frame)[1]
    found = Columns(ratings="optional" if clicks else "needed").named(names)
    exact = count == len(ROLES) or (clicks and count == len(ROLES) - 1)
    if found is None and exact:
        found = tuple(range(count))
    if found is None:
        has = f"{count} columns, {listed(names)}" if names else f"{count} columns without names"
        hint = (
            " If it is a matrix of users × items, call fit()" if count > MOST
            else "" if clicks else " Clicks without ratings are for ImplicitFactorization"
        )  # fmt: skip
        raise ValueError(
            f"the table of ratings has {has}: which of them are users, items and ratings? Name "
            f"them user, item and rating, or give all three: (users, items, ratings).{hint}"
        )
    if hasattr(frame, "iloc"):
        return tuple(frame.iloc[:, place].to_numpy() for place in found)
    if names:
        return tuple(frame[frame.columns[place]].to_numpy() for place in found)
    return tuple(np.asarray(frame)[:, place] for place in found)
