"""Local arrays: a rank holds the entries of its own workers, and no others.

A field that is declared ``local=True`` promises that in every phase and in ``measure`` a worker
touches entries of its own range only. So a launch neither sends them nor copies them. Every rank
has an array of the whole size, but a page that nobody has written takes no memory: before a launch
the pages of the entries of other ranks are given back. The array is *away* from then on. Who reads
it in the leader's part gets all entries, which the ranks gather for it.

All ranks run the same leader's part, so they gather at the same time. A rank that reads such an
array alone is told so by the next exchange.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.mpi.link import Link, Reader
from strads.engine.platform import LINUX
from strads.engine.program.program import Program

#: Bytes that a rank sends together, so that gathering takes little memory beside the array.
TOGETHER = 4 << 20
_MADV_DONTNEED = 4


class Homes:
    """The local arrays of a run.

    Parameters
    ----------
    program : Program
        It has been laid out. Its ``state`` is replaced by one that gathers what is read.
    arrays : dict of str to ndarray
        All arrays of the run.
    link : Link
    crews : sequence of range
        The logical workers of every rank.
    """

    def __init__(
        self, program: Program, arrays: Mapping[str, Any], link: Link, crews: Sequence[range]
    ) -> None:
        self.program, self.arrays, self.link, self.crews = program, arrays, link, crews
        self.names = [n for n, f in program.fields().items() if f.local and n not in _maps(program)]
        self.away: set[str] = set()
        self._alone = False
        if self.names:
            _demand_no_costs(program, self.names)
            program.state = _State(program.state, self)
            self.leave()

    def leave(self, but: Collection[str] = ()) -> None:
        """Give back the pages of other ranks' entries, of all local arrays that are whole.

        Parameters
        ----------
        but : collection of str
            Arrays that the next stage needs whole: they are gathered if they are away.
        """
        self.gather(but)
        for name in self.names:
            if name not in self.away and name not in but:
                self._give_back(name)
                self.away.add(name)

    def gather(self, names: Iterable[str], *, only_first: bool = False) -> None:
        """Bring arrays together that are away.

        Parameters
        ----------
        names : iterable of str
        only_first : bool
            Whether rank 0 alone is to get them, to save them. They stay away then.
        """
        wanted = self.away.intersection(names)
        for name in [n for n in self.names if n in wanted]:
            array, rank = self._rows(name), self.link.ranks.rank
            keeps = not only_first or rank == 0
            starts = [self._range(name, crew) for crew in self.crews]
            step = max(1, TOGETHER // max(array[:1].nbytes, 1))
            for skip in range(0, max(end - begin for begin, end in starts), step):
                pieces = [
                    slice(min(begin + skip, end), min(begin + skip + step, end))
                    for begin, end in starts
                ]
                found = self.link.gather([array[pieces[rank]]], reads=True)
                for other, piece in enumerate(pieces):
                    part = array[piece]
                    if keeps and other != rank and part.size:
                        part[...] = (
                            Reader(found[other]).take(part.size, part.dtype).reshape(part.shape)
                        )
            if not only_first:
                self.away.discard(name)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Read arrays on this rank as they are: all entries are known to be here."""
        self._alone = True
        try:
            yield
        finally:
            self._alone = False

    def read(self, names: Iterable[str]) -> None:
        """Have arrays whole, since the leader's part is about to read or write them."""
        if self.away and not self._alone:
            self.gather(names)

    def own(self, name: str) -> np.ndarray:
        """Return this rank's part of an array, and where it begins."""
        begin, end = self._range(name, self.crews[self.link.ranks.rank])
        return self._rows(name)[begin:end]

    def begin(self, name: str) -> int:
        """Return the first id of this rank's part of an array."""
        return self._range(name, self.crews[self.link.ranks.rank])[0]

    def _range(self, name: str, crew: range) -> tuple[int, int]:
        bounds = self.program.partitions[self.program.fields()[name].axes[0]].bounds
        return int(bounds[crew.start]), int(bounds[crew.stop])

    def _rows(self, name: str) -> np.ndarray:
        size = self.program.size[self.program.fields()[name].axes[0]]
        whole: np.ndarray = self.arrays[name]
        if not whole.flags.writeable:  # data, which are filled by this class alone
            whole = _writable(whole)
        return whole[:size]

    def _give_back(self, name: str) -> None:
        array = self._rows(name)
        begin, end = self._range(name, self.crews[self.link.ranks.rank])
        first = array.__array_interface__["data"][0]
        _release(first, array[:begin].nbytes)
        _release(first + array[:end].nbytes, array[end:].nbytes)


class _State(dict[str, Any]):
    """The arrays of a program by name; reading a local one makes it whole first."""

    def __init__(self, arrays: Mapping[str, Any], homes: Homes) -> None:
        super().__init__(arrays)
        self._homes = homes

    def __getitem__(self, name: str) -> Any:
        self._homes.read((name,))
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._homes.read((name,))
        return super().get(name, default)

    def values(self) -> Any:
        self._homes.read(self)
        return super().values()

    def items(self) -> Any:
        self._homes.read(self)
        return super().items()


def _maps(program: Program) -> set[str]:
    """Return the names of data that were given: they are used where they are."""
    return {n for n, f in program.fields().items() if not f.mutable and n in program.given}


def _demand_no_costs(program: Program, names: Sequence[str]) -> None:
    for axis, name in program.costs.items():
        if name in names:
            raise ProgramError(
                f"{type(program).__name__}.costs takes the costs of axis {axis!r} from {name!r}, "
                "which is local: a rank has only its own part of it. Name a method"
            )


def _writable(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = True
    return view


def _release(first: int, nbytes: int) -> None:
    """Give back the pages that lie within so many bytes of memory: they are zeros from then on."""
    page = mmap.PAGESIZE
    begin, end = -(-first // page) * page, (first + nbytes) // page * page
    if LINUX and begin < end:
        ctypes.CDLL(None).madvise(
            ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_DONTNEED
        )
