"""Detection of the layout of a text file with ratings: the delimiter and the first rating."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from strads.datasets.files.column_roles import Columns
from strads.datasets.files.guards import quoted
from strads.datasets.files.text_file import open_text
from strads.engine import DataError

#: Delimiters in the order of preference (None is any white space); later ones are more likely to
#: occur within a field.
DELIMITERS = ("::", "\t", ";", ",", "|", None)
SAMPLED = 64  # lines
#: Formats of ratings, for messages.
KNOWN = "text, .npz, .mtx and .parquet"
#: Characters with which a comment begins.
MARKS = "#%"
INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
#: Smallest whole number that is probably a time in seconds: the year 1990.
TIME = 631_152_000
#: A number that is not whole, and so no id.
FRACTION = re.compile(r"[+-]?[0-9]*\.0*[1-9][0-9]*([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Layout:
    """The layout of a text file with ratings.

    Attributes
    ----------
    delimiter : str or None
        The delimiter of fields; None is any white space.
    skip : int
        Number of lines before the first rating: comments and a header.
    columns : tuple of int
        Places of the users, the items and, unless there are none, the ratings.
    """

    delimiter: str | None
    skip: int = 0
    columns: tuple[int, ...] = (0, 1, 2)

    @property
    def quotes(self) -> bool:
        """Whether a field may be in quotation marks, with delimiters inside."""
        return self.delimiter not in ("::", None)

    @property
    def narrowest(self) -> int:
        """Smallest number of fields of a line that has all columns."""
        return max(self.columns) + 1

    def fields(self, line: str) -> list[str]:
        """Split a line into fields, without the white space around them."""
        return [field.strip() for field in self._split(line)]

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Split lines whose fields may be in quotation marks; spaces before fields are skipped."""
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
        except csv.Error:  # a field that is too long
            return [line]


def layout_of(path: Path, columns: Columns) -> Layout:
    """Detect the layout of a file from its first lines.

    Parameters
    ----------
    path : Path
        A text file.
    columns : Columns
        The columns that are asked for.

    Raises
    ------
    DataError
        If the file does not hold ratings as text, or lacks one of the columns.
    """
    with open_text(path, "surrogateescape", known=KNOWN) as file:
        lines = [(n, line) for n, line in enumerate(islice(file, SAMPLED)) if not line.isspace()]
    if lines and lines[0][1].startswith("%%MatrixMarket"):
        raise DataError(f"{path} is a MatrixMarket file; let its name end in .mtx")
    delimiter = _delimiter([line for _, line in lines], columns)
    while lines and _is_comment(lines[0][1], Layout(delimiter)):
        lines.pop(0)
    if not lines:
        raise DataError(f"{path} holds no rating within its first {SAMPLED} lines")
    layout = Layout(delimiter, skip=lines[0][0])
    first = layout.fields(lines[0][1])
    rest = [layout.fields(line) for _, line in lines[1:]]
    headed = _is_header(first) or columns.named_in(first) or _heads_pairs(first, rest)
    found = columns.find(path, first if headed else None, len(first))
    layout = replace(layout, skip=layout.skip + headed, columns=found)
    if not columns.given:
        _demand_ids(path, layout, rest if headed else [first, *rest])
    return layout


def _delimiter(lines: list[str], columns: Columns) -> str | None:
    """Return the delimiter by which most lines, without comments if possible, are ratings."""
    told = [line for line in lines if line.lstrip()[0] not in MARKS] or lines

    def fit(delimiter: str | None) -> float:
        layout = Layout(delimiter)
        return sum(_likeness(layout.fields(line), columns.clicks) for line in told)

    return max(DELIMITERS, key=fit)


def _likeness(fields: list[str], clicks: bool = False) -> float:
    """Return how much fields look like a rating; fewer than three fields count very little."""
    if len(fields) < (2 if clicks else 3):
        return len(fields) / 1000
    # A wrong delimiter may also give three fields, but the third is hardly ever a number.
    return 2.0 if len(fields) > 2 and is_number(fields[2]) else 1.0


def _is_comment(line: str, layout: Layout) -> bool:
    """Return whether a line is a comment, and not a rating whose user's id begins with a mark.

    In a comment, the mark is followed by white space, as in "# made in 1998" and
    "% 943 1682 100000", or by the same mark; or the line is not a rating.
    """
    line = line.strip()
    if line[0] not in MARKS:
        return False
    return line[1:2] in ("", " ", "\t", line[0]) or _likeness(layout.fields(line)) < 2.0


def _is_header(fields: list[str]) -> bool:
    """Return whether fields are names of columns, and not a rating with an error.

    In a rating with an error, an id is an integer or the rating is missing.
    """
    named = len(fields) >= 3 and fields[2] != "" and not is_number(fields[2])
    return named and not any(INTEGER.fullmatch(field) for field in fields[:2])


def _heads_pairs(first: list[str], rest: list[list[str]]) -> bool:
    """Return whether two fields are names: where all others below are integers, they are not."""
    return len(first) == 2 and any(
        rest
        and not INTEGER.fullmatch(first[place])
        and all(len(fields) == 2 and INTEGER.fullmatch(fields[place]) for fields in rest)
        for place in (0, 1)
    )


def _demand_ids(path: Path, layout: Layout, rows: list[list[str]]) -> None:
    """Refuse measurements as ids, and times as ratings; they would be read without a word."""
    sample = [fields for fields in rows if len(fields) >= layout.narrowest]
    if len(layout.columns) == 3 and len(sample) > 1:
        third = [fields[layout.columns[2]] for fields in sample]
        if all(INTEGER.fullmatch(field) and int(field) >= TIME for field in third):
            raise DataError(
                f"{path} has {third[0]} where a rating is expected: it looks like a time. Name "
                "the columns with --user, --item and --rating (in Python user=…); --user and "
                "--item are enough for strads fit implicit"
            )
    for place, name in zip(layout.columns, ("user", "item"), strict=False):
        if len(sample) > 1 and all(FRACTION.fullmatch(fields[place]) for fields in sample):
            raise DataError(
                f"{path} has {quoted(sample[0][place])} where the {name} is expected: it looks "
                "like a table of measurements, not of ratings. Read it with strads fit lasso or "
                "strads fit nmf, or name the columns with --user, --item and --rating"
            )


def is_number(text: str) -> bool:
    """Return whether text is a number, including NaN and infinity, but not Python's 1_000."""
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text
