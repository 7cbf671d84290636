"""Calls that are made at once, in threads.

Kernels and BLAS release the interpreter's lock, so threads share the cores as processes do, and all
see the same data without a copy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from threading import Event, Thread
from typing import Any, TypeVar

import numba

from strads.engine import Instrument, Run, Step, compile_kernel, interrupted, own_cores

_T = TypeVar("_T")
#: Longest time for which a call that waits for others leaves Ctrl-C unnoticed, in seconds.
TICK_S = 0.05


class Ending(Instrument):
    """Ends runs after their present step, in any thread, once it has been asked to."""

    def __init__(self) -> None:
        self._event = Event()

    def ask(self) -> None:
        """Let all runs that have this instrument end."""
        self._event.set()

    @property
    def asked(self) -> bool:
        """Whether runs are to end."""
        return self._event.is_set()

    def after_step(self, run: Run, step: Step) -> None:
        """End the run if it is to end."""
        if self.asked and run.status == "running":
            run.stop("the runs beside it have ended")


def at_once(
    calls: Sequence[Callable[[], _T]], threads: int, ending: Ending | None = None
) -> list[_T]:
    """Make all calls, several at a time; return what they return, in the order of the calls.

    This thread makes calls, too, and makes all of them where no thread can be started, as at a
    limit on their number or on memory. A pool of threads would not do: it has queued a call before
    it finds that it cannot start a thread, so that the call might be made twice.

    After an error no other call begins; it is raised when those that have begun have ended.

    Parameters
    ----------
    calls : sequence of callable
    threads : int
        Most calls at a time.
    ending : Ending, optional
        Among the instruments of all runs that the calls make. After an error, or at Ctrl-C, these
        runs end with their present step, and no other call begins. Without it, Ctrl-C that the
        present series has noted changes nothing.

    Returns
    -------
    list
        Shorter than `calls` if Ctrl-C has kept some from beginning.
    """
    waiting, errors = deque(enumerate(calls)), list[BaseException]()
    found: dict[int, _T] = {}

    def work() -> None:
        while waiting and not errors and not _to_end(ending):
            try:
                number, call = waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                found[number] = call()
            except BaseException as error:
                errors.append(error)
                if ending is not None:
                    ending.ask()

    others = _started(work, min(len(calls), threads) - 1)
    try:
        work()
        for thread in others:
            while thread.is_alive() and not _to_end(ending):
                thread.join(TICK_S)
    except BaseException:  # Ctrl-C while this thread waits
        if ending is not None:
            ending.ask()
        raise
    finally:
        for thread in others:
            thread.join()
    if errors:
        raise errors[0]
    return [found[number] for number in sorted(found)]


def _to_end(ending: Ending | None) -> bool:
    """Whether no other call is to begin; pass on what Ctrl-C asks of this thread."""
    if ending is not None and interrupted():
        ending.ask()
    return ending is not None and ending.asked


def _started(work: Callable[[], None], wanted: int) -> list[Thread]:
    """Return as many threads as wanted, or as can be started, within the present context."""
    threads = []
    for _ in range(wanted):
        thread = Thread(target=copy_context().run, args=(work,))
        try:
            thread.start()
        except RuntimeError:
            break
        threads.append(thread)
    return threads


def in_threads(function: Any, calls: Sequence[tuple[Any, ...]]) -> None:
    """Call a kernel at once with each tuple of arguments; all tuples have equal types."""
    if not calls:  # a rank of MPI may have no worker
        return
    entry = compile_kernel(function, tuple(numba.typeof(value) for value in calls[0])).entry
    at_once([partial(entry, *arguments) for arguments in calls], own_cores())
