"""Read a memory map of a file part by part, and give the pages of each part back.

A pass over a map leaves all its pages resident in the process until the system needs the memory.
Checks of given data need no page twice. Without this, a process that works on a part of a file
would hold all of it from its first check on.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

#: Bytes that are looked at together.
TOGETHER = 8 << 20


def file_map(array: Any) -> mmap.mmap | None:
    """Return the read-only map of a file that an array lies in; None if there is none."""
    base = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    found = getattr(base, "_mmap", None)
    return found if base is not None and base.mode == "r" and found is not None else None


def parts(array: np.ndarray, *, overlap: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """Yield where each part of an array with one dimension begins, and the part.

    Pages of a file are given back after the part. Other arrays, and those of a file that are not
    longer than a part, are one part.

    Parameters
    ----------
    array : ndarray with one dimension
    overlap : int
        So many entries at the end of a part are in the next one as well.
    """
    source = file_map(array)
    if source is None or array.nbytes <= TOGETHER:
        yield 0, array
        return
    length = TOGETHER // array.itemsize
    for first in range(0, max(len(array) - overlap, 1), length):
        yield first, array[first : first + length + overlap]
        give_back(source)


def give_back(source: mmap.mmap) -> None:
    """Give back the pages of a map: who needs them again reads them from the file."""
    if hasattr(source, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
        try:
            source.madvise(mmap.MADV_DONTNEED)
        except (ValueError, OSError):  # closed, or a system that does not do so
            return


def sorted_rows(indptr: np.ndarray, indices: np.ndarray) -> bool:
    """Whether the indices of each row (column) of a sparse matrix rise, without any twice."""
    for first, part in parts(indices, overlap=1):
        falls = np.flatnonzero(part[1:] <= part[:-1]) + (first + 1)
        # An index may fall where a row begins.
        if len(falls) and not np.all(np.isin(falls, indptr, assume_unique=False)):
            return False
    return True
