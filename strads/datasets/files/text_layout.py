"""How the lines of a text file with ratings are to be read: the delimiter, and where they begin."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from strads.datasets.files.text_file import open_text
from strads.engine import DataError

#: Tried in this order, None is any white space; the later ones may well occur within a field.
DELIMITERS = ("::", "\t", ";", ",", "|", None)
SAMPLED = 64  # lines
#: What ratings may be in, for messages.
KNOWN = "text, .npz, .mtx and .parquet"
#: What a comment begins with.
MARKS = "#%"
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

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Split lines whose fields may be in quotation marks; a space before one is none of it."""
        assert self.delimiter is not None
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)

    def is_open(self, line: str) -> bool:
        """Whether a quotation mark is not closed, so that its field goes on in the next line."""
        if not self.quotes or '"' not in line:
            return False
        return self._split(line.rstrip("\n") + "\n")[-1].endswith("\n")

    def _split(self, line: str) -> list[str]:
        if not self.quotes:
            return line.split(self.delimiter)
        try:
            return next(self.rows([line]), [""])
        except csv.Error:  # a field longer than anybody's id
            return [line]


def layout_of(path: Path) -> Layout:
    """Find out from its first lines how a file is to be read.

    Raises
    ------
    DataError
        If it is something else than ratings as text.
    """
    with open_text(path, "surrogateescape", known=KNOWN) as file:
        lines = [(n, line) for n, line in enumerate(islice(file, SAMPLED)) if not line.isspace()]
    if lines and lines[0][1].startswith("%%MatrixMarket"):
        raise DataError(f"{path} is a MatrixMarket file; let its name end in .mtx")
    delimiter = _delimiter([line for _, line in lines])
    while lines and _is_comment(lines[0][1], Layout(delimiter)):
        lines.pop(0)
    if not lines:
        raise DataError(f"{path} holds no rating within its first {SAMPLED} lines")
    layout = Layout(delimiter, skip=lines[0][0])
    first = layout.fields(lines[0][1])
    if not _is_header(first):
        return layout
    demand_order(path, first)
    return Layout(layout.delimiter, layout.skip + 1)


def _delimiter(lines: list[str]) -> str | None:
    """Find the delimiter by which most lines are ratings; comments tell where nothing else does."""
    told = [line for line in lines if line.lstrip()[0] not in MARKS] or lines

    def fit(delimiter: str | None) -> float:
        layout = Layout(delimiter)
        return sum(_likeness(layout.fields(line)) for line in told)

    return max(DELIMITERS, key=fit)


def _likeness(fields: list[str]) -> float:
    """How much fields are like a rating; too few tell something only where all lines are such."""
    if len(fields) < 3:
        return len(fields) / 1000
    # A delimiter within quotation marks makes fields, too, but hardly numbers.
    return 2.0 if is_number(fields[2]) else 1.0


def _is_comment(line: str, layout: Layout) -> bool:
    """Tell a comment from a rating whose user's id begins with such a mark.

    A comment's mark stands alone, as in "# made in 1998" and "% 943 1682 100000", or what follows
    it is no rating.
    """
    line = line.strip()
    if line[0] not in MARKS:
        return False
    return line[1:2] in ("", " ", "\t", line[0]) or _likeness(layout.fields(line)) < 2.0


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
