"""Copies of stripes of a matrix in a file, and of places of all stripes.

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
    LENGTH,
    PLACES_ONLY,
    close_window,
    fetch,
    hold,
    open_window,
)
from strads.kernels.linear.files.visiting import hold_listed, place_of

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def gather_stripes(F: Any, ids: np.ndarray, room: int, found: np.ndarray) -> int:
    """Copy dense stripes to the rows of an array of shape (len(ids), length of a stripe)."""
    length = F.form[LENGTH]
    places, values = np.empty(length, np.int64), np.empty(length)
    W, ends = open_window(F, room, ALL), np.zeros(2, np.int64)
    for a in range(len(ids)):
        if not hold_listed(F, W, ids, a, ends):
            break
        fetch(F, W, ids[a], places, values)
        for i in range(length):
            found[a, i] = values[i]
    return close_window(W)


@kernel
def gather_across(F: Any, ids: np.ndarray, room: int, found: np.ndarray) -> int:
    """Copy places of all dense stripes to the rows of an array of shape (len(ids), stripes)."""
    length, count = F.form[LENGTH], len(F.starts) - 1
    places, values = np.empty(length, np.int64), np.empty(length)
    W = open_window(F, room, ALL)
    for k in range(count):
        if not hold(F, W, k, 0, count, 0):
            break
        fetch(F, W, k, places, values)
        for a in range(len(ids)):
            found[a, k] = values[ids[a]]
    return close_window(W)


@kernel
def gather_entries(
    F: Any, ids: np.ndarray, room: int, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray
) -> int:
    """Copy sparse stripes, one after another, to the places that `indptr` says."""
    length = F.form[LENGTH]
    places, values = np.empty(length, np.int64), np.empty(length)
    W, ends = open_window(F, room, ALL), np.zeros(2, np.int64)
    for a in range(len(ids)):
        if not hold_listed(F, W, ids, a, ends):
            break
        count = fetch(F, W, ids[a], places, values)
        for e in range(count):
            indices[indptr[a] + e], data[indptr[a] + e] = places[e], values[e]
    return close_window(W)


@kernel
def count_across(F: Any, number: np.ndarray, room: int, counts: np.ndarray) -> int:
    """Count the entries of all sparse stripes at places that have a number, −1 for none."""
    count, length = len(F.starts) - 1, F.form[LENGTH]
    W = open_window(F, room, PLACES_ONLY)
    for k in range(count):
        if not hold(F, W, k, 0, count, 0):
            break
        for e in range(F.starts[k], F.starts[k + 1]):
            place = place_of(F, W, e)
            if 0 <= place < length and number[place] >= 0:
                counts[number[place]] += 1
    return close_window(W)


@kernel
def gather_entries_across(
    F: Any, number: np.ndarray, room: int, starts: np.ndarray, indices: np.ndarray, data: np.ndarray
) -> int:
    """Copy the entries that :func:`count_across` counts, to where `starts` says for each number."""
    length, count = F.form[LENGTH], len(F.starts) - 1
    places, values = np.empty(length, np.int64), np.empty(length)
    ends = starts[:-1].copy()
    W = open_window(F, room, ALL)
    for k in range(count):
        if not hold(F, W, k, 0, count, 0):
            break
        for e in range(fetch(F, W, k, places, values)):
            a = number[places[e]]
            if a >= 0 and ends[a] < starts[a + 1]:
                indices[ends[a]], data[ends[a]] = k, values[e]
                ends[a] += 1
    return close_window(W)
