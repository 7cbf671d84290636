"""The ranks of MPI, as this process sees them, and how it ends all of them.

Without ``mpiexec`` there is one rank, and everything works all the same.
"""

from __future__ import annotations

import atexit
import functools
import sys
import time
import traceback
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from strads.engine.compiling.progress import on_compile
from strads.engine.errors import ProgramError
from strads.engine.platform import available_cores

#: Seconds after which a rank that has failed ends the job, unless all others have failed as well.
PATIENCE_S = 20.0
#: Seconds for which a rank that begins its first run waits for the others to begin theirs.
START_S = 600.0
#: Bytes that each rank sends in a first message, whose length all know; a second message follows if
#: one rank has more to send. The first words are the number of bytes and what they mean.
FIRST, WORDS = 2048, 16
#: What the bytes of a rank are: its part of an exchange, the error that it has run into instead,
#: none, since its script has ended, or its part of an array that the leader's part reads.
PART, ERROR, LEFT, READ = range(4)
#: Seconds that ranks with an error have to print it, before the job is ended.
GRACE_S = 0.5
ENDED = (
    "has ended its script while another rank goes on with a run: all ranks must make the same "
    "runs, whatever else each of them does"
)


@dataclass(frozen=True, eq=False)
class Ranks:
    """All ranks, as one of them sees them.

    Attributes
    ----------
    comm : mpi4py.MPI.Comm
        For exchanges.
    failures : mpi4py.MPI.Comm
        The same ranks, for those that have failed.
    rank, size : int
        Number of this rank; number of ranks.
    cores : int
        Cores for workers on all ranks together. Ranks that share a machine share its cores, and
        every rank counts as many as the one that has fewest.
    byte : mpi4py.MPI.Datatype
    """

    comm: Any
    failures: Any
    rank: int
    size: int
    cores: int
    byte: Any

    def abort(self, message: str) -> None:
        """End all ranks at once, with a message."""
        sys.stdout.flush()
        sys.stderr.write(f"strads: rank {self.rank} of {self.size}: {message}\n")
        sys.stderr.flush()
        self.comm.Abort(1)

    def meet_failed(self, error: BaseException) -> None:
        """Wait until all other ranks have failed as well; if one has not, end all of them.

        All ranks run the same code, so that most errors come up on all of them. An error of one
        rank alone would leave the others waiting for it.
        """
        if self.size == 1:
            return
        arrived = self.failures.Ibarrier()
        until = time.monotonic() + PATIENCE_S
        while not arrived.Test():
            if time.monotonic() > until:
                text = "".join(traceback.format_exception(error))
                self.abort(f"failed while other ranks go on, so that the job ends:\n{text}")
            time.sleep(0.005)


@functools.cache
def job() -> Ranks:
    """Return the ranks of this job. Its first call on every rank waits for all of them.

    Raises
    ------
    ProgramError
        If mpi4py or the MPI library is missing.
    """
    try:
        mpi = import_module("mpi4py.MPI")
    except ImportError as error:
        raise ProgramError(
            f"executor='mpi' needs mpi4py and an MPI library ({error}). Install "
            "strads[mpi] for the MPI of your site, or strads[mpi-local] to get one as well"
        ) from error
    _await_all(mpi.COMM_WORLD)
    comm = mpi.COMM_WORLD.Dup()
    machine = comm.Split_type(mpi.COMM_TYPE_SHARED)
    mine = max(1, available_cores() // machine.size)
    machine.Free()
    cores = comm.size * comm.allreduce(mine, mpi.MIN)
    made = Ranks(comm, comm.Dup(), comm.rank, comm.size, cores, mpi.BYTE)
    if made.size > 1:
        _abort_when_uncaught(made)
        _say_at_exit(made)
    if made.rank:
        on_compile(None)  # rank 0 compiles the same, and tells of it
    return made


def _await_all(comm: Any) -> None:
    """Wait until all ranks are here; end the job if one does not come."""
    arrived, until = comm.Ibarrier(), time.monotonic() + START_S
    while not arrived.Test():
        if time.monotonic() > until:
            sys.stderr.write(
                f"strads: rank {comm.rank} has waited {START_S:.0f} s for the others to begin a "
                "run: all ranks must make the same runs\n"
            )
            sys.stderr.flush()
            comm.Abort(1)
        time.sleep(0.001)


def _abort_when_uncaught(ranks: Ranks) -> None:
    """Have an error that nobody catches end all ranks: the others may be waiting for this one."""
    before = sys.excepthook

    def hook(kind: Any, error: Any, trace: Any) -> None:
        before(kind, error, trace)
        ranks.abort(f"ended by {kind.__name__}")

    sys.excepthook = hook


def _say_at_exit(ranks: Ranks) -> None:
    """Have this rank say to the others when its script has ended, and wait until theirs have.

    If another rank waits for this one instead, because it makes a run that this one does not, the
    job ends.
    """

    def leave() -> None:
        mine, all_of = np.zeros(FIRST, np.uint8), np.zeros((ranks.size, FIRST), np.uint8)
        words = all_of[:, :WORDS].view(np.int64)
        mine[:WORDS].view(np.int64)[:] = 0, LEFT
        ranks.comm.Allgather(mine, all_of)
        if np.any(words[:, 1] != LEFT):
            time.sleep(GRACE_S)
            ranks.abort(ENDED)

    atexit.register(leave)
