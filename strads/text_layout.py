"""How the lines of a text file with ratings are to be read: the delimiter, and where they begin."""

from __future__ import annotations

import csv
import gzip
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from strads.engine.errors import DataError

#: Tried in this order, None is any white space; the later ones may well occur within a field.
DELIMITERS = ("::", "\t", ";", ",", "|", None)
SAMPLED = 64  # lines
INTEGER = re.compile(r"[+-]?[0-9]{1,20}")


@dataclass(frozen=True)
class Layout:
    """How the lines of a file are to be read.

    Attributes
    ----------
    delimiter : str or None
        None is any white space.
    skip : int
        Lines before the first rating: comments, a header.
    """

    delimiter: str | None
    skip: int = 0

    @property
    def quotes(self) -> bool:
        """Whether a field may be in quotation marks, with delimiters inside."""
        return self.delimiter not in ("::", None)

    def fields(self, line: str) -> list[str]:
        """Split a line; white space around a field is no part of it."""
        return [field.strip() for field in self._split(line)]

    def is_open(self, line: str) -> bool:
        """Whether a quotation mark is not closed, so that its field goes on in the next line."""
        if not self.quotes or '"' not in line:
            return False
        return self._split(line.rstrip("\n") + "\n")[-1].endswith("\n")

    def _split(self, line: str) -> list[str]:
        if not self.quotes:
            return line.split(self.delimiter)
        assert self.delimiter is not None
        try:
            return next(csv.reader([line], delimiter=self.delimiter), [""])
        except csv.Error:  # a field longer than anybody's id
            return [line]


def open_text(path: Path, errors: str = "strict") -> TextIO:
    """Open a text file, which may be compressed, to read it."""
    opened: Any = gzip.open if path.suffix.lower() == ".gz" else open
    return opened(path, "rt", encoding="utf-8-sig", errors=errors)


def layout_of(path: Path) -> Layout:
    """Find out from its first lines how a file is to be read.

    Raises
    ------
    DataError
        If it is something else than ratings as text.
    """
    with open_text(path, "surrogateescape") as file:
        lines = [(n, line) for n, line in enumerate(islice(file, SAMPLED)) if not line.isspace()]
    if any("\0" in line for _, line in lines):
        raise DataError(f"{path} is no text; known are text, .npz, .mtx and .parquet")
    if lines and lines[0][1].startswith("%%MatrixMarket"):
        raise DataError(f"{path} is a MatrixMarket file; let its name end in .mtx")
    while lines and lines[0][1].lstrip()[0] in "#%":
        lines.pop(0)
    if not lines:
        raise DataError(f"{path} holds no rating within its first {SAMPLED} lines")
    layout = Layout(_delimiter([line for _, line in lines]), skip=lines[0][0])
    first = layout.fields(lines[0][1])
    if not _is_header(first):
        return layout
    demand_order(path, first)
    return Layout(layout.delimiter, layout.skip + 1)


def _delimiter(lines: list[str]) -> str | None:
    def fit(delimiter: str | None) -> float:
        counts = [len(Layout(delimiter).fields(line)) for line in lines]
        # Lines with too few fields tell something only where all lines are such.
        return sum(1.0 if count >= 3 else count / 1000 for count in counts)

    return max(DELIMITERS, key=fit)


def _is_header(fields: list[str]) -> bool:
    """Tell names from a rating with a mistake, whose ids are integers or whose rating is absent."""
    named = len(fields) >= 3 and fields[2] != "" and not is_number(fields[2])
    return named and not any(INTEGER.fullmatch(field) for field in fields[:2])


def demand_order(path: Path, names: list[str]) -> None:
    """Refuse columns in another order, as their names say, than user, item, rating.

    An index would be taken for users, or times for ratings, and nobody would notice.
    """
    names = [name.lower() for name in names]
    if "rating" in names and names[2] != "rating":
        raise DataError(
            f"{path} has its ratings in column {names.index('rating') + 1}; its first three "
            "columns must be user, item and rating"
        )


def is_number(text: str) -> bool:
    """Whether text is a number, NaN and infinity included, in a file (not in Python: no 1_000)."""
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text
