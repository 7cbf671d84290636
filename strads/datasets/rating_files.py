"""Readers of ratings from files: text, Parquet, ``.npz``, and sparse matrices."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets.design_matrix import MATRIX_MARKET, read_matrix
from strads.datasets.files.column_roles import Columns
from strads.datasets.files.guards import guarded
from strads.datasets.rating_columns import has_columns, read_columns
from strads.datasets.rating_text import read_text
from strads.datasets.ratings import (
    LARGEST,
    Ratings,
    counted_pairs,
    last_of_pairs,
    numbered,
    numbers,
)
from strads.engine import DataError


def read_ratings(
    path: str | Path, *, user: str | None = None, item: str | None = None,
    rating: str | None = None, clicks: bool = False,
) -> Ratings:  # fmt: skip
    """Read ratings from a file.

    Parameters
    ----------
    path : path
        One of these:

        * Text, also with ``.gz``: each line is a rating. Its fields are separated by comma,
          semicolon, tab, ``|``, ``::`` or white space; the separator is detected. Fields may be in
          quotation marks, as in CSV. Comments and a header may come first. There, a line that
          begins with ``#`` or ``%`` is a comment if white space or the same mark follows, or if it
          is not a rating; so ``#tag,film,5`` is a rating. The ids of a column are integers if all
          of them are integers, else text.
        * ``.parquet``: a table. Needs pyarrow.
        * ``.npz`` with arrays ``user``, ``item`` and ``value``.
        * ``.npz`` of scipy.sparse or MatrixMarket (``.mtx``, ``.mm``, also with ``.gz``): a matrix
          users × items, whose stored entries are the ratings; ids are row and column numbers, from
          0.
    user, item, rating : str, optional
        Columns of a table: their names or, in text without a header, their numbers from 0. By
        default, columns with well-known names, such as userId, movie_id, asin, stars and
        rating, are taken in any order. Without such names the first three columns are user, item
        and rating, if there are at most five. Other columns are ignored.
    clicks : bool, default=False
        Whether a table may lack a column of ratings: each row is then an observation, and the value
        of a pair of a user and an item is the number of its rows.

    Returns
    -------
    Ratings
        The ratings with numbered ids; of several ratings by a user of an item the last one.

    Raises
    ------
    DataError
        If the file is missing, damaged or holds other data, or if it is not clear which columns are
        meant. It is a ValueError; its message names the file and, for text, the line.
    """
    columns = Columns(user, item, rating, "optional" if clicks else "needed")
    return guarded(Path(path), lambda path: _read(path, columns))


def read_pairs(
    path: str | Path, *, user: str | None = None, item: str | None = None,
    text: Collection[str] = (),
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Read pairs of a user and an item from a file, in its order; a pair may occur several times.

    Parameters
    ----------
    path : path
        A file of ratings, or one without their column; see :func:`read_ratings`.
    user, item : str, optional
        Columns of a table; see :func:`read_ratings`.
    text : collection of {"user", "item"}, default=()
        Whose ids stay text, even if all of them are integers.

    Returns
    -------
    users, items : ndarray of shape (n_pairs,)
        Ids.

    Raises
    ------
    DataError
        See :func:`read_ratings`.
    """
    columns, kept = Columns(user, item, None, "ignored"), frozenset(text)
    found = guarded(Path(path), lambda path: _read(path, columns, kept, pairs=True))
    return found.user_ids[found.users], found.item_ids[found.items]


def _read(
    path: Path, columns: Columns, text: frozenset[str] = frozenset(), *, pairs: bool = False
) -> Ratings:
    ratings, counted = _reader(path, columns)(path, columns, text)
    if pairs:
        return ratings
    return counted_pairs(ratings) if counted else last_of_pairs(ratings)


#: Takes a file, columns, and whose ids stay text; returns every row, and whether it counts 1.
Reader = Callable[[Path, Columns, frozenset[str]], tuple[Ratings, bool]]


def _reader(path: Path, columns: Columns) -> Reader:
    packed = path.suffix.lower() == ".gz"
    suffix = (Path(path.stem) if packed else path).suffix.lower()
    if suffix in MATRIX_MARKET or (suffix == ".npz" and not packed and not _tabular(path, columns)):
        return _read_matrix
    return _read_table if suffix in (".npz", ".parquet") and not packed else _read_lines


def _tabular(path: Path, columns: Columns) -> bool:
    return bool(columns.given) or has_columns(path, columns)


def _read_lines(path: Path, columns: Columns, text: frozenset[str]) -> tuple[Ratings, bool]:
    (users, user_ids), (items, item_ids), values = read_text(path, columns, text)
    counted = values is None
    values = np.ones(len(users), np.float32) if values is None else values
    return Ratings(users, items, values, user_ids, item_ids), counted


def _read_table(path: Path, columns: Columns, text: frozenset[str]) -> tuple[Ratings, bool]:
    users, items, *ratings = read_columns(path, columns)
    users, items = (
        np.asarray(ids).astype(str) if name in text else ids
        for name, ids in (("user", users), ("item", items))
    )
    for name, ids in (("users", users), ("items", items)):
        _demand_whole(path, name, np.asarray(ids))
    values = ratings[0] if ratings else np.ones(len(users), np.float32)
    return _of_file(path, numbered, users, items, values), not ratings


def _demand_whole(path: Path, name: str, ids: np.ndarray) -> None:
    """Refuse measurements: they would be read as ids."""
    if ids.dtype.kind == "f" and (fractions := ids != np.floor(ids)).any():
        first = ids[fractions.argmax()]
        if first == first:  # a missing id has a message of its own
            raise DataError(
                f"{path} has {first} among its {name}, which is no id: it looks like a table of "
                "measurements, not of ratings"
            )


def _read_matrix(path: Path, columns: Columns, text: frozenset[str]) -> tuple[Ratings, bool]:
    if columns.given:
        raise DataError(
            f"{path} is a matrix of users × items, without columns to choose; leave out "
            f"{' and '.join('--' + role for role in columns.given)}"
        )
    entries = sp.coo_array(read_matrix(path)[0])
    if entries.nnz == 0:
        raise DataError(f"{path} stores no rating")
    if max(entries.shape) > LARGEST:
        raise DataError(
            f"{path} has {max(entries.shape):,} users or items; at most {LARGEST:,} can be numbered"
        )
    values = _of_file(path, numbers, entries.data)
    users, items = (index.astype(np.int32) for index in (entries.row, entries.col))
    rows, cols = map(np.arange, entries.shape)
    return Ratings(users, items, values, rows, cols), False


def _of_file(path: Path, make: Callable[..., Any], *arrays: Any) -> Any:
    try:
        return make(*arrays)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
