"""Ratings as text, one a line: user, item, rating, and further fields, which are ignored.

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

from strads.datasets.files.guards import quoted, short
from strads.datasets.files.text_file import open_text
from strads.datasets.files.text_layout import INTEGER, KNOWN, Layout, is_number, layout_of
from strads.datasets.ids import Numbering, factorise, in_order
from strads.engine import DataError

BLOCK = 1 << 17  # lines
UNIT = "\x1f"  # replaces "::", since NumPy splits only at single characters

#: The code of each rating in one column, and the ids for which the codes stand.
Column = tuple[np.ndarray, np.ndarray]


def read_text(path: Path) -> tuple[Column, Column, np.ndarray]:
    """Read a text file; see :func:`strads.datasets.read_ratings`.

    Returns
    -------
    users, items : (codes, ids)
        See `Column`.
    ratings : ndarray of float32
        The ratings.

    Raises
    ------
    DataError
        If the file cannot be read; the message has the number of the wrong line.
    """
    layout = layout_of(path)
    for read in (_read_integers, _read_blocks):
        try:
            return read(path, layout)
        except DataError:  # this error concerns the whole file, not a line
            raise
        except (ValueError, Warning) as error:
            cause = error
    raise _explained(path, layout, cause) from cause


def _read_integers(path: Path, layout: Layout) -> tuple[Column, Column, np.ndarray]:
    """Read a file whose ids are integers without quotation marks."""
    with open_text(path, known=KNOWN) as file:
        table = _table(islice(file, layout.skip, None), layout.delimiter, np.int64)
    return factorise(table["user"]), factorise(table["item"]), _finite(table["rating"])


def _read_blocks(path: Path, layout: Layout) -> tuple[Column, Column, np.ndarray]:
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
    u, i, ratings = map(np.concatenate, zip(*blocks, strict=True))
    return _column(u, users), _column(i, items), ratings


def _blocks(path: Path, skip: int) -> Iterator[list[str]]:
    with open_text(path, known=KNOWN) as file:
        rest = (line for line in islice(file, skip, None) if not line.isspace())
        while lines := list(islice(rest, BLOCK)):
            yield lines


def _columns(lines: list[str], layout: Layout) -> tuple[Any, Any, np.ndarray]:
    """Split lines whose quotation marks, if any, stand at the ends of fields."""
    table = _table(lines, layout.delimiter, object, '"' if layout.quotes else None)
    if len(table) != len(lines):
        raise ValueError("a quotation mark is not closed")
    return table["user"], table["item"], table["rating"]


def _spaced(lines: list[str], layout: Layout) -> bool:
    """Return whether a space may precede an opening quotation mark, which NumPy cannot parse."""
    if not layout.quotes:
        return False
    text = "".join(["\n", *lines])
    return f'{layout.delimiter} "' in text or '\n "' in text


def _unquoted(lines: list[str], layout: Layout) -> tuple[Any, Any, np.ndarray]:
    """Split lines with quotation marks after spaces by the csv module."""
    users: list[str] = []
    items: list[str] = []
    ratings: list[str] = []
    try:
        for row in layout.rows(lines):  # three lists: a list of rows costs more than the parsing
            users.append(row[0])
            items.append(row[1])
            ratings.append(row[2])
    except (csv.Error, IndexError) as error:  # a field that is too long; too few fields
        raise ValueError(error) from error
    if len(ratings) != len(lines):
        raise ValueError("a quotation mark is not closed")
    if not all(map(is_number, ratings)):
        raise ValueError("a rating is no number")
    with np.errstate(over="ignore"):
        return users, items, np.array(list(map(float, ratings))).astype(np.float32)


def _table(lines: Any, delimiter: str | None, ids: type, quote: str | None = None) -> np.ndarray:
    if delimiter == "::":
        lines, delimiter = (line.replace("::", UNIT) for line in lines), UNIT
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as: no data; 1.0 is read as an integer
        return np.loadtxt(
            lines, dtype=[("user", ids), ("item", ids), ("rating", np.float32)], ndmin=1,
            comments=None, delimiter=delimiter, usecols=(0, 1, 2), quotechar=quote,
        )  # fmt: skip


def _finite(ratings: np.ndarray) -> np.ndarray:
    if not np.isfinite(ratings).all():
        raise ValueError("a rating is not finite")
    return np.ascontiguousarray(ratings)


def _column(codes: np.ndarray, numbering: Numbering) -> Column:
    """Return codes and ids in sorted order; ids become integers if all of them are integers."""
    if "" in numbering:
        raise ValueError("an id is missing")
    rank, ids = _integers(numbering) or in_order(numbering)
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
            wrong = _unreadable(line) or _wrong(fields)
            if wrong is None and layout.is_open(line):
                wrong = "a quotation mark is not closed; a rating must be in one line"
            if wrong is not None:
                return DataError(f"{path}, line {number}: {wrong}")
            for sign, field in zip(signs, fields, strict=False):
                sign.see(number, field)
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


def _wrong(fields: list[str]) -> str | None:
    if len(fields) < 3:
        return (
            f"it has {len(fields)} of the 3 fields user, item and rating, separated by comma, "
            "semicolon, tab, '|', '::' or white space"
        )
    user, item, rating = fields[:3]
    for name, field in (("user", user), ("item", item), ("rating", rating)):
        if field == "":
            return f"the {name} is missing"
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
