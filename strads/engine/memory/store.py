"""Named arrays of one run, in memory that the workers share (or, serially, in plain memory).

The store knows shapes, kinds and bytes; where the bytes live is the allocator's business:
:class:`Private` for the serial executor, :class:`Shared` for processes. Data that the user
already holds in the right layout is used as it is by the serial executor and copied once by the
other; a memory-mapped file is mapped by everyone and copied by nobody (:mod:`.mapped` says when).
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.engine import interrupts
from strads.engine.errors import InsufficientMemory
from strads.engine.memory.mapped import open_mapped
from strads.engine.memory.segments import Segment, create_segment, demand_shared_room
from strads.engine.platform import available_memory
from strads.kernels.linear.matrices import CSC, CSR

LINE = 128  # bytes; a pair of cache lines, the unit of false sharing on current CPUs
SMALL = 1 << 16  # arrays below this size share a segment
TUPLES: dict[str, Any] = {"csc": CSC, "csr": CSR}


@dataclass(frozen=True)
class Place:
    """Where an array lives: everything a worker needs to make the same view."""

    segment: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    readonly: bool


class Private:
    """Plain memory of this process."""

    shared = False

    def allocate(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], order: str = "C", *, zero: bool = True
    ) -> np.ndarray:
        """Return a zeroed array that begins on a line: rows that fill lines never straddle two."""
        dtype = np.dtype(dtype)
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        room = np.zeros(nbytes + LINE, np.uint8)
        skip = -room.__array_interface__["data"][0] % LINE
        return np.ndarray(shape, dtype, room, skip, order=order)  # type: ignore[arg-type, call-overload]

    def holds(self, array: np.ndarray) -> bool:
        """Whether an array can be used where it is: here, any."""
        return True

    def release(self) -> None:
        """Nothing to give back."""


class Shared:
    """Anonymous shared segments, taken from and given back to a pool of warm ones.

    Touching a fresh page costs several microseconds on virtual machines, so a segment that an
    earlier fit has touched is worth keeping; :class:`Pool` bounds how much is kept.
    """

    shared = True

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.segments: dict[int, Segment] = {}
        self.files: set[int] = set()  # numbers of segments that are files of the user's
        self.places: dict[int, Place] = {}  # address of the first byte → place
        self._open: tuple[int, int] | None = None  # (segment, used) of the small-array segment

    def allocate(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], order: str = "C", *, zero: bool = True
    ) -> np.ndarray:
        """Return an array that workers can map, zeroed unless ``zero`` is False.

        Zeroing a warm segment touches all of its pages: not wanted for reserved room.
        """
        dtype = np.dtype(dtype)
        nbytes = max(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize, 1)
        number, offset = self._room(nbytes, reserved=not zero)
        segment = self.segments[number]
        array: np.ndarray = np.ndarray(shape, dtype, segment.buffer, offset, order=order)  # type: ignore[arg-type, call-overload]
        if zero and number in self.pool.used_before:
            array[...] = 0
        place = Place(number, offset, shape, array.strides, dtype.str, readonly=False)
        self.places[array.__array_interface__["data"][0]] = place
        return array

    def holds(self, array: np.ndarray) -> bool:
        """Whether an array can be used where it is: if it maps a file that workers can map, too.

        Other arrays have to be copied here.
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

    def _room(self, nbytes: int, *, reserved: bool) -> tuple[int, int]:
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
        """Give all segments back to the pool; nobody may write to them any more."""
        self.places.clear()
        self._open = None
        files, numbers = list(self.files), [n for n in self.segments if n not in self.files]
        self.segments.clear()
        self.files.clear()
        for number in files:
            self.pool.drop(number)
        self.pool.give(numbers)


class Pool:
    """Segments of the engine by number, kept warm between fits within bounds.

    Parameters
    ----------
    keep : float
        Share of the available memory that idle segments may hold.
    most : int
        Idle segments at most: each has an open file.
    runs : int
        How many runs an idle segment is kept for that none of them uses.

    Attributes
    ----------
    dropped : list of int
        Numbers that are no segments of this process any more; the workers should unmap them.
    """

    def __init__(self, keep: float = 0.25, most: int = 48, runs: int = 40) -> None:
        self.keep, self.most, self.runs = keep, most, runs
        self.segments: dict[int, Segment] = {}
        self.idle: list[int] = []
        self.used_before: set[int] = set()
        self.dropped: list[int] = []
        self._next = 0
        self._ended = 0  # runs
        self._used: dict[int, int] = {}  # idle segment → number of the last run that had it

    def take(self, nbytes: int, *, reserved: bool = False) -> tuple[int, Segment]:
        """Return the smallest idle segment that is large enough, or a new one.

        ``reserved``: most of it may never be touched.
        """
        fitting = [n for n in self.idle if nbytes <= self.segments[n].nbytes <= 4 * nbytes]
        with interrupts.held():
            if fitting:
                number = min(fitting, key=lambda n: self.segments[n].nbytes)
                if not reserved:  # as it may have been before
                    demand_shared_room(nbytes, self.segments[number].descriptors()[0])
                self.idle.remove(number)
                self.used_before.add(number)
            else:
                number = self.adopt(self._created(_rounded(nbytes), reserved=reserved))
            return number, self.segments[number]

    def _created(self, nbytes: int, *, reserved: bool) -> Segment:
        try:
            return create_segment(nbytes, reserved=reserved)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self.free()  # each has a file open
            return create_segment(nbytes, reserved=reserved)

    def adopt(self, segment: Segment) -> int:
        """Give a new segment its number."""
        with interrupts.held():
            number, self._next = self._next, self._next + 1
            self.segments[number] = segment
            return number

    def give(self, numbers: Iterable[int]) -> None:
        """Take a run's segments back; the oldest idle ones are closed beyond the bounds."""
        with interrupts.held():
            self._ended += 1
            for number in numbers:
                self.idle.append(number)
                self._used[number] = self._ended
            bound = self.keep * available_memory()
            held = sum(self.segments[n].nbytes for n in self.idle)
            while self.idle and (
                held > bound
                or len(self.idle) > self.most
                or self._ended - self._used[self.idle[0]] > self.runs
            ):
                held -= self.segments[self.idle[0]].nbytes
                self.drop(self.idle.pop(0))

    def free(self) -> None:
        """Close all idle segments."""
        with interrupts.held():
            while self.idle:
                self.drop(self.idle.pop(0))

    def drop(self, number: int) -> None:
        """Close a segment that is not idle, and note that the workers should unmap it."""
        with interrupts.held():
            self.segments.pop(number).close()
            self.used_before.discard(number)
            self._used.pop(number, None)
            self.dropped.append(number)

    def close(self) -> None:
        """Close every segment."""
        with interrupts.held():
            for segment in self.segments.values():
                segment.close()
            self.segments.clear()
            self.idle.clear()


def _rounded(nbytes: int) -> int:
    """Round up by an eighth at most, so that data that grow find a segment of an earlier fit.

    Pages that nobody touches take no memory.
    """
    step = 1 << max(12, nbytes.bit_length() - 4)
    return -(-nbytes // step) * step


class Store:
    """Arrays of one run by name.

    Parameters
    ----------
    allocator : Private or Shared
        Where new arrays come from.
    """

    def __init__(self, allocator: Private | Shared) -> None:
        self.allocator = allocator
        self.arrays: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}

    def new(
        self,
        name: str,
        kind: str,
        shape: tuple[int, ...],
        dtype: Any,
        order: str = "C",
        *,
        zero: bool = True,
    ) -> np.ndarray:
        """Add an array, zeroed unless its room is only reserved."""
        array = self.allocator.allocate(shape, np.dtype(dtype), order, zero=zero)
        self.arrays[name], self.kinds[name] = array, kind
        return array

    def put(self, name: str, kind: str, value: Any) -> None:
        """Add data: shared once; used as it is where nobody else must see it."""
        if sp.issparse(value):
            parts = (value.data, value.indices, value.indptr)
            made = TUPLES[value.format](*(self._placed(part) for part in parts))
        else:
            made = self._placed(value)
        self.arrays[name], self.kinds[name] = made, kind

    def _placed(self, value: np.ndarray) -> np.ndarray:
        view = value
        if not self.allocator.holds(value):
            order = "F" if value.flags.f_contiguous and value.ndim > 1 else "C"
            view = self.allocator.allocate(value.shape, value.dtype, order)
            view[...] = value
        view = view.view(np.ndarray)
        view.flags.writeable = False
        return view

    def resize(self, name: str, shape: tuple[int, ...]) -> None:
        """Give an array a new shape in new memory; what fits of its contents is kept."""
        old = self.arrays[name]
        new = self.allocator.allocate(shape, old.dtype)
        common = tuple(slice(0, min(a, b)) for a, b in zip(old.shape, shape, strict=True))
        new[common] = old[common]
        self.arrays[name] = new

    def freeze(self) -> None:
        """Make data and outward views read-only: called after the program's setup."""
        for name, kind in self.kinds.items():
            if kind == "data" and isinstance(self.arrays[name], np.ndarray):
                self.arrays[name].flags.writeable = False

    def nbytes(self) -> dict[str, dict[str, int]]:
        """Bytes by kind and name; reserved capacity that nobody touched costs no memory."""
        sizes: dict[str, dict[str, int]] = {}
        for name, array in self.arrays.items():
            sizes.setdefault(self.kinds[name], {})[name] = _nbytes(array)
        return sizes

    def places(self) -> dict[str, Any]:
        """Return what a worker needs to map every array (shared allocator only)."""
        return {name: self._place(array) for name, array in self.arrays.items()}

    def _place(self, array: Any) -> Any:
        if isinstance(array, tuple):
            return (type(array).__name__.lower(), tuple(self._place(part) for part in array))
        assert isinstance(self.allocator, Shared)
        known = self.allocator.places[array.__array_interface__["data"][0]]
        return Place(
            known.segment, known.offset, array.shape, array.strides, array.dtype.str,
            not array.flags.writeable,
        )  # fmt: skip


def check_memory(needs: Mapping[str, int], *, reserved: bool = False) -> None:
    """Compare what is asked for with what the machine and its cgroup have left.

    Parameters
    ----------
    needs : mapping of str to int
        Bytes by name.
    reserved : bool
        It lies in shared segments already, in room that was reserved.

    Raises
    ------
    InsufficientMemory
        Naming the largest arrays; asked before anything is taken, because shared memory that
        does not suffice is only noticed when touched, by a signal.
    """
    needed, left = sum(needs.values()), available_memory()
    if needed > left:
        largest = sorted(needs.items(), key=lambda item: -item[1])[:3]
        raise InsufficientMemory(needed=needed, available=left, largest=largest)
    if reserved:
        demand_shared_room(needed)


def attach(
    places: Mapping[str, Any], segments: Mapping[int, Segment], names: Iterable[str] | None = None
) -> dict[str, Any]:
    """Make a worker's views of arrays described by :meth:`Store.places`."""
    wanted = places if names is None else {n: places[n] for n in names}
    return {name: _view(place, segments) for name, place in wanted.items()}


def _view(place: Any, segments: Mapping[int, Segment]) -> Any:
    if isinstance(place, tuple):
        return TUPLES[place[0]](*(_view(part, segments) for part in place[1]))
    dtype = np.dtype(place.dtype)
    array: np.ndarray = np.ndarray(
        place.shape, dtype, segments[place.segment].buffer, place.offset, place.strides
    )
    array.flags.writeable = not place.readonly
    return array


def _nbytes(array: Any) -> int:
    if isinstance(array, tuple):
        return sum(part.nbytes for part in array)
    return int(array.nbytes)
