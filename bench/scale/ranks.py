"""Ranks without MPI: forked processes whose exchanges this process carries, and writes down.

Every rank runs the package's own executor for MPI, unchanged; only the communicator is another one.
So the bytes of each exchange are counted, not estimated, and 64 ranks need neither 64 cores nor an
MPI library. Then single ranks do their work once more, each alone, and get at once what they got
before. So their processor time is that of a rank with a core and a cache of its own.
"""

import contextlib
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from bench.scale.wire import GATHER, Exchange, Times, Wire, as_rank

#: What a rank tells besides its exchanges: it has done its work, or has failed.
DONE, FAILED = range(2, 4)
Work = Callable[[], Any]


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
        with as_rank(wire, rank, count):
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
    with as_rank(wire, 0, 1):
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
        with as_rank(wire, rank, count):
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
