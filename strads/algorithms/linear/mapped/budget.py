"""Limits on memory, as users give them, and how much of a file fits below one."""

from __future__ import annotations

import os
import re

import numpy as np

from strads.algorithms.linear.solver.members.working_set import CAPACITY
from strads.engine import InsufficientMemory, available_memory

#: Bytes of the units that a limit may be given in.
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20,
         "GIB": 2**30}  # fmt: skip
#: Of the memory that is left, so much is used where no limit is given.
SHARE = 0.5
#: Bytes that are read together: at most, at least, and this part of the limit between them.
MOST_TOGETHER, LEAST_TOGETHER, PARTS = 1 << 20, 1 << 16, 16
#: Least number of columns, or rows, that a part in memory has.
FEWEST = 16


def bytes_of(max_memory: int | str | os.PathLike[str] | None) -> int:
    """Return a limit in bytes.

    Parameters
    ----------
    max_memory : int or str or None
        Bytes, or a number with one of the units of `UNITS`, such as "256 MB" or "1.5GiB"; None:
        half of the memory that is left.

    Raises
    ------
    ValueError
        If it is no such text, or not positive.
    """
    if max_memory is None:
        return int(SHARE * available_memory())
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-zA-Z]*)\s*", str(max_memory))
    if found is None or found[2].upper() not in UNITS or float(found[1]) <= 0.0:
        raise ValueError(
            f"max_memory={max_memory!r} must be a number of bytes, or a text such as '256 MB' or "
            "'1.5 GiB'"
        )
    return int(float(found[1]) * UNITS[found[2].upper()])


def room_below(limit: int) -> int:
    """Return how many bytes of a file are read together below a limit on memory."""
    return min(MOST_TOGETHER, max(LEAST_TOGETHER, limit // PARTS))


def demand_room(limit: int, fixed: int, least: int, what: str) -> int:
    """Return how much of a limit is left for a part in memory.

    Parameters
    ----------
    limit, fixed : int
        Bytes of the limit, and of what does not depend on the part.
    least : int
        Bytes of the smallest part.
    what : str
        What the part is, for a message: "columns".

    Raises
    ------
    InsufficientMemory
        If it is less than the smallest part takes.
    """
    left = limit - fixed
    if left < least:
        raise InsufficientMemory(
            needed=fixed + least, available=limit, largest=[],
            where=f"below max_memory: vectors of the fit take {fixed / 2**20:,.0f} MiB, and "
            f"{FEWEST} {what} {least / 2**20:,.0f} MiB. Raise max_memory",
        )  # fmt: skip
    return left


def as_many(order: np.ndarray, each: np.ndarray | int, room: float, beside: float) -> int:
    """Return how many of the first columns of an order fit into so many bytes.

    Parameters
    ----------
    order : ndarray of int64
    each : ndarray or int
        Bytes of the copy of each column.
    room : float
    beside : float
        What a column takes altogether, as a multiple of its copy. The products of all pairs of
        columns come on top: the solver keeps them, and of sparse columns they are the larger part.
    """
    count = np.arange(1, len(order) + 1, dtype=np.float64)
    copies = count * each if isinstance(each, int) else np.cumsum(each[order], dtype=np.float64)
    pairs = 8.0 * np.minimum(count, CAPACITY) ** 2
    return int(np.searchsorted(beside * copies + pairs, room, side="right"))
