"""Copies of parts of a matrix in a file, and products with it, without a program.

Every function takes a matrix as :class:`~strads.kernels.linear.stripes.Stripes`, and the bytes that
are read together (`room`). It returns what went wrong, `FINE` if nothing did; what it has copied
then means nothing.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.linear.stripes import (
    ALL,
    BASE,
    BYTES,
    DOUBLE,
    INDEX,
    KIND,
    LENGTH,
    NARROW,
    PLACES_ONLY,
    ROOM,
    announce_units,
    close_window,
    fetch,
    hold,
    open_window,
    read_units,
)

kernel = numba.njit(nogil=True, error_model="numpy")

#: So many parts that do not follow each other are announced together.
TOGETHER = 64
#: So many places of a stripe are read together where one of them is looked for.
NEAR = 512


@kernel
def _run_end(ids: np.ndarray, a: int) -> int:
    """Return where ids end that follow ``ids[a]`` one by one."""
    end = a + 1
    while end < len(ids) and ids[end] == ids[end - 1] + 1:
        end += 1
    return end


@kernel
def _announce_ids(F: Any, W: Any, ids: np.ndarray, first: int) -> int:
    """Announce some stripes, no more than there is room for; return the place of the next one."""
    units, b = 0, first
    while b < min(first + TOGETHER, len(ids)) and units < W.at[ROOM]:
        announce_units(F, W, F.starts[ids[b]], F.starts[ids[b] + 1])
        units += F.starts[ids[b] + 1] - F.starts[ids[b]]
        b += 1
    return max(b, first + 1)


@kernel
def _hold_listed(F: Any, W: Any, ids: np.ndarray, a: int, ends: np.ndarray) -> bool:
    """Have a window hold stripe ``ids[a]``, where the stripes of `ids` are visited in order.

    `ends` has the places in `ids` where the present run of neighbours ends, and where what has been
    announced ends. Both begin at 0.
    """
    if a == ends[1]:
        ends[1] = _announce_ids(F, W, ids, a)
    if a == ends[0]:
        ends[0] = _run_end(ids, a)
    return bool(hold(F, W, ids[a], ids[a], ids[a] + ends[0] - a, 0))


@kernel
def gather_stripes(F: Any, ids: np.ndarray, room: int, found: np.ndarray) -> int:
    """Copy dense stripes to the rows of an array of shape (len(ids), length of a stripe)."""
    length = F.form[LENGTH]
    places, values = np.empty(length, np.int64), np.empty(length)
    W, ends = open_window(F, room, ALL), np.zeros(2, np.int64)
    for a in range(len(ids)):
        if not _hold_listed(F, W, ids, a, ends):
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
        if not _hold_listed(F, W, ids, a, ends):
            break
        count = fetch(F, W, ids[a], places, values)
        for e in range(count):
            indices[indptr[a] + e], data[indptr[a] + e] = places[e], values[e]
    return close_window(W)


@kernel
def _place(F: Any, W: Any, e: int) -> int:
    """Return the place of a unit that a window holds."""
    at = e - W.at[BASE]
    return np.int64(W.narrow[at]) if F.form[INDEX] == NARROW else W.wide[at]


@kernel
def count_across(F: Any, number: np.ndarray, room: int, counts: np.ndarray) -> int:
    """Count the entries of all sparse stripes at places that have a number, −1 for none."""
    count, length = len(F.starts) - 1, F.form[LENGTH]
    W = open_window(F, room, PLACES_ONLY)
    for k in range(count):
        if not hold(F, W, k, 0, count, 0):
            break
        for e in range(F.starts[k], F.starts[k + 1]):
            place = _place(F, W, e)
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
        if not _hold_listed(F, W, ids, a, ends):
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
            place = _place(F, W, e)
            if not last < place < length:
                wrong[0] = k
            last = place
    return close_window(W)


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
        if _place(F, W, middle) < place:
            begin = middle + 1
        else:
            end = middle
    if not read_units(F, W, begin, end):
        return begin
    while begin < end and _place(F, W, begin) < place:
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
            place, here = _place(F, W, e), e - W.at[BASE]
            indices[at] = min(max(place, lo), hi - 1)  # as it was found, unless written to since
            data[at] = W.doubles[here] if F.form[KIND] == DOUBLE else W.singles[here]
            at += 1
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
