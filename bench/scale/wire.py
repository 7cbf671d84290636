"""The communicator of a rank that has no MPI: it counts what is exchanged, and takes the time."""

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bench.scale.launches import around_launches, replaced
from strads.engine.mpi.executor import Mpi
from strads.engine.mpi.ranks import Ranks
from strads.engine.run import engine
from strads.engine.run.executors import found, names

#: What a rank takes part in.
GATHER, SWAP = range(2)


@dataclass(frozen=True)
class Exchange:
    """One call of MPI, as all ranks have made it.

    Attributes
    ----------
    sizes : ndarray of int64
        GATHER: bytes that each rank sends to all others. SWAP: by sender and receiver.
    given : sequence of bytes
        What each rank has got.
    """

    sizes: np.ndarray
    given: Sequence[bytes]


class Times(NamedTuple):
    """Processor time of a rank before each exchange, since the one before; the part in kernels.

    ``launches`` has the numbers of the first exchange of the first launch, and of the one after the
    last launch. What comes before and after is exchanged once a fit, whatever the epochs.
    """

    seconds: np.ndarray
    kernels: np.ndarray
    launches: np.ndarray


class Wire:
    """The communicator of a rank: the calls of MPI that the package makes within a run.

    Parameters
    ----------
    turn : callable
        Takes part in an exchange: gets its kind, the sizes of what is sent, and that; returns what
        this rank gets.
    """

    def __init__(self, turn: Callable[[int, Sequence[int], bytes], bytes]) -> None:
        self._turn = turn
        self.begin()

    def begin(self) -> None:
        """Take the time from now on."""
        self._seconds, self._kernels = list[float](), list[float]()
        self._begun, self._ended = sys.maxsize, 0
        self.kernels, self._since = 0.0, time.process_time()

    def begins(self) -> None:
        """Note that a launch begins."""
        self._begun = min(self._begun, len(self._seconds))

    def ends(self) -> None:
        """Note that a launch has ended."""
        self._ended = len(self._seconds)

    def Allgather(self, mine: np.ndarray, of_all: np.ndarray) -> None:
        """Send an array to all, and get those of all."""
        self._exchange(GATHER, (mine.nbytes,), mine, of_all.reshape(-1).view(np.uint8))

    def Allgatherv(self, mine: list[Any], of_all: list[Any]) -> None:
        """Send bytes to all, and get those of all; each rank may send another number."""
        self._exchange(GATHER, mine[1:2], mine[0], of_all[0])

    def Alltoallv(self, mine: list[Any], of_all: list[Any]) -> None:
        """Send each rank bytes of its own."""
        self._exchange(SWAP, mine[1], mine[0], of_all[0])

    def times(self) -> Times:
        """Return the times since the beginning."""
        launches = np.array([self._begun, self._ended])
        return Times(np.array(self._seconds), np.array(self._kernels), launches)

    def _exchange(self, kind: int, sizes: Any, mine: np.ndarray, into: np.ndarray) -> None:
        self._seconds.append(time.process_time() - self._since)
        self._kernels.append(self.kernels)
        into[...] = np.frombuffer(self._turn(kind, sizes, mine.tobytes()), np.uint8)
        self.kernels, self._since = 0.0, time.process_time()


def as_rank(wire: Wire, rank: int, count: int) -> contextlib.AbstractContextManager[None]:
    """Have the package take this process for a rank of MPI, and tell the time in kernels."""
    ranks, work = Ranks(wire, wire, rank, count, count, None), Mpi._work

    def timed(*given: Any) -> None:
        since = time.process_time()
        work(*given)
        wire.kernels += time.process_time() - since

    return replaced(
        *around_launches(Mpi, wire.begins, wire.ends),
        (Mpi, "_work", timed), (names, "job", lambda: ranks), (engine, "job", lambda: ranks),
        (found, "job", lambda: ranks),
        # Or a forked process would run serially.
        (found, "why_no_others", lambda check: ""),
    )  # fmt: skip
