"""Copies of a range of places of all stripes of a matrix in a file.

Every function takes a matrix as :class:`~strads.kernels.linear.files.stripes.Stripes`, and most
take the bytes that are read together (`room`). It returns what went wrong, `FINE` if nothing did;
what it has found then means nothing.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.linear.files.stripes import (
    ALL,
    BASE,
    BYTES,
    DOUBLE,
    KIND,
    LENGTH,
    PLACES_ONLY,
    announce_units,
    close_window,
    fetch,
    hold,
    open_window,
    read_units,
)
from strads.kernels.linear.files.visiting import TOGETHER, place_of

kernel = numba.njit(nogil=True, error_model="numpy")

#: So many places of a stripe are read together where one of them is looked for.
NEAR = 512


@kernel
def gather_range(F: Any, lo: int, hi: int, room: int, found: np.ndarray) -> int:
    """Copy places ``lo <= i < hi`` of all dense stripes to the rows of an array.

    Of numbers in floating point, no other places are read.

    Parameters
    ----------
    F : Stripes
    lo, hi : int
    room : int
    found : ndarray of shape (hi − lo, stripes)
    """
    count, kind = len(F.starts) - 1, F.form[KIND]
    length = F.form[LENGTH] if kind >= BYTES else 1
    places, values = np.empty(length, np.int64), np.empty(length)
    W = open_window(F, room if kind >= BYTES else 1, ALL)
    for k in range(count):
        if kind >= BYTES:
            if not hold(F, W, k, 0, count, 0):
                break
            fetch(F, W, k, places, values)
            for i in range(lo, hi):
                found[i - lo, k] = values[i]
            continue
        if k % TOGETHER == 0:
            for b in range(k, min(k + TOGETHER, count)):
                announce_units(F, W, F.starts[b] + lo, F.starts[b] + hi)
        if not read_units(F, W, F.starts[k] + lo, F.starts[k] + hi):
            break
        for i in range(hi - lo):
            found[i, k] = W.doubles[i] if kind == DOUBLE else W.singles[i]
    return close_window(W)


@kernel
def _first_at_least(F, W, begin, end, place):  # type: ignore[no-untyped-def]
    """Return the first unit whose place is not below another one; the file is read as needed."""
    while end - begin > NEAR:
        middle = (begin + end) >> 1
        if not read_units(F, W, middle, middle + 1):
            return begin
        if place_of(F, W, middle) < place:
            begin = middle + 1
        else:
            end = middle
    if not read_units(F, W, begin, end):
        return begin
    while begin < end and place_of(F, W, begin) < place:
        begin += 1
    return begin


@kernel
def count_range(F: Any, lo: int, hi: int, firsts: np.ndarray, ends: np.ndarray) -> int:
    """Find where the entries of places ``lo <= i < hi`` lie in every sparse stripe."""
    W = open_window(F, 1, PLACES_ONLY)
    for k in range(len(F.starts) - 1):
        firsts[k] = _first_at_least(F, W, F.starts[k], F.starts[k + 1], lo)
        ends[k] = _first_at_least(F, W, firsts[k], F.starts[k + 1], hi)
    return close_window(W)


@kernel
def gather_found(
    F: Any, lo: int, hi: int, firsts: np.ndarray, ends: np.ndarray, indices: np.ndarray,
    data: np.ndarray,
) -> int:  # fmt: skip
    """Copy the entries that :func:`count_range` has found, stripe by stripe."""
    W, at = open_window(F, 1, ALL), 0
    for k in range(len(F.starts) - 1):
        if not read_units(F, W, firsts[k], ends[k]):
            break
        for e in range(firsts[k], ends[k]):
            place, here = place_of(F, W, e), e - W.at[BASE]
            indices[at] = min(max(place, lo), hi - 1)  # as it was found, unless written to since
            data[at] = W.doubles[here] if F.form[KIND] == DOUBLE else W.singles[here]
            at += 1
    return close_window(W)
