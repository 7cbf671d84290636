"""Whose turn it is: which run, of which thread, holds the processes of an engine.

A run takes the turn when it is prepared. It gives the turn back once: with its result, at the end
of its ``with`` block, after an error, or when the garbage collector finds that nobody refers to the
run any more, whichever comes first. With the turn it gives back the program's memory and the limit
on BLAS threads.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from strads.engine import interrupts
from strads.engine.errors import StradsError
from strads.engine.run import blas

if TYPE_CHECKING:
    from strads.engine.rounds.executor import Executor

#: Seconds after which a waiting thread warns, once, if nobody continues the run it waits for.
PATIENCE_S = 10.0

IDLE = (
    "another run on this engine is open, and nobody is inside one of its steps: call its finish() "
    "or result(), or iterate over it in a with statement (with iterate(...) as run: ...)"
)


class Turn:
    """The right to use an engine's processes, which one run at a time has."""

    def __init__(self) -> None:
        # The garbage collector may end a run, in any thread and within any function. So this is
        # a plain lock, which another thread than the one that acquired it may release.
        self.lock = threading.Lock()
        self.holder: Grant | None = None

    def take(self, grant: Grant) -> bool:
        """Wait for the turn; return False at once if another run of the same thread has it.

        To wait would be in vain: that run cannot go on before this one has ended.
        """
        since, told = time.monotonic(), False
        while not self._try(grant, interrupts.TICK_S):
            holder = self.holder
            if holder is None:
                continue
            idle = not holder.inside
            if grant.thread == holder.thread or (idle and grant.thread == holder.maker):
                if idle:
                    gc.collect()  # ends that run if nobody refers to it any more
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
        The turn that the run has taken; none on the serial executor.
    executor : Executor or None
        The executor to close at the end.
    inside : int
        Number of calls of this run's methods that are being executed; above zero within a step.
    at_end : list of callable
        Called when everything has been given back.
    maker, thread : int
        The thread that made the run, and the one that last called its methods.
    """

    def __init__(self) -> None:
        self.turn: Turn | None = None
        self.executor: Executor | None = None
        self.maker = self.thread = threading.get_ident()
        self.inside = 1  # while the run is prepared
        self.at_end: list[Callable[[], None]] = []
        self._one_thread = False
        self._kept = [True]  # empty after give_back(): pop() is atomic, so that one call succeeds

    def enter(self) -> None:
        """Note that this thread enters the run; every call needs a call of :meth:`leave`."""
        self.thread = threading.get_ident()
        self.inside += 1

    def leave(self) -> None:
        """Note that this thread has left the run."""
        self.inside -= 1

    @property
    def given_back(self) -> bool:
        """Whether the run has ended."""
        return not self._kept

    def hold_blas(self) -> None:
        """Limit BLAS to one thread until everything is given back."""
        with interrupts.held():
            blas.hold_to_one_thread()
            self._one_thread = True

    def watch(self, run: Any) -> None:
        """Give everything back when nobody refers to the run any more."""
        weakref.finalize(run, _abandoned, self).atexit = False

    def give_back(self) -> None:
        """Free memory, processes and the turn; a second call does nothing.

        An interrupt that comes meanwhile is raised when everything has been given back.
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
                    while self.at_end:
                        self.at_end.pop()()


def _abandoned(grant: Grant) -> None:
    # Called by the garbage collector, so nobody could handle an error. If giving back fails, the
    # processes end, and the next run starts others.
    with contextlib.suppress(StradsError, OSError):
        grant.give_back()
