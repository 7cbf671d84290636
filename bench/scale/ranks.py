"""Ranks without MPI: forked processes whose exchanges this process carries, and writes down.

Every rank runs the package's own executor for MPI, unchanged; only the communicator is another one.
So the bytes of each exchange are counted, not estimated, and 64 ranks need neither 64 cores nor an
MPI library. Then single ranks do their work once more, each alone, and get at once what they got
before. So their processor time is that of a rank with a core and a cache of its own.
"""

import contextlib
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from strads.engine.mpi import choice
from strads.engine.mpi.executor import Mpi
from strads.engine.mpi.ranks import Ranks
from strads.engine.rounds.serial import Serial
from strads.engine.run import engine

#: What a rank tells: it takes part in an exchange, has done its work, or has failed.
GATHER, SWAP, DONE, FAILED = range(4)
Work = Callable[[], Any]


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
    """Processor time of a rank before each exchange, since the one before; the part in kernels."""

    seconds: np.ndarray
    kernels: np.ndarray


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
        self.kernels, self._since = 0.0, time.process_time()

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
        return Times(np.array(self._seconds), np.array(self._kernels))

    def _exchange(self, kind: int, sizes: Any, mine: np.ndarray, into: np.ndarray) -> None:
        self._seconds.append(time.process_time() - self._since)
        self._kernels.append(self.kernels)
        into[...] = np.frombuffer(self._turn(kind, sizes, mine.tobytes()), np.uint8)
        self.kernels, self._since = 0.0, time.process_time()


# -- ranks that work together ----------------------------------------------------------------------


def together(count: int, work: Work) -> tuple[list[Any], list[Exchange]]:
    """Do some work on so many ranks; return what each has found, and all exchanges.

    The work is a fit with ``STRADS_EXECUTOR=mpi``. What it compiles should have been compiled.
    """
    if count == 1:
        found, exchanges, _ = alone_on_rank(work)
        return [found], exchanges
    wires, children = list[Connection](), list[int]()
    try:
        for rank in range(count):
            here, there = Pipe()
            child = os.fork()
            if child == 0:
                for other in [*wires, here]:
                    other.close()
                _be_rank(there, rank, count, work)
            there.close()
            wires.append(here)
            children.append(child)
        return _carried(wires)
    finally:
        for wire in wires:
            wire.close()  # a rank that still waits ends
        for child in children:
            os.waitpid(child, 0)


def _be_rank(there: Connection, rank: int, count: int, work: Work) -> None:
    """Work as a rank in a forked process, and end it."""

    def turn(kind: int, sizes: Sequence[int], payload: bytes) -> bytes:
        there.send((kind, tuple(sizes)))
        there.send_bytes(payload)
        return there.recv_bytes()

    def told() -> tuple[int, Any]:
        wire = Wire(turn)
        with _as_rank(wire, rank, count):
            return DONE, work()

    _end_with(there, told)


def _carried(wires: list[Connection]) -> tuple[list[Any], list[Exchange]]:
    """Carry the exchanges of all ranks until their work is done."""
    done = list[Exchange]()
    while True:
        asked = [wire.recv() for wire in wires]
        kinds, values = {kind for kind, _ in asked}, [value for _, value in asked]
        if FAILED in kinds or len(kinds) > 1:
            raise RuntimeError(next((v for k, v in asked if k == FAILED), "the ranks have parted"))
        if kinds == {DONE}:
            return values, done
        payloads = [wire.recv_bytes() for wire in wires]
        sizes = np.array(values)
        if kinds == {GATHER}:
            given = [b"".join(payloads)] * len(wires)
            sizes = sizes[:, 0]
        else:
            starts = np.cumsum(sizes, axis=1) - sizes
            given = [
                b"".join(
                    payload[a : a + n] for payload, a, n in zip(payloads, *column, strict=True)
                )
                for column in zip(starts.T, sizes.T, strict=True)
            ]
        done.append(Exchange(sizes, given))
        for wire, part in zip(wires, given, strict=True):
            wire.send_bytes(part)


# -- ranks that work alone -------------------------------------------------------------------------


def alone_on_rank(work: Work) -> tuple[Any, list[Exchange], Times]:
    """Do some work in this process as the only rank."""
    exchanges = list[Exchange]()

    def turn(kind: int, sizes: Sequence[int], payload: bytes) -> bytes:
        exchanges.append(Exchange(np.array(sizes), [payload]))
        return payload

    wire = Wire(turn)
    with _as_rank(wire, 0, 1):
        return work(), exchanges, wire.times()


def again(rank: int, count: int, work: Work, exchanges: Sequence[Exchange], times: int) -> Times:
    """Return the least times of a rank that does the work once more, several times.

    It runs in a forked process, where a first time that is not counted copies all pages of memory
    that are written to.
    """

    def told() -> tuple[int, Any]:
        given: Iterator[bytes] = iter(())

        def turn(kind: int, sizes: Sequence[int], payload: bytes) -> bytes:
            return next(given)

        wire, found = Wire(turn), list[Times]()
        with _as_rank(wire, rank, count):
            for _ in range(times + 1):
                given = iter([each.given[rank] for each in exchanges])
                wire.begin()
                work()
                found.append(wire.times())
        return DONE, Times(*(np.min(tries, axis=0) for tries in zip(*found[1:], strict=True)))

    here, there = Pipe()
    child = os.fork()
    if child == 0:
        _end_with(there, told)
    there.close()
    try:
        what, value = here.recv()
    finally:
        os.waitpid(child, 0)
    if what == FAILED:
        raise RuntimeError(value)
    return Times(*value)


def seconds_alone(work: Work) -> float:
    """Return the processor time of a fit by the serial executor, over the same part of the fit.

    That is from the first exchange of ranks, which follows the layout of the data, to their last
    one, which ends the last launch.
    """
    begun, ended = list[float](), list[float]()

    def marked(method: Any, marks: list[float]) -> Any:
        def call(*given: Any) -> Any:
            found = method(*given)
            marks.append(time.process_time())
            return found

        return call

    with _replaced(
        (Serial, "demand_same", marked(Serial.demand_same, begun)),
        (Serial, "_launch", marked(Serial._launch, ended)),
        (Serial, "_once", marked(Serial._once, ended)),
    ):
        work()
    return ended[-1] - begun[0]


# -- what both do ----------------------------------------------------------------------------------


def _end_with(there: Connection, told: Callable[[], tuple[int, Any]]) -> None:
    """Send what a function returns, and end this forked process."""
    try:
        there.send(told())
    except (EOFError, BrokenPipeError):  # another rank has failed
        pass
    except BaseException:
        with contextlib.suppress(OSError):
            there.send((FAILED, traceback.format_exc()))
    finally:
        os._exit(0)


def _as_rank(wire: Wire, rank: int, count: int) -> contextlib.AbstractContextManager[None]:
    """Have the package take this process for a rank of MPI, and tell the time in kernels."""
    ranks, work = Ranks(wire, wire, rank, count, count, None), Mpi._work

    def timed(*given: Any) -> None:
        since = time.process_time()
        work(*given)
        wire.kernels += time.process_time() - since

    return _replaced(
        (Mpi, "_work", timed), (choice, "job", lambda: ranks), (engine, "job", lambda: ranks),
        (engine, "why_no_others", lambda check: ""),  # or a forked process would run serially
    )  # fmt: skip


@contextlib.contextmanager
def _replaced(*others: tuple[Any, str, Any]) -> Iterator[None]:
    """Replace attributes while it is open."""
    before = [(place, name, getattr(place, name)) for place, name, _ in others]
    for place, name, value in others:
        setattr(place, name, value)
    try:
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)
