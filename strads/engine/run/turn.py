"""Whose turn it is: which run, of which thread, holds the processes of an engine.

A run takes the turn when it is prepared and gives it back once, whoever comes first of its result,
the end of its ``with`` block, an error anywhere, and the collection of a run that nobody refers
to any more. Together with the turn go the program's memory and the limit on BLAS threads.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from strads.engine import interrupts
from strads.engine.errors import StradsError
from strads.engine.run import blas

if TYPE_CHECKING:
    from strads.engine.rounds.executor import Executor

#: A thread that waits says so once, if by then nobody has continued the run it waits for.
PATIENCE_S = 10.0

IDLE = (
    "another run on this engine is open, and nobody is inside one of its steps: call its finish() "
    "or result(), or iterate over it in a with statement (with iterate(...) as run: ...)"
)


class Turn:
    """The door to an engine's processes; one run at a time passes."""

    def __init__(self) -> None:
        # Released by whoever ends the run, perhaps by the garbage collector in another thread
        # and amid anything: hence a plain lock, which needs no lock of its own.
        self.lock = threading.Lock()
        self.holder: Grant | None = None

    def take(self, grant: Grant) -> bool:
        """Wait for the turn; False at once if another run of this very thread has it.

        That run could not go on before this one has ended.
        """
        since, told = time.monotonic(), False
        while not self._try(grant, interrupts.TICK_S):
            holder = self.holder
            if holder is None:
                continue
            idle = not holder.inside
            if grant.thread == holder.thread or (idle and grant.thread == holder.maker):
                if idle:
                    gc.collect()  # perhaps nobody can reach that run any more
                return self._try(grant, 0.0)
            if idle and not told and time.monotonic() - since > PATIENCE_S:
                told = True
                gc.collect()
                if self.holder is holder:
                    warnings.warn(f"still waiting: {IDLE}", RuntimeWarning, stacklevel=5)
        return True

    def _try(self, grant: Grant, patience: float) -> bool:
        with interrupts.held():
            if self.lock.acquire(blocking=patience > 0.0, timeout=patience or -1):
                self.holder, grant.turn = grant, self
        return grant.turn is self


class Grant:
    """What one run holds, and gives back once.

    Attributes
    ----------
    turn : Turn or None
        Taken; a run on the serial executor needs none.
    executor : Executor or None
        To be closed.
    inside : int
        Calls into this run that are under way: greater than zero within its steps.
    maker, thread : int
        The thread that made the run, and the one that was last inside it.
    """

    def __init__(self) -> None:
        self.turn: Turn | None = None
        self.executor: Executor | None = None
        self.maker = self.thread = threading.get_ident()
        self.inside = 1  # while the run is prepared
        self._one_thread = False
        self._kept = [True]  # emptied by whoever gives back: an atomic step

    def enter(self) -> None:
        """Note that this thread is inside the run; every call needs one of :meth:`leave`."""
        self.thread = threading.get_ident()
        self.inside += 1

    def leave(self) -> None:
        """Note that it has left."""
        self.inside -= 1

    @property
    def given_back(self) -> bool:
        """Whether the run has ended."""
        return not self._kept

    def hold_blas(self) -> None:
        """Keep BLAS to one thread until everything is given back."""
        with interrupts.held():
            blas.hold_to_one_thread()
            self._one_thread = True

    def watch(self, run: Any) -> None:
        """Give everything back when nobody refers to the run any more."""
        weakref.finalize(run, _abandoned, self).atexit = False

    def give_back(self) -> None:
        """Free memory, processes and the turn; a second call does nothing.

        An interrupt cannot prevent it. One that comes while processes are waited for is raised
        when everything has been given back.
        """
        with interrupts.held():
            try:
                self._kept.pop()
            except IndexError:
                return
            executor, self.executor = self.executor, None
            try:
                if executor is not None:
                    program = executor.program
                    program._tell = program._grow = None
                    program.state = {}
                    executor.close()
            finally:
                try:
                    if self._one_thread:
                        blas.release()
                finally:
                    if self.turn is not None:
                        self.turn.holder = None
                        self.turn.lock.release()


def _abandoned(grant: Grant) -> None:
    # Called by the garbage collector: there is nobody to tell, and a failure has ended the
    # processes, so that the next run begins with fresh ones.
    with contextlib.suppress(StradsError, OSError):
        grant.give_back()
