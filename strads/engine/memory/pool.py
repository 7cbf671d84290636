"""A pool of shared segments: an engine keeps some of them after a run, for the next runs."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from strads.engine import interrupts
from strads.engine.memory.segments import Segment, create_segment, demand_shared_memory
from strads.engine.platform import available_memory


class Pool:
    """The segments of one engine by number; idle ones are kept between runs, within bounds.

    Parameters
    ----------
    keep : float
        Largest share of the available memory that idle segments may hold.
    most : int
        Largest number of idle segments; each of them keeps a file descriptor open.
    runs : int
        Number of runs after which an idle segment that none of them has used is closed.

    Attributes
    ----------
    dropped : list of int
        Numbers of segments that this process has closed; the workers should unmap them.
    """

    def __init__(self, keep: float = 0.25, most: int = 48, runs: int = 40) -> None:
        self.keep, self.most, self.runs = keep, most, runs
        self.segments: dict[int, Segment] = {}
        self.idle: list[int] = []
        self.used_before: set[int] = set()
        self.dropped: list[int] = []
        self._next = 0
        self._ended = 0  # number of runs that have ended
        self._used: dict[int, int] = {}  # idle segment → number of the last run that used it

    def take(self, nbytes: int, *, reserved: bool = False) -> tuple[int, Segment]:
        """Return the smallest idle segment that is large enough, or a new segment.

        Parameters
        ----------
        nbytes : int
        reserved : bool
            Whether most of the segment may never be touched.
        """
        fitting = [n for n in self.idle if nbytes <= self.segments[n].nbytes <= 4 * nbytes]
        with interrupts.held():
            if fitting:
                number = min(fitting, key=lambda n: self.segments[n].nbytes)
                if not reserved:  # the run that created it may only have reserved it
                    demand_shared_memory(nbytes, self.segments[number].descriptors()[0])
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
            self.free()  # every idle segment keeps a descriptor open
            return create_segment(nbytes, reserved=reserved)

    def adopt(self, segment: Segment) -> int:
        """Add a segment to the pool and return its number."""
        with interrupts.held():
            number, self._next = self._next, self._next + 1
            self.segments[number] = segment
            return number

    def give(self, numbers: Iterable[int]) -> None:
        """Take back the segments of a run that has ended; close the oldest beyond the bounds."""
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
    """Round up by at most an eighth, so that slightly larger data fit into a segment kept earlier.

    The pages beyond `nbytes` are not touched, so they take no memory.
    """
    step = 1 << max(12, nbytes.bit_length() - 4)
    return -(-nbytes // step) * step
