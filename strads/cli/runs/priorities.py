"""The user's priorities in a file (``--priorities FILE``)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from strads.datasets.files.array_file import read_npy
from strads.datasets.files.guards import guarded, quoted
from strads.datasets.files.text_file import open_text
from strads.engine import DataError


def read_priorities(path: Path, names: Sequence[str] | None, count: int) -> np.ndarray:
    """Read a positive number for each feature, or for each group.

    Parameters
    ----------
    path : Path
        ``.npy`` with a number for each of them; or text, with a number a line, or with the name and
        the number of those that matter, for example ``age,10``: all others have 1. A first line
        without a number is a header.
    names : sequence of str, optional
        Names of the features. None: they are called by their numbers from 0.
    count : int
        Number of features, or of groups.

    Returns
    -------
    ndarray of float64
        How many there are, and whether they are positive, is left to the estimator.

    Raises
    ------
    DataError
        If the file is missing or damaged, or names what there is not.
    """
    if path.suffix.lower() == ".npy":
        return np.asarray(guarded(path, read_npy), dtype=np.float64).ravel()
    rows = guarded(path, _rows)
    widths = {len(row) for _, row in rows}
    if widths == {1}:
        return np.array([_number(path, line, row[0]) for line, row in rows])
    if widths != {2}:
        raise DataError(
            f"{path}: --priorities needs a number a line, or a name and a number in each line"
        )
    place = {name: k for k, name in enumerate(names or map(str, range(count)))}
    found = np.ones(count)
    for line, (name, number) in rows:
        found[_place(path, line, name, place)] = _number(path, line, number)
    return found


def given_priorities(
    path: Path | None, names: Sequence[str] | None, n_features: int, groups: Any = None
) -> dict[str, Any]:
    """Return the parameter of the estimator, or none without a file.

    `groups` are the sizes of groups of features, or the size of all; a group is called by its
    number.
    """
    if path is None:
        return {}
    if groups is None:
        return {"priorities": read_priorities(path, names, n_features)}
    count = len(groups) if isinstance(groups, list) else n_features // groups
    return {"priorities": read_priorities(path, None, count)}


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the fields of each line with its number, without a header and empty lines."""
    with open_text(path, "strict") as file:
        lines = csv.reader(file)
        rows = [(n, [field.strip() for field in row]) for n, row in enumerate(lines, 1) if row]
    if rows and not _is_number(rows[0][1][-1]):
        rows = rows[1:]
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(path: Path, line: int, text: str) -> float:
    if not _is_number(text):
        raise DataError(f"{path}, line {line}: {quoted(text)} is not a number")
    return float(text)


def _place(path: Path, line: int, name: str, place: Mapping[str, int]) -> int:
    if name not in place:
        raise DataError(
            f"{path}, line {line}: the data have no {quoted(name)}; name columns as the data do, "
            "or by their numbers from 0 if they have no names"
        )
    return place[name]
