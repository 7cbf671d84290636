"""Matrices in files, of any format, by stripes: kernels that fetch one stripe after another.

A file holds a matrix by columns or by rows. A *stripe* is a column of a file by columns, or a row
of a file by rows. All formats have one type here, so that a kernel is compiled once for all:
arrays of numbers in double or single precision, sparse ones with indices in 32 or 64 bits, whole
numbers in 8 bits times a scale, and genotypes in 2 bits as PLINK stores them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.linear.pages import DONTNEED, WILLNEED, advise

kernel = numba.njit(nogil=True, error_model="numpy")

#: Words of `form`: kind of the numbers; type of the indices; length of a stripe; how it is scaled.
KIND, INDEX, LENGTH, SCALED = range(4)
#: Whether numbers in 8 bits have one scale, one for each stripe, or one for each place in it.
BY_ONE, BY_STRIPE, BY_PLACE = range(3)
#: Kinds of numbers.
DOUBLE, SINGLE, BYTES, GENOTYPES = range(4)
#: Types of indices; dense matrices have none.
DENSE, NARROW, WIDE = range(3)
#: The code of a missing genotype.
MISSING = 1


class Stripes(NamedTuple):
    """A matrix in a file. Arrays that its format does not use have one entry.

    Attributes
    ----------
    doubles, singles, codes : ndarray of float64, float32, uint8
        The numbers, stripe by stripe, in one of the three.
    narrow, wide : ndarray of int32, int64
        Their places in the stripe, of a sparse matrix.
    starts : ndarray of int64, shape (stripes + 1,)
        Where each stripe begins, in entries, or in bytes for `codes`.
    levels : ndarray of float64, shape (256,)
        The number that each code stands for.
    scale : ndarray of float64
        By which numbers in 8 bits are multiplied: one for all, or one for each column.
    form : ndarray of int64, shape (4,)
        See `KIND` and the following words.
    """

    doubles: np.ndarray
    singles: np.ndarray
    codes: np.ndarray
    narrow: np.ndarray
    wide: np.ndarray
    starts: np.ndarray
    levels: np.ndarray
    scale: np.ndarray
    form: np.ndarray


@kernel
def fetch(F: Any, k: int, places: np.ndarray, values: np.ndarray) -> int:
    """Copy the entries of stripe `k` to the front of `places` and `values`; return their count."""
    first = F.starts[k]
    kind, index = F.form[KIND], F.form[INDEX]
    count = F.starts[k + 1] - first if index != DENSE else F.form[LENGTH]
    if kind == DOUBLE:
        for i in range(count):
            values[i] = F.doubles[first + i]
    elif kind == SINGLE:
        for i in range(count):
            values[i] = F.singles[first + i]
    elif kind == BYTES:
        _fetch_bytes(F, k, first, count, values)
    else:
        _fetch_genotypes(F, first, count, values)
    if index == DENSE:
        for i in range(count):
            places[i] = i
    elif index == NARROW:
        for i in range(count):
            places[i] = F.narrow[first + i]
    else:
        for i in range(count):
            places[i] = F.wide[first + i]
    return count


@kernel
def _fetch_bytes(F: Any, k: int, first: int, count: int, values: np.ndarray) -> None:
    """Decode numbers in 8 bits; the products with the scale are rounded to single precision."""
    scaled = F.form[SCALED]
    factor = F.scale[k] if scaled == BY_STRIPE else F.scale[0]
    for i in range(count):
        if scaled == BY_PLACE:
            factor = F.scale[i]
        values[i] = np.float32(F.levels[F.codes[first + i]] * factor)


@kernel
def _fetch_genotypes(F: Any, first: int, count: int, values: np.ndarray) -> None:
    """Decode genotypes; missing ones get the mean of the others, in single precision."""
    total, known = 0.0, 0
    for i in range(count):
        code = (F.codes[first + (i >> 2)] >> ((i & 3) << 1)) & 3
        values[i] = F.levels[code]
        if code != MISSING:
            total += F.levels[code]
            known += 1
    if known < count:
        mean = np.float64(np.float32(total / known)) if known else 0.0
        for i in range(count):
            code = (F.codes[first + (i >> 2)] >> ((i & 3) << 1)) & 3
            if code == MISSING:
                values[i] = mean


@kernel
def advise_stripes(F: Any, first: int, last: int, advice: int) -> None:
    """Advise on the pages of stripes ``first <= k < last``; see :func:`advise`."""
    if last <= first:
        return
    begin, end = F.starts[first], F.starts[last]
    kind, index = F.form[KIND], F.form[INDEX]
    if kind == DOUBLE:
        advise(F.doubles, begin, end, advice)
    elif kind == SINGLE:
        advise(F.singles, begin, end, advice)
    else:
        advise(F.codes, begin, end, advice)
    if index == NARROW:
        advise(F.narrow, begin, end, advice)
    elif index == WIDE:
        advise(F.wide, begin, end, advice)


@kernel
def stripe_at(turn: int, first: int, last: int, backwards: int) -> int:
    """Return the stripe that is visited at a turn, from the first to the last or backwards."""
    return last - 1 - turn if backwards else first + turn


@kernel
def next_lease(F: Any, turn: int, first: int, last: int, backwards: int, lease: int) -> None:
    """Read the next stripes ahead, and give the last ones back, at turns where a lease begins.

    A lease is a number of consecutive stripes. It is called before each turn, and after the last
    one with the number of turns.
    """
    count = last - first
    if turn % lease != 0 and turn != count:
        return
    begun = (turn - 1) // lease * lease  # where the lease before this turn began
    if turn > 0:
        _advise_turns(F, begun, turn, first, last, backwards, DONTNEED)
    else:
        _advise_turns(F, 0, min(lease, count), first, last, backwards, WILLNEED)
    ahead = turn + lease
    if turn < count and ahead < count:
        _advise_turns(F, ahead, min(ahead + lease, count), first, last, backwards, WILLNEED)


@kernel
def _advise_turns(F, begin, end, first, last, backwards, advice):  # type: ignore[no-untyped-def]
    if backwards:
        advise_stripes(F, last - end, last - begin, advice)
    else:
        advise_stripes(F, first + begin, first + end, advice)


@kernel
def gather_stripes(F: Any, ids: np.ndarray, lease: int, found: np.ndarray) -> None:
    """Copy dense stripes to the rows of an array, and give their pages back.

    Parameters
    ----------
    F : Stripes
    ids : ndarray of int64
    lease : int
        The pages of so many stripes are advised together.
    found : ndarray of shape (len(ids), length of a stripe)
    """
    length = F.form[LENGTH]
    places, values = np.empty(length, np.int64), np.empty(length)
    for a in range(len(ids)):
        if a % lease == 0:
            for b in range(a, min(a + lease, len(ids))):
                advise_stripes(F, ids[b], ids[b] + 1, WILLNEED)
        fetch(F, ids[a], places, values)
        for i in range(length):
            found[a, i] = values[i]
        advise_stripes(F, ids[a], ids[a] + 1, DONTNEED)


@kernel
def gather_across(F: Any, ids: np.ndarray, lease: int, found: np.ndarray) -> None:
    """Copy some places of all dense stripes to the rows of an array, in one pass over the file.

    Parameters
    ----------
    F : Stripes
    ids : ndarray of int64
        Places.
    lease : int
    found : ndarray of shape (len(ids), stripes)
    """
    length, count = F.form[LENGTH], len(F.starts) - 1
    places, values = np.empty(length, np.int64), np.empty(length)
    for k in range(count):
        next_lease(F, k, 0, count, 0, lease)
        fetch(F, k, places, values)
        for a in range(len(ids)):
            found[a, k] = values[ids[a]]
    next_lease(F, count, 0, count, 0, lease)


@kernel
def gather_entries(
    F: Any, ids: np.ndarray, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray
) -> None:
    """Copy sparse stripes, one after another, to the places that `indptr` says."""
    length = F.form[LENGTH]
    places, values = np.empty(length, np.int64), np.empty(length)
    for a in range(len(ids)):
        count = fetch(F, ids[a], places, values)
        for e in range(count):
            indices[indptr[a] + e], data[indptr[a] + e] = places[e], values[e]
        advise_stripes(F, ids[a], ids[a] + 1, DONTNEED)


@kernel
def count_across(F: Any, number: np.ndarray, lease: int, counts: np.ndarray) -> None:
    """Count the entries of all sparse stripes at places that have a number, −1 for none."""
    count = len(F.starts) - 1
    for k in range(count):
        next_lease(F, k, 0, count, 0, lease)
        for e in range(F.starts[k], F.starts[k + 1]):
            place = F.narrow[e] if F.form[INDEX] == NARROW else F.wide[e]
            if number[place] >= 0:
                counts[number[place]] += 1
    next_lease(F, count, 0, count, 0, lease)


@kernel
def gather_entries_across(
    F: Any, number: np.ndarray, lease: int, ends: np.ndarray, indices: np.ndarray, data: np.ndarray
) -> None:
    """Copy the entries that :func:`count_across` counts; `ends` begins as where each one starts."""
    length, count = F.form[LENGTH], len(F.starts) - 1
    places, values = np.empty(length, np.int64), np.empty(length)
    for k in range(count):
        next_lease(F, k, 0, count, 0, lease)
        for e in range(fetch(F, k, places, values)):
            a = number[places[e]]
            if a >= 0:
                indices[ends[a]], data[ends[a]] = k, values[e]
                ends[a] += 1
    next_lease(F, count, 0, count, 0, lease)


@kernel
def multiply_stripes(F: Any, vectors: np.ndarray, lease: int, found: np.ndarray) -> None:
    """Multiply every stripe with each column of `vectors`; the products are rows of `found`."""
    length, count = F.form[LENGTH], len(F.starts) - 1
    places, values = np.empty(length, np.int64), np.empty(length)
    for k in range(count):
        next_lease(F, k, 0, count, 0, lease)
        entries = fetch(F, k, places, values)
        for c in range(vectors.shape[1]):
            total = 0.0
            for e in range(entries):
                total += values[e] * vectors[places[e], c]
            found[k, c] = total
    next_lease(F, count, 0, count, 0, lease)


@kernel
def combine_stripes(F: Any, ids: np.ndarray, vectors: np.ndarray, found: np.ndarray) -> None:
    """Add some stripes to the rows of `found`, times their rows of `vectors`."""
    length = F.form[LENGTH]
    places, values = np.empty(length, np.int64), np.empty(length)
    for k in ids:
        entries = fetch(F, k, places, values)
        for e in range(entries):
            for c in range(vectors.shape[1]):
                found[places[e], c] += values[e] * vectors[k, c]
        advise_stripes(F, k, k + 1, DONTNEED)


@kernel
def check_entries(F: Any, lease: int, fault: np.ndarray) -> None:
    """Write to `fault` the first sparse stripe whose places do not rise within its length."""
    length, count = F.form[LENGTH], len(F.starts) - 1
    for k in range(count):
        next_lease(F, k, 0, count, 0, lease)
        last = -1
        for e in range(F.starts[k], F.starts[k + 1]):
            place = F.narrow[e] if F.form[INDEX] == NARROW else F.wide[e]
            if not last < place < length:
                fault[0] = k
                return
            last = place
    next_lease(F, count, 0, count, 0, lease)


@kernel
def gather_range(F: Any, lo: int, hi: int, lease: int, found: np.ndarray) -> None:
    """Copy places ``lo <= i < hi`` of all dense stripes to the rows of an array.

    Of numbers in floating point, no other places are read.

    Parameters
    ----------
    F : Stripes
    lo, hi : int
    lease : int
    found : ndarray of shape (hi − lo, stripes)
    """
    count, kind = len(F.starts) - 1, F.form[KIND]
    length = F.form[LENGTH] if kind >= BYTES else 1
    places, values = np.empty(length, np.int64), np.empty(length)
    for k in range(count):
        first = F.starts[k]
        if k % lease == 0:
            _advise_ranges(F, k, min(k + lease, count), lo, hi, WILLNEED)
        if kind == DOUBLE:
            for i in range(lo, hi):
                found[i - lo, k] = F.doubles[first + i]
        elif kind == SINGLE:
            for i in range(lo, hi):
                found[i - lo, k] = F.singles[first + i]
        else:
            fetch(F, k, places, values)
            for i in range(lo, hi):
                found[i - lo, k] = values[i]
        if (k + 1) % lease == 0 or k + 1 == count:
            _advise_ranges(F, k // lease * lease, k + 1, lo, hi, DONTNEED)


@kernel
def _advise_ranges(F, first, last, lo, hi, advice):  # type: ignore[no-untyped-def]
    for k in range(first, last):
        if F.form[KIND] == DOUBLE:
            advise(F.doubles, F.starts[k] + lo, F.starts[k] + hi, advice)
        elif F.form[KIND] == SINGLE:
            advise(F.singles, F.starts[k] + lo, F.starts[k] + hi, advice)
        else:
            advise_stripes(F, k, k + 1, advice)


@kernel
def _first_at_least(F, begin, end, place):  # type: ignore[no-untyped-def]
    while begin < end:
        middle = (begin + end) >> 1
        here = F.narrow[middle] if F.form[INDEX] == NARROW else F.wide[middle]
        if here < place:
            begin = middle + 1
        else:
            end = middle
    return begin


@kernel
def count_range(F: Any, lo: int, hi: int, lease: int, firsts: np.ndarray, ends: np.ndarray) -> None:
    """Find where the entries of places ``lo <= i < hi`` lie in every sparse stripe."""
    count = len(F.starts) - 1
    for k in range(count):
        firsts[k] = _first_at_least(F, F.starts[k], F.starts[k + 1], lo)
        ends[k] = _first_at_least(F, firsts[k], F.starts[k + 1], hi)
        if (k + 1) % lease == 0 or k + 1 == count:
            advise_stripes(F, k // lease * lease, k + 1, DONTNEED)


@kernel
def gather_found(
    F: Any, lease: int, firsts: np.ndarray, ends: np.ndarray, indices: np.ndarray, data: np.ndarray
) -> None:
    """Copy the entries that :func:`count_range` has found, stripe by stripe."""
    count, at = len(F.starts) - 1, 0
    for k in range(count):
        for e in range(firsts[k], ends[k]):
            indices[at] = F.narrow[e] if F.form[INDEX] == NARROW else F.wide[e]
            data[at] = F.doubles[e] if F.form[KIND] == DOUBLE else F.singles[e]
            at += 1
        if (k + 1) % lease == 0 or k + 1 == count:
            advise_stripes(F, k // lease * lease, k + 1, DONTNEED)
