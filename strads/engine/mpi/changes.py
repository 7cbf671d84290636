"""What a rank has written into an array: the entries whose bits differ from an earlier copy.

An entry that is written is written by one worker (else the program has a race), so every rank can
send what it has changed, and all ranks end with the same bits. Bits are compared: a NaN, or a zero
with another sign, is a change like any other.
"""

from __future__ import annotations

import numpy as np

from strads.engine.mpi.link import Reader

#: How the places of changed entries are sent: all are changed, runs of them, or a bit for each.
WHOLE, RUNS, BITS = range(3)
#: Up to so many runs are written one by one.
FEW = 64


def as_words(array: np.ndarray) -> np.ndarray:
    """Return a view of an array whose entries are unsigned integers of the same bits."""
    return array.view(np.dtype(f"u{array.dtype.itemsize}"))


class Copies:
    """Copies of arrays as of the last exchange; their memory is used again by later launches."""

    def __init__(self) -> None:
        self._kept: dict[str, np.ndarray] = {}

    def take(self, name: str, now: np.ndarray) -> np.ndarray:
        """Copy an array; return the copy, which is valid until the next call with this name."""
        before = self._kept.get(name)
        if before is None or before.shape != now.shape or before.dtype != now.dtype:
            self._kept[name] = before = np.empty(now.shape, now.dtype)
        before[...] = now
        return before


def changed(now: np.ndarray, before: np.ndarray, *, last: bool = False) -> list[np.ndarray]:
    """Return, as arrays to be sent, which entries differ and what they are; update `before`.

    Parameters
    ----------
    now, before : ndarray of an unsigned integer type
        Of the same shape.
    last : bool
        Whether `before` is not needed any more, and may keep what it has.
    """
    flat = (now != before).reshape(-1)
    count = int(np.count_nonzero(flat))
    if count == 0:
        return [np.array([RUNS, 0, 0])]
    if count == flat.size:
        if not last:
            before[...] = now
        return [np.array([WHOLE, count, 0]), now]
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    begins, ends = [0] if flat[0] else [], [flat.size] if flat[-1] else []
    runs = np.concatenate([np.array(begins, np.int64), edges, np.array(ends, np.int64)])
    places: list[slice] | np.ndarray = _places(runs) if _few(runs, now) else flat
    values = _taken(now, places)
    if not last:
        _put(before, places, values)
    if runs.nbytes * 8 <= flat.size or len(runs) <= FEW:
        return [np.array([RUNS, count, len(runs)]), runs, values]
    return [np.array([BITS, count, -(-flat.size // 8)]), np.packbits(flat), values]


def apply(reader: Reader, *arrays: np.ndarray) -> None:
    """Write what another rank has changed into arrays of the same shape, mostly one and its copy.

    Parameters
    ----------
    reader : Reader
        Of what :func:`changed` has returned there.
    *arrays : ndarray of an unsigned integer type
    """
    how, count, length = reader.take(3, np.int64).tolist()
    if count == 0:
        return
    size, dtype = arrays[0].size, arrays[0].dtype
    if how == WHOLE:
        values = reader.take(count, dtype).reshape(arrays[0].shape)
        for array in arrays:
            array[...] = values
        return
    runs = reader.take(length, np.int64) if how == RUNS else None
    bits = None if how == RUNS else reader.take(length, np.uint8)
    values = reader.take(count, dtype)
    for array in arrays:
        places: list[slice] | np.ndarray
        if runs is not None:
            places = _places(runs) if _few(runs, array) else _mask_of(runs.reshape(-1, 2), size)
        else:
            assert bits is not None
            places = np.unpackbits(bits, count=size).view(np.bool_)
        _put(array, places, values)


def _few(runs: np.ndarray, array: np.ndarray) -> bool:
    """Whether runs are so few that slices are quicker than a mask; they need a flat array."""
    return len(runs) <= FEW and array.flags.c_contiguous


def _places(runs: np.ndarray) -> list[slice]:
    return [slice(begin, end) for begin, end in runs.reshape(-1, 2).tolist()]


def _taken(array: np.ndarray, places: list[slice] | np.ndarray) -> np.ndarray:
    """Return entries of an array, given by slices of it as a flat one, or by a flat mask."""
    if isinstance(places, np.ndarray):
        found: np.ndarray = array[places.reshape(array.shape)]
        return found
    flat = array.reshape(-1)
    return flat[places[0]] if len(places) == 1 else np.concatenate([flat[s] for s in places])


def _put(array: np.ndarray, places: list[slice] | np.ndarray, values: np.ndarray) -> None:
    """Write the entries that :func:`_taken` returns."""
    if isinstance(places, np.ndarray):
        array[places.reshape(array.shape)] = values
        return
    flat, at = array.reshape(-1), 0
    for place in places:
        count = place.stop - place.start
        flat[place] = values[at : at + count]
        at += count


def _mask_of(runs: np.ndarray, size: int) -> np.ndarray:
    """Return which entries lie in runs, given by their begins and ends."""
    marks = np.zeros(size + 1, np.int8)
    marks[runs[:, 0]] = 1
    marks[runs[:, 1]] = -1  # no run ends where another begins
    return np.cumsum(marks[:-1], dtype=np.int8).view(np.bool_)
