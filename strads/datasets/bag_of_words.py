"""Counts of words as text in the format of the UCI repository: ``docword.NAME.txt``.

The first three lines hold the numbers of documents, words and entries. Each further line is an
entry: document, word, count; documents and words are numbered from 1. Entries are read in blocks;
only if a block cannot be read, it is read line by line to find the wrong line.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
import scipy.sparse as sp

from strads.datasets.files.guards import demand_memory, demand_plausible, quoted, short
from strads.datasets.files.text_file import LONGEST, open_text
from strads.engine import DataError

BLOCK = 1 << 18  # lines
HEADER = ("documents", "words", "entries")
LARGEST = np.iinfo(np.int32).max
WHOLE = re.compile(r"[+-]?[0-9]+")

#: Numbers of documents, words and entries.
Header = tuple[int, int, int]


def is_bag_of_words(path: Path) -> bool:
    """Return whether a text file is in this format, by its name or its first lines."""
    if path.name.lower().startswith("docword"):
        return True
    with open_text(path, "replace", longest=LONGEST, nul=True) as file:
        first = [line.split() for line in islice(file, 4)]
    # The fourth line distinguishes it from a text that begins with numbers.
    alike = [len(fields) for fields in first] == [1, 1, 1, 3]
    return alike and all(WHOLE.fullmatch(field) for fields in first for field in fields)


def read_bag_of_words(path: Path) -> sp.coo_array:
    """Read a file in this format.

    Returns
    -------
    coo_array of int32 or int64 of shape (n_documents, n_words)
        The entries as in the file, including zeros and duplicates.

    Raises
    ------
    DataError
        If a line is wrong (the message has its number), or if the header does not match the
        entries.
    """
    with open_text(path, "replace") as file:
        header = _header(path, file)
        blocks = [np.empty((3, 0), dtype=np.int32), *_blocks(path, file, header)]
    documents, words, counts = map(np.concatenate, zip(*blocks, strict=True))
    if len(counts) != header[2]:
        raise DataError(
            f"{path}, line 3: {header[2]:,} entries are announced, but {len(counts):,} follow; is "
            "the file complete?"
        )
    demand_plausible(path, header[:2], len(counts), HEADER)
    if counts.sum(dtype=np.int64) > LARGEST:
        counts = counts.astype(np.int64)  # the sum of duplicates could overflow int32
    return sp.coo_array((counts, (documents, words)), shape=header[:2])


def _header(path: Path, file: TextIO) -> Header:
    numbers = []
    for number, (name, line) in enumerate(zip(HEADER, islice(file, 3), strict=False), 1):
        if not WHOLE.fullmatch(line.strip()) or not 1 <= _number(line) <= LARGEST:
            raise DataError(
                f"{path}, line {number}: {line.strip()[:40]!r} must be the number of {name}, from "
                f"1 to {LARGEST:,}, alone in its line"
            )
        numbers.append(int(line))
    if len(numbers) < 3:
        raise DataError(
            f"{path} must begin with three lines: the numbers of documents, words and entries"
        )
    return numbers[0], numbers[1], numbers[2]


def _blocks(path: Path, file: TextIO, header: Header) -> Iterator[np.ndarray]:
    number, nbytes = len(HEADER) + 1, 0
    while lines := list(islice(file, BLOCK)):
        try:
            if not all(map(str.isspace, lines)):
                block = _block(lines, header)
                nbytes += block.nbytes
                yield block
        except (ValueError, Warning) as error:
            raise _explained(path, number, lines, header, error) from error
        demand_memory(path, nbytes, "its entries take another")  # when blocks are joined
        number += len(lines)


def _block(lines: list[str], header: Header) -> np.ndarray:
    """Parse entries; return documents, words and counts, the former two numbered from 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as NumPy's warning that it reads 1.0 as an integer
        table = np.loadtxt(lines, dtype=np.int64, comments=None, ndmin=2)
    if table.shape[1] != 3:
        raise ValueError(f"{table.shape[1]} fields")
    low, high = table.min(axis=0), table.max(axis=0)
    if (low < (1, 1, 0)).any() or (high > (*header[:2], LARGEST)).any():
        raise ValueError("out of range")
    return (table - (1, 1, 0)).T.astype(np.int32)


def _explained(
    path: Path, number: int, lines: list[str], header: Header, cause: Exception
) -> DataError:
    """Return an error that names the first wrong line; `number` is that of the first of `lines`."""
    for each, line in enumerate(lines, number):
        if not line.isspace() and (wrong := _wrong(line.split(), header)) is not None:
            return DataError(f"{path}, line {each}: {wrong}")
    return DataError(f"{path} cannot be read: {short(str(cause))}")


def _wrong(fields: list[str], header: Header) -> str | None:
    if len(fields) != 3:
        return f"it has {len(fields)} fields; document, word and count are needed"
    for name, field in zip(("document", "word", "count"), fields, strict=True):
        if not WHOLE.fullmatch(field):
            return f"the {name} {quoted(field)} is not a whole number"
    document, word, count = map(_number, fields)
    for name, id, largest in zip(HEADER, (document, word), header, strict=False):
        if id < 1:
            return f"the {name[:-1]} {short(str(id))} is below 1, where {name} begin in this format"
        if id > largest:
            return (
                f"the {name[:-1]} {short(str(id))} is beyond the {largest:,} {name} of the header"
            )
    if not 0 <= count <= LARGEST:
        return f"the count {short(str(count))} is not from 0 to {LARGEST:,}"
    return None


def _number(field: str) -> int:
    """Convert a whole number; only the first 1,000 digits, since Python refuses very long ones."""
    return int(field.strip()[:1000])
