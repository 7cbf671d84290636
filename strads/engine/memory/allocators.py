"""Where the arrays of a run come from: private memory, or segments that processes share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine import interrupts
from strads.engine.memory.array_files import create_file, file_array
from strads.engine.memory.mapped import open_mapped
from strads.engine.memory.pool import Pool
from strads.engine.memory.segments import Segment

LINE = 128  # bytes; a pair of cache lines, the unit of false sharing on current CPUs
SMALL = 1 << 16  # bytes; arrays smaller than this share a segment


@dataclass(frozen=True)
class Place:
    """Where an array lies in shared memory: all that a worker needs to make the same view of it."""

    segment: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    readonly: bool


class Private:
    """Allocates memory of this process; the serial executor needs no other."""

    shared = False

    def allocate(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], order: str = "C", *, zero: bool = True
    ) -> np.ndarray:
        """Return a zeroed array that begins at a line.

        If its rows are a multiple of :data:`LINE` long, no two rows share a line.
        """
        dtype = np.dtype(dtype)
        nbytes = math.prod(shape) * dtype.itemsize
        memory = np.zeros(nbytes + LINE, np.uint8)
        skip = -memory.__array_interface__["data"][0] % LINE
        return np.ndarray(shape, dtype, memory, skip, order=order)  # type: ignore[arg-type, call-overload]

    def in_file(
        self, folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:  # fmt: skip
        """Return a zeroed array in a file of a folder."""
        return file_array(folder, shape, dtype)

    def holds(self, array: np.ndarray) -> bool:
        """Whether kernels can use an array where it is, without a copy: here, any array."""
        return True

    def release(self) -> None:
        """Do nothing: Python frees private memory itself."""


class Shared:
    """Allocates from shared segments, which it takes from a pool and gives back at the end.

    Touching a fresh page costs several microseconds on virtual machines. A segment whose pages an
    earlier run has touched is therefore worth keeping; :class:`Pool` bounds how much is kept.
    """

    shared = True

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.segments: dict[int, Segment] = {}
        self.files: set[int] = set()  # numbers of segments that are files, for this run alone
        self.places: dict[int, Place] = {}  # address of the first byte → place
        self._open: tuple[int, int] | None = None  # segment of small arrays, and its bytes in use

    def allocate(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], order: str = "C", *, zero: bool = True
    ) -> np.ndarray:
        """Return an array that workers can map, zeroed unless `zero` is False.

        Zeroing a segment that was used before touches all of its pages; reserved capacity, most of
        which may never be touched, is therefore not zeroed.
        """
        dtype = np.dtype(dtype)
        nbytes = max(math.prod(shape) * dtype.itemsize, 1)
        number, offset = self._space(nbytes, reserved=not zero)
        segment = self.segments[number]
        array: np.ndarray = np.ndarray(shape, dtype, segment.buffer, offset, order=order)  # type: ignore[arg-type, call-overload]
        if zero and number in self.pool.used_before:
            array[...] = 0
        place = Place(number, offset, shape, array.strides, dtype.str, readonly=False)
        self.places[array.__array_interface__["data"][0]] = place
        return array

    def in_file(
        self, folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> np.ndarray:  # fmt: skip
        """Return a zeroed array in a file of a folder, which workers can map."""
        with interrupts.held():
            segment = create_file(folder, math.prod(shape) * dtype.itemsize)
            number = self.pool.adopt(segment)
            self.segments[number] = segment
            self.files.add(number)
        array: np.ndarray = np.ndarray(shape, dtype, segment.buffer)
        place = Place(number, 0, shape, array.strides, dtype.str, readonly=False)
        self.places[array.__array_interface__["data"][0]] = place
        return array

    def holds(self, array: np.ndarray) -> bool:
        """Whether kernels can use an array where it is: if it maps a file that workers can map too.

        Any other array has to be copied into shared memory.
        """
        address = array.__array_interface__["data"][0]
        known = self.places.get(address)
        if known is not None and known.segment in self.files:
            return True
        found = open_mapped(array)
        if found is None:
            return False
        segment, offset = found
        number = self.pool.adopt(segment)
        self.segments[number] = segment
        self.files.add(number)
        self.places[address] = Place(
            number, offset, array.shape, array.strides, array.dtype.str, readonly=True
        )
        return True

    def _space(self, nbytes: int, *, reserved: bool) -> tuple[int, int]:
        """Return the segment and the offset at which `nbytes` bytes are free."""
        if nbytes >= SMALL:
            return self._take(nbytes, reserved=reserved), 0
        used = 0 if self._open is None else self._open[1]
        if self._open is None or used + nbytes > 4 * SMALL:
            self._open = (self._take(4 * SMALL), 0)
            used = 0
        number = self._open[0]
        self._open = (number, -(-(used + nbytes) // LINE) * LINE)
        return number, used

    def _take(self, nbytes: int, *, reserved: bool = False) -> int:
        with interrupts.held():
            number, segment = self.pool.take(nbytes, reserved=reserved)
            self.segments[number] = segment
        return number

    def release(self) -> None:
        """Give all segments back to the pool; from now on nobody may write into their arrays."""
        self.places.clear()
        self._open = None
        files, numbers = list(self.files), [n for n in self.segments if n not in self.files]
        self.segments.clear()
        self.files.clear()
        for number in files:
            self.pool.drop(number)
        self.pool.give(numbers)
