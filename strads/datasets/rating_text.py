"""Ratings as text, one a line: user, item, rating in any order, and fields that are ignored.

Clicks have no rating: each line counts 1.

A file whose ids are integers is read at once, and one with other ids in blocks. Only if both fail,
the file is read line by line to find the wrong line.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from strads.datasets.files.column_roles import ROLES, Columns
from strads.datasets.files.guards import quoted, short
from strads.datasets.files.text_file import open_text
from strads.datasets.files.text_layout import INTEGER, KNOWN, Layout, is_number, layout_of
from strads.datasets.ids import Numbering, factorise, in_order
from strads.engine import DataError

BLOCK = 1 << 17  # lines
UNIT = "\x1f"  # replaces "::", since NumPy splits only at single characters

#: The code of each rating in one column, and the ids for which the codes stand.
Column = tuple[np.ndarray, np.ndarray]


def read_text(
    path: Path, columns: Columns, text: frozenset[str] = frozenset()
) -> tuple[Column, Column, np.ndarray | None]:
    """Read a text file; see :func:`strads.datasets.read_ratings`.

    Parameters
    ----------
    path : Path
        The file.
    columns : Columns
        The columns that are asked for.
    text : set of str
        Which of ``"user"`` and ``"item"`` have ids that stay text, even if all are integers.

    Returns
    -------
    users, items : (codes, ids)
        See `Column`.
    ratings : ndarray of float32, or None
        The ratings, unless the lines are clicks.

    Raises
    ------
    DataError
        If the file cannot be read; the message has the number of the wrong line.
    """
    layout = layout_of(path, columns)
    for read in (_read_blocks,) if text else (_read_integers, _read_blocks):
        try:
            return read(path, layout, text)
        except DataError:  # this error concerns the whole file, not a line
            raise
        except (ValueError, Warning) as error:
            cause = error
    raise _explained(path, layout, cause) from cause


def _read_integers(
    path: Path, layout: Layout, text: frozenset[str]
) -> tuple[Column, Column, np.ndarray | None]:
    """Read a file whose ids are integers without quotation marks."""
    with open_text(path, known=KNOWN) as file:
        users, items, ratings = _table(islice(file, layout.skip, None), layout, np.int64)
    return factorise(users), factorise(items), _finite(ratings)


def _read_blocks(
    path: Path, layout: Layout, text: frozenset[str]
) -> tuple[Column, Column, np.ndarray | None]:
    """Read a file with any ids."""
    users, items = Numbering(), Numbering()
    blocks = []
    for lines in _blocks(path, layout.skip):
        columns = (_unquoted if _spaced(lines, layout) else _columns)(lines, layout)
        blocks.append((
            users.numbers([id.strip() for id in columns[0]]),
            items.numbers([id.strip() for id in columns[1]]),
            _finite(columns[2]),
        ))  # fmt: skip
    if not blocks:
        raise ValueError("no ratings")
    u, i = (np.concatenate([block[side] for block in blocks]) for side in range(2))
    ratings = None
    if len(layout.columns) == 3:
        ratings = np.concatenate([block[2] for block in blocks])
    return _column(u, users, "user" in text), _column(i, items, "item" in text), ratings


def _blocks(path: Path, skip: int) -> Iterator[list[str]]:
    with open_text(path, known=KNOWN) as file:
        rest = (line for line in islice(file, skip, None) if not line.isspace())
        while lines := list(islice(rest, BLOCK)):
            yield lines


def _columns(lines: list[str], layout: Layout) -> tuple[Any, Any, np.ndarray | None]:
    """Split lines whose quotation marks, if any, stand at the ends of fields."""
    columns = _table(lines, layout, object, '"' if layout.quotes else None)
    if len(columns[0]) != len(lines):
        raise ValueError("a quotation mark is not closed")
    return columns


def _spaced(lines: list[str], layout: Layout) -> bool:
    """Return whether a space may precede an opening quotation mark, which NumPy cannot parse."""
    if not layout.quotes:
        return False
    text = "".join(["\n", *lines])
    return f'{layout.delimiter} "' in text or '\n "' in text


def _unquoted(lines: list[str], layout: Layout) -> tuple[Any, Any, np.ndarray | None]:
    """Split lines with quotation marks after spaces by the csv module."""
    columns: list[list[str]] = [[] for _ in layout.columns]
    try:
        for row in layout.rows(lines):  # three lists: a list of rows costs more than the parsing
            for column, place in zip(columns, layout.columns, strict=True):
                column.append(row[place])
    except (csv.Error, IndexError) as error:  # a field that is too long; too few fields
        raise ValueError(error) from error
    users, items, *ratings = columns
    if len(users) != len(lines):
        raise ValueError("a quotation mark is not closed")
    if not ratings:
        return users, items, None
    if not all(map(is_number, ratings[0])):
        raise ValueError("a rating is no number")
    with np.errstate(over="ignore"):
        return users, items, np.array(list(map(float, ratings[0]))).astype(np.float32)


def _table(
    lines: Any, layout: Layout, ids: type, quote: str | None = None
) -> tuple[Any, Any, np.ndarray | None]:
    """Parse the columns of the layout by NumPy."""
    delimiter = layout.delimiter
    if delimiter == "::":
        lines, delimiter = (line.replace("::", UNIT) for line in lines), UNIT
    kinds: list[tuple[str, Any]] = [("user", ids), ("item", ids), ("rating", np.float32)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as: no data; 1.0 is read as an integer
        table = np.loadtxt(
            lines, dtype=kinds[: len(layout.columns)], ndmin=1,
            comments=None, delimiter=delimiter, usecols=layout.columns, quotechar=quote,
        )  # fmt: skip
    return table["user"], table["item"], table["rating"] if len(layout.columns) == 3 else None


def _finite(ratings: np.ndarray | None) -> np.ndarray | None:
    if ratings is None:
        return None
    if not np.isfinite(ratings).all():
        raise ValueError("a rating is not finite")
    return np.ascontiguousarray(ratings)


def _column(codes: np.ndarray, numbering: Numbering, text: bool) -> Column:
    """Return codes and ids in sorted order; ids become integers if all are, except as `text`."""
    if "" in numbering:
        raise ValueError("an id is missing")
    rank, ids = (None if text else _integers(numbering)) or in_order(numbering)
    return rank[codes], ids


def _integers(ids: Numbering) -> Column | None:
    if not all(map(INTEGER.fullmatch, ids)):
        return None
    numbers = list(map(int, ids))
    if min(numbers) < 0:
        raise ValueError("a negative id")
    if max(numbers) >= 2**64:
        return None
    kind = np.int64 if max(numbers) < 2**63 else np.uint64
    return factorise(np.array(numbers, dtype=kind))  # 7 and 007 become one


def _explained(path: Path, layout: Layout, cause: Exception) -> DataError:
    """Return an error that names the first wrong line."""
    signs = _Signs("user"), _Signs("item")
    found = False
    with open_text(path, "surrogateescape", known=KNOWN) as file:
        for number, line in enumerate(file, 1):
            if number <= layout.skip or line.isspace():
                continue
            found = True
            fields = layout.fields(line)
            wrong = _unreadable(line) or _wrong(fields, layout)
            if wrong is None and layout.is_open(line):
                wrong = "a quotation mark is not closed; a rating must be in one line"
            if wrong is not None:
                return DataError(f"{path}, line {number}: {wrong}")
            for sign, place in zip(signs, layout.columns, strict=False):
                sign.see(number, fields[place])
    for sign in signs:
        if sign.integers and sign.negative is not None:
            return DataError(f"{path}, {sign.negative}; integer ids must not be negative")
    if not found:
        return DataError(f"{path} holds a header, but no rating")
    return DataError(f"{path} cannot be read: {short(str(cause))}")


def _unreadable(line: str) -> str | None:
    try:
        if not line.isascii():
            line.encode()
    except UnicodeEncodeError:
        return "it is not encoded in UTF-8; save the file in UTF-8"
    return None


def _wrong(fields: list[str], layout: Layout) -> str | None:
    roles = ROLES[: len(layout.columns)]
    if len(fields) < layout.narrowest:
        return (
            f"it has {len(fields)} of the {layout.narrowest} fields {', '.join(roles[:-1])} and "
            f"{roles[-1]}, separated by comma, semicolon, tab, '|', '::' or white space"
        )
    named = {role: fields[place] for role, place in zip(roles, layout.columns, strict=True)}
    for role, field in named.items():
        if field == "":
            return f"the {role} is missing"
    rating = named.get("rating", "1")
    if not is_number(rating):
        return f"the rating {quoted(rating)} is not a number"
    if abs(float(rating)) < 1e38:
        return None
    with np.errstate(over="ignore"):
        finite = np.isfinite(np.float32(rating))
    return None if finite else f"the rating {quoted(rating)} is not finite in single precision"


class _Signs:
    """Records whether all ids of a column are integers, and the first line with a negative one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.integers = True
        self.negative: str | None = None

    def see(self, number: int, id: str) -> None:
        self.integers = self.integers and INTEGER.fullmatch(id) is not None
        if self.integers and self.negative is None and id.startswith("-"):
            self.negative = f"line {number}: the {self.name} {short(id)} is negative"
