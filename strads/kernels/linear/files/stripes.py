"""Matrices in files, of any format, by stripes: kernels that fetch one stripe after another.

A file holds a matrix by columns or by rows. A *stripe* is a column of a file by columns, or a row
of a file by rows. All formats have one type here, so that a kernel is compiled once for all:
arrays of numbers in double or single precision, sparse ones with indices in 32 or 64 bits, whole
numbers in 8 bits times a scale, and genotypes in 2 bits as PLINK stores them.

A *window* is a buffer that holds consecutive stripes as they are in the file. The caller opens it,
has it hold the next stripe, fetches this one, and closes it at the end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.linear.files.reading import announce_part, close_file, open_file, read_part

kernel = numba.njit(nogil=True, error_model="numpy")

#: Words of `form`: kind of the numbers; type of the indices; length of a stripe; how it is scaled;
#: where numbers and places begin in their files, in bytes; most units of a stripe.
KIND, INDEX, LENGTH, SCALED, NUMBERS_AT, PLACES_AT, LONGEST = range(7)
#: Whether numbers in 8 bits have one scale, one for each stripe, or one for each place in it.
BY_ONE, BY_STRIPE, BY_PLACE = range(3)
#: Kinds of numbers.
DOUBLE, SINGLE, BYTES, GENOTYPES = range(4)
#: Types of indices; dense matrices have none.
DENSE, NARROW, WIDE = range(3)
#: The code of a missing genotype.
MISSING = 1
#: Words of a window: descriptors of the files; how many units it has room for; the first unit that
#: it holds; its first stripe and the one after its last; what went wrong; what is read; units below
#: which all have been announced, going forwards, and from which on, going backwards.
NUMBERS, PLACES, ROOM, BASE, BEGIN, END, FAULT, WANTED, TOLD_HIGH, TOLD_LOW, WINDOW = range(11)
#: So many bytes are announced before they are read.
AHEAD = 8 << 20
#: What may go wrong: the file ended, or could not be read; it has places outside the stripe.
FINE, SHORT, OUTSIDE, FAULTS = range(4)
#: What a window reads: numbers and their places, or places only.
ALL, PLACES_ONLY = range(2)


class Stripes(NamedTuple):
    """A matrix in a file. Arrays that its format does not use have one entry.

    Attributes
    ----------
    paths : ndarray of uint8, shape (2, length)
        Paths of the files of numbers and of places, filled with zeros.
    starts : ndarray of int64, shape (stripes + 1,)
        Where each stripe begins, in units: entries, or bytes if numbers have 8 or 2 bits.
    levels : ndarray of float64, shape (256,)
        The number that each code stands for.
    scale : ndarray of float64
        By which numbers in 8 bits are multiplied: one for all, or one for each column.
    form : ndarray of int64, shape (7,)
        See `KIND` and the following words.
    """

    paths: np.ndarray
    starts: np.ndarray
    levels: np.ndarray
    scale: np.ndarray
    form: np.ndarray


class Window(NamedTuple):
    """Consecutive stripes of a file in memory; see the module's docstring.

    Attributes
    ----------
    doubles, singles, codes : ndarray of float64, float32, uint8
        One buffer of numbers, as three types.
    narrow, wide : ndarray of int32, int64
        One buffer of their places, as two types.
    at : ndarray of int64
        See `NUMBERS` and the following words.
    """

    doubles: np.ndarray
    singles: np.ndarray
    codes: np.ndarray
    narrow: np.ndarray
    wide: np.ndarray
    at: np.ndarray


@kernel
def number_size(F: Any) -> int:
    """Return the bytes of a unit of numbers."""
    kind = F.form[KIND]
    return 8 if kind == DOUBLE else (4 if kind == SINGLE else 1)


@kernel
def place_size(F: Any) -> int:
    """Return the bytes of a unit of places; 0 for a dense matrix."""
    return 4 * F.form[INDEX]


@kernel
def open_window(F: Any, room: int, wanted: int) -> Any:
    """Open a window of about so many bytes, but at least of the longest stripe.

    Parameters
    ----------
    F : Stripes
    room : int
    wanted : int
        `ALL` or `PLACES_ONLY`.

    Returns
    -------
    Window
        The caller has to close it.
    """
    number, place = number_size(F) if wanted == ALL else 0, place_size(F)
    units = max(room // max(number + place, 1), F.form[LONGEST])
    units = max(min(units, F.starts[-1]), 1)
    codes = np.empty(-(-units * number // 8) * 8, np.uint8)
    wide = np.empty(-(-units * place // 8), np.int64)
    at = np.zeros(WINDOW, np.int64)
    at[NUMBERS] = open_file(F.paths[0]) if number else -1
    at[PLACES] = open_file(F.paths[1]) if place else -1
    at[ROOM], at[WANTED], at[TOLD_LOW] = units, wanted, F.starts[-1]
    return Window(
        codes.view(np.float64), codes.view(np.float32), codes, wide.view(np.int32), wide, at
    )


@kernel
def close_window(W: Any) -> int:
    """Close a window; return what went wrong, `FINE` if nothing did."""
    close_file(W.at[NUMBERS])
    close_file(W.at[PLACES])
    return W.at[FAULT]


@kernel
def read_units(F: Any, W: Any, begin: int, end: int) -> bool:
    """Read some units of the file to the front of a window; return whether that went well."""
    W.at[BASE], W.at[BEGIN], W.at[END] = begin, 0, 0
    number, place, right = number_size(F), place_size(F), True
    if W.at[WANTED] == ALL:
        at = F.form[NUMBERS_AT] + begin * number
        right = read_part(W.at[NUMBERS], at, (end - begin) * number, W.codes)
    if right and place:
        at = F.form[PLACES_AT] + begin * place
        right = read_part(W.at[PLACES], at, (end - begin) * place, W.wide)
    if not right:
        W.at[FAULT] = SHORT
    return right


@kernel
def announce_units(F: Any, W: Any, begin: int, end: int) -> None:
    """Have the system read some units of the file ahead."""
    number, place = number_size(F), place_size(F)
    if W.at[WANTED] == ALL:
        at = F.form[NUMBERS_AT] + begin * number
        announce_part(W.at[NUMBERS], at, (end - begin) * number)
    if place:
        announce_part(W.at[PLACES], F.form[PLACES_AT] + begin * place, (end - begin) * place)


@kernel
def hold(F: Any, W: Any, k: int, first: int, last: int, backwards: int) -> bool:
    """Have a window hold stripe `k`, and as many of those visited next as there is room for.

    Parameters
    ----------
    F : Stripes
    W : Window
    k : int
    first, last : int
        The stripes that are visited in this pass: ``first <= k < last``.
    backwards : int
        Whether they are visited from the last to the first.

    Returns
    -------
    bool
        False if the file could not be read; the pass has to end then.
    """
    if W.at[BEGIN] <= k < W.at[END]:
        return True
    room, begin, end = W.at[ROOM], k, k + 1
    if backwards:
        while begin > first and F.starts[end] - F.starts[begin - 1] <= room:
            begin -= 1
    else:
        while end < last and F.starts[end + 1] - F.starts[begin] <= room:
            end += 1
    if not read_units(F, W, F.starts[begin], F.starts[end]):
        return False
    W.at[BEGIN], W.at[END] = begin, end
    _announce_next(F, W, F.starts[begin], F.starts[end], F.starts[first], F.starts[last], backwards)
    return True


@kernel
def _announce_next(
    F: Any, W: Any, begin: int, end: int, first: int, last: int, backwards: int
) -> None:
    """Announce the units that follow those in the window, but for those announced before."""
    ahead = AHEAD // (number_size(F) + place_size(F))
    if backwards:
        low, high = max(begin - ahead, first), min(begin, W.at[TOLD_LOW])
        W.at[TOLD_LOW] = low
    else:
        low, high = max(end, W.at[TOLD_HIGH]), min(end + ahead, last)
        W.at[TOLD_HIGH] = high
    if low < high:
        announce_units(F, W, low, high)


@kernel
def stripe_at(turn: int, first: int, last: int, backwards: int) -> int:
    """Return the stripe that is visited at a turn, from the first to the last or backwards."""
    return last - 1 - turn if backwards else first + turn


@kernel
def fetch(F: Any, W: Any, k: int, places: np.ndarray, values: np.ndarray) -> int:
    """Copy the entries of stripe `k` to the front of `places` and `values`; return their count.

    The window holds the stripe. A place outside the stripe becomes 0, and is a fault: somebody has
    written to the file since it was checked.
    """
    first = F.starts[k] - W.at[BASE]
    kind, index, length = F.form[KIND], F.form[INDEX], F.form[LENGTH]
    count = F.starts[k + 1] - F.starts[k] if index != DENSE else length
    if kind == DOUBLE:
        for i in range(count):
            values[i] = W.doubles[first + i]
    elif kind == SINGLE:
        for i in range(count):
            values[i] = W.singles[first + i]
    elif kind == BYTES:
        _fetch_bytes(F, W, k, first, count, values)
    else:
        _fetch_genotypes(F, W, first, count, values)
    if index == DENSE:
        for i in range(count):
            places[i] = i
        return count
    for i in range(count):
        place = np.int64(W.narrow[first + i]) if index == NARROW else W.wide[first + i]
        if place < 0 or place >= length:
            place, W.at[FAULT] = 0, OUTSIDE
        places[i] = place
    return count


@kernel
def _fetch_bytes(F: Any, W: Any, k: int, first: int, count: int, values: np.ndarray) -> None:
    """Decode numbers in 8 bits; the products with the scale are rounded to single precision."""
    scaled = F.form[SCALED]
    factor = F.scale[k] if scaled == BY_STRIPE else F.scale[0]
    for i in range(count):
        if scaled == BY_PLACE:
            factor = F.scale[i]
        values[i] = np.float32(F.levels[W.codes[first + i]] * factor)


@kernel
def _fetch_genotypes(F: Any, W: Any, first: int, count: int, values: np.ndarray) -> None:
    """Decode genotypes; missing ones get the mean of the others, in single precision."""
    total, known = 0.0, 0
    for i in range(count):
        code = (W.codes[first + (i >> 2)] >> ((i & 3) << 1)) & 3
        values[i] = F.levels[code]
        if code != MISSING:
            total += F.levels[code]
            known += 1
    if known < count:
        mean = np.float64(np.float32(total / known)) if known else 0.0
        for i in range(count):
            code = (W.codes[first + (i >> 2)] >> ((i & 3) << 1)) & 3
            if code == MISSING:
                values[i] = mean
