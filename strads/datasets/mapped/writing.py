"""Writing a sparse matrix to a folder part by part, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from strads.datasets.mapped.folder import write_description
from strads.engine import DataError, give_back

#: Entries whose indices are sorted together.
SORTED = 1 << 20


class Entries(NamedTuple):
    """Some entries of a matrix.

    Attributes
    ----------
    rows, columns, values : ndarray
    """

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


def write_entries(
    folder: Path, layout: str, shape: tuple[int, int], counts: np.ndarray,
    parts: Iterator[Entries], dtype: Any,
) -> None:  # fmt: skip
    """Write a matrix whose entries come part by part, in any order.

    Parameters
    ----------
    folder : Path
        Exists, and has no description yet.
    layout : {"csc", "csr"}
    shape : (int, int)
    counts : ndarray of int64
        Number of entries of each column (row).
    parts : iterator of Entries
    dtype : dtype
        float64 or float32.

    Raises
    ------
    DataError
        If two entries have one place, or other entries come than were counted.
    """
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    minor = shape[0] if layout == "csc" else shape[1]
    total = int(indptr[-1])
    if total == 0:
        raise DataError(f"{folder}: the matrix has no entries")
    data = np.lib.format.open_memmap(folder / "data.npy", "w+", dtype, (total,))
    narrow = np.int32 if minor < 2**31 else np.int64
    indices = np.lib.format.open_memmap(folder / "indices.npy", "w+", narrow, (total,))
    ends = indptr[:-1].copy()
    for part in parts:
        major, other = (part.columns, part.rows) if layout == "csc" else (part.rows, part.columns)
        order = np.argsort(major, kind="stable")
        own, here = np.unique(major[order], return_counts=True)
        starts = np.concatenate([[0], np.cumsum(here)[:-1]])
        places = np.repeat(ends[own] - starts, here) + np.arange(len(order))
        ends[own] += here
        if np.any(ends[own] > indptr[own + 1]):
            break
        data[places], indices[places] = part.values[order], other[order]
        _given_back(data, indices)
    if not np.array_equal(ends, indptr[1:]):
        raise DataError(f"{folder}: the source changed while it was read; convert it again")
    _sort(folder, indptr, data, indices)
    _given_back(data, indices)
    np.save(folder / "indptr.npy", indptr)
    write_description(folder, layout, shape)


def _sort(folder: Path, indptr: np.ndarray, data: Any, indices: Any) -> None:
    """Sort the indices of each column (row), where they do not rise."""
    first = 0
    while first < len(indptr) - 1:
        end = int(np.searchsorted(indptr, indptr[first] + SORTED, side="right")) - 1
        last = min(max(end, first + 1), len(indptr) - 1)
        part = slice(int(indptr[first]), int(indptr[last]))
        own = np.repeat(np.arange(first, last), np.diff(indptr[first : last + 1]))
        some = np.array(indices[part])
        same = own[1:] == own[:-1]
        if np.any(same & (some[1:] <= some[:-1])):
            order = np.lexsort((some, own))
            some, values = some[order], np.array(data[part])[order]
            if np.any(same & (some[1:] == some[:-1])):
                raise DataError(f"{folder}: the source has two entries for one place")
            indices[part], data[part] = some, values
        _given_back(data, indices)
        first = last


def _given_back(*maps: Any) -> None:
    """Write what has changed to the files, and give the pages back."""
    for each in maps:
        each.flush()
        give_back(each._mmap)
