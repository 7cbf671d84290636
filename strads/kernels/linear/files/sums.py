"""Sums, products and checks of a matrix in a file.

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
def multiply_stripes(F: Any, vectors: np.ndarray, room: int, found: np.ndarray) -> int:
    """Multiply every stripe with each column of `vectors`; the products are rows of `found`."""
    length, count = F.form[LENGTH], len(F.starts) - 1
    places, values = np.empty(length, np.int64), np.empty(length)
    W = open_window(F, room, ALL)
    for k in range(count):
        if not hold(F, W, k, 0, count, 0):
            break
        entries = fetch(F, W, k, places, values)
        for c in range(vectors.shape[1]):
            total = 0.0
            for e in range(entries):
                total += values[e] * vectors[places[e], c]
            found[k, c] = total
    return close_window(W)


@kernel
def combine_stripes(
    F: Any, ids: np.ndarray, vectors: np.ndarray, room: int, found: np.ndarray
) -> int:
    """Add some stripes to the rows of `found`, times their rows of `vectors`."""
    length = F.form[LENGTH]
    places, values = np.empty(length, np.int64), np.empty(length)
    W, ends = open_window(F, room, ALL), np.zeros(2, np.int64)
    for a in range(len(ids)):
        if not hold_listed(F, W, ids, a, ends):
            break
        entries = fetch(F, W, ids[a], places, values)
        for e in range(entries):
            for c in range(vectors.shape[1]):
                found[places[e], c] += values[e] * vectors[ids[a], c]
    return close_window(W)


@kernel
def check_entries(F: Any, room: int, wrong: np.ndarray) -> int:
    """Write to `wrong` the first sparse stripe whose places do not rise within its length."""
    length, count = F.form[LENGTH], len(F.starts) - 1
    W = open_window(F, room, PLACES_ONLY)
    for k in range(count):
        if wrong[0] >= 0 or not hold(F, W, k, 0, count, 0):
            break
        last = -1
        for e in range(F.starts[k], F.starts[k + 1]):
            place = place_of(F, W, e)
            if not last < place < length:
                wrong[0] = k
            last = place
    return close_window(W)


@kernel
def sum_stripes(F: Any, room: int, sums: np.ndarray, bounds: np.ndarray) -> int:
    """Add up the numbers of every stripe, and find the smallest and the largest number of all.

    Parameters
    ----------
    F : Stripes
    room : int
    sums : ndarray of shape (stripes,)
    bounds : ndarray of shape (2,)
        Both are NaN if a number is not finite.
    """
    length, count = F.form[LENGTH], len(F.starts) - 1
    places, values = np.empty(length, np.int64), np.empty(length)
    bounds[0], bounds[1] = np.inf, -np.inf
    finite = True
    W = open_window(F, room, ALL)
    for k in range(count):
        if not hold(F, W, k, 0, count, 0):
            break
        total = 0.0
        for e in range(fetch(F, W, k, places, values)):
            total += values[e]
            bounds[0], bounds[1] = min(bounds[0], values[e]), max(bounds[1], values[e])
        finite &= np.isfinite(total)
        sums[k] = total
    if not finite:
        bounds[:] = np.nan
    return close_window(W)


@kernel
def sum_counts(
    F: Any, room: int, of_stripes: np.ndarray, of_places: np.ndarray, wrong: np.ndarray
) -> int:
    """Add up counts by stripes and by places.

    Parameters
    ----------
    F : Stripes
    room : int
    of_stripes, of_places : ndarray of int64
        The sums; they begin at 0.
    wrong : ndarray of shape (3,)
        Stripe, place and value of the first number that is no count below 2³¹; if there is one, the
        sums mean nothing.
    """
    length, count = F.form[LENGTH], len(F.starts) - 1
    places, values = np.empty(length, np.int64), np.empty(length)
    W, right = open_window(F, room, ALL), True
    for k in range(count):
        if not right or not hold(F, W, k, 0, count, 0):
            break
        for e in range(fetch(F, W, k, places, values)):
            value = values[e]
            if not (value >= 0.0 and value < 2.0**31 and value == np.rint(value)):  # nor NaN
                wrong[0], wrong[1], wrong[2] = k, places[e], value
                right = False
                break
            of_stripes[k] += np.int64(value)
            of_places[places[e]] += np.int64(value)
    return close_window(W)
