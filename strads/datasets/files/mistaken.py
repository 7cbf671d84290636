"""Ratings that were given to a reader of something else.

A reader of tables would take the ids of users and items for two features, and a reader of texts
each rating for a document, without any error. So both look at the first lines first.
"""

from __future__ import annotations

from pathlib import Path

from strads.datasets.files.column_roles import MOST, Columns, looks_like_ratings
from strads.datasets.files.guards import quoted
from strads.datasets.files.text_file import first_lines
from strads.datasets.files.text_layout import INTEGER, TIME, Layout, is_number
from strads.engine import DataError

SAMPLED = 64  # lines
#: Delimiters of fields that are not words of a text; None is any white space.
DELIMITERS = ("::", "\t", ";", ",", "|", None)


def demand_no_ratings(path: Path, wanted: str, *, text: bool = False) -> None:
    """Refuse a text file that holds ratings.

    Parameters
    ----------
    path : Path
        The file, also with ``.gz``.
    wanted : str
        What was expected instead, for the message.
    text : bool, default=False
        Whether words were expected: then columns of numbers are enough to be sure.

    Raises
    ------
    DataError
        If the first lines are those of a file of ratings.
    """
    lines = [line.strip()[:1000] for line in first_lines(path, SAMPLED)]
    for delimiter in DELIMITERS:
        layout = Layout(delimiter)
        rows = [layout.fields(line) for line in lines]
        if rows and _are_ratings(rows, delimiter, text):
            raise DataError(
                f"{path} holds ratings, in lines such as {quoted(lines[-1][:60])}, not {wanted}: "
                "use strads fit mf or strads fit implicit (in Python read_ratings)"
            )


def _are_ratings(rows: list[list[str]], delimiter: str | None, text: bool) -> bool:
    names, *rest = rows
    width = len(names)
    if not 3 <= width <= MOST or any(len(row) != width for row in rest):
        return False
    if delimiter is not None and rest and looks_like_ratings(names):
        place = Columns().find(Path(), names, width)[2]
        return all(is_number(row[place]) for row in rest)
    if delimiter == "::" or _are_timed(rows):
        return all(is_number(row[2]) for row in rows)
    if not text:
        return False
    # An id of several words would be rare, and a text whose third field is always a number, too.
    ids = all(not any(map(str.isspace, row[0] + row[1])) for row in rows)
    whole = delimiter is not None or all(is_number(field) for row in rows for field in row)
    return ids and whole and all(is_number(row[2]) for row in rows)


def _are_timed(rows: list[list[str]]) -> bool:
    """Return whether rows are two ids, a rating, and a time in seconds."""
    return all(
        len(row) == 4
        and all(INTEGER.fullmatch(row[place]) for place in (0, 1, 3))
        and int(row[3]) >= TIME
        for row in rows
    )
