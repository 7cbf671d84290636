"""The one way in which ranks exchange bytes: each sends some to all, and gets those of all.

Every exchange of a run goes through :meth:`Link.gather`, in the same order on all ranks. So a
rank that has failed can say so in place of what it would have sent, and all ranks learn of it at
the same point.
"""

from __future__ import annotations

import pickle
import time
import traceback
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from strads.engine.errors import KernelError, ProgramError
from strads.engine.mpi.ranks import ENDED, ERROR, FIRST, LEFT, PART, READ, WORDS, Ranks

#: What a rank does that the next exchange finds reading, where others do not.
ALONE = (
    "reads or writes a local array where other ranks go on: each rank has its own part of it, so "
    "all ranks must ask for it, at the same place of the script or program"
)


class Link:
    """Exchanges of one run.

    Parameters
    ----------
    ranks : Ranks

    Attributes
    ----------
    count : int
        Number of exchanges so far.
    seconds : float
        In exchanges, those among them for which this rank waited for others.
    sent, received : int
        Bytes that this rank has given to MPI, those for all others counted once; bytes that it has
        got.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.count, self.seconds, self.sent, self.received = 0, 0.0, 0, 0
        self._mine = np.zeros(FIRST, np.uint8)
        self._all = np.zeros((ranks.size, FIRST), np.uint8)

    def gather(self, arrays: Iterable[np.ndarray] = (), *, reads: bool = False) -> list[memoryview]:
        """Send the bytes of some arrays to all ranks; return the bytes of every rank.

        What is returned is valid until the next call.

        Parameters
        ----------
        arrays : iterable of ndarray
        reads : bool
            Whether the leader's part reads an array of which every rank has a part.

        Raises
        ------
        KernelError
            If another rank has failed.
        ProgramError
            If the script of another rank has ended, or some ranks read and others do not.
        """
        return self._gather(b"".join(map(as_bytes, arrays)), READ if reads else PART)

    def fail(self, error: BaseException) -> None:
        """Tell all ranks, instead of the next exchange, that this one has failed; then raise."""
        told = (f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))
        try:
            self._gather(pickle.dumps(told), ERROR)
        except KernelError:  # this rank has an error of its own
            pass
        raise error

    def from_first(self, value: Any) -> Any:
        """Return the value that rank 0 gives; the others need none."""
        own = pickle.dumps(value) if self.ranks.rank == 0 else b""
        return pickle.loads(self._gather(own, PART)[0])

    def swap(self, parts: Sequence[Sequence[np.ndarray]], sizes: Sequence[int]) -> list[memoryview]:
        """Send each rank its own bytes; return the bytes from each.

        All ranks must be sure that none has failed since the last exchange.

        Parameters
        ----------
        parts : sequence of sequence of ndarray
            What to send, by rank.
        sizes : sequence of int
            Number of bytes that come from each rank.
        """
        since = time.perf_counter()
        mine = [b"".join(map(as_bytes, part)) for part in parts]
        counts, whole = [len(each) for each in mine], np.empty(sum(sizes), np.uint8)
        starts, firsts = _starts(sizes), _starts(counts)
        sent = [np.frombuffer(b"".join(mine), np.uint8), counts, firsts, self.ranks.byte]
        self.ranks.comm.Alltoallv(sent, [whole, list(sizes), starts, self.ranks.byte])
        self.count += 1
        self.seconds += time.perf_counter() - since
        self.sent += sum(counts)
        self.received += len(whole)
        view = whole.data
        return [view[start : start + n] for start, n in zip(starts, sizes, strict=True)]

    def _gather(self, payload: bytes, meaning: int) -> list[memoryview]:
        since = time.perf_counter()
        room, size, comm = FIRST - WORDS, len(payload), self.ranks.comm
        self._mine[:WORDS].view(np.int64)[:] = size, meaning
        inside = min(size, room)
        self._mine[WORDS : WORDS + inside] = np.frombuffer(payload, np.uint8, inside)
        comm.Allgather(self._mine, self._all)
        words = self._all[:, :WORDS].view(np.int64)
        sizes = words[:, 0].tolist()
        if max(sizes) <= room:
            found = [self._all[r, WORDS : WORDS + n].data for r, n in enumerate(sizes)]
        else:
            found = self._gather_long(payload, sizes)
        self.count += 1
        self.seconds += time.perf_counter() - since
        self.sent += size
        self.received += sum(sizes) - size
        meanings = words[:, 1].tolist()
        for rank, told in enumerate(meanings):
            if told == LEFT:
                raise ProgramError(f"rank {rank} {ENDED}")
            if told == ERROR:
                message, trace = pickle.loads(found[rank])
                raise KernelError(f"rank {rank}: {message}", trace)
        if len(set(meanings)) > 1:
            raise ProgramError(f"rank {meanings.index(READ)} {ALONE}")
        return found

    def _gather_long(self, payload: bytes, sizes: list[int]) -> list[memoryview]:
        whole, starts = np.empty(sum(sizes), np.uint8), _starts(sizes)
        mine = [np.frombuffer(payload, np.uint8), len(payload), self.ranks.byte]
        self.ranks.comm.Allgatherv(mine, [whole, sizes, starts, self.ranks.byte])
        view = whole.data
        return [view[start : start + n] for start, n in zip(starts, sizes, strict=True)]


class Reader:
    """Reads arrays from the bytes of a rank, in the order in which that rank has sent them."""

    def __init__(self, given: memoryview) -> None:
        self._given, self._at = given, 0

    def take(self, count: int, dtype: Any) -> np.ndarray:
        """Return the next array."""
        array: np.ndarray = np.frombuffer(self._given, dtype, count, self._at)
        self._at += array.nbytes
        return array


def _starts(sizes: Sequence[int]) -> list[int]:
    """Return where each of some parts begins that stand one after the other."""
    return [0, *accumulate(sizes)][:-1]


def as_bytes(array: np.ndarray) -> memoryview:
    """Return the bytes of an array, in C order."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
