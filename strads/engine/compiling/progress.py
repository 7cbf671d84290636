"""Tell the user that kernels are being compiled, how many are left, and that it happens once.

By default a line is written to stderr once compiling has taken half a second, and again whenever a
kernel is finished. In a terminal the line is overwritten; elsewhere, as in a notebook or a log,
only a first and a last line are written. :func:`on_compile` replaces that by a callback. The
logger called strads.compile gets the same news at level INFO.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

#: Seconds of compiling after which the user is told.
PATIENCE_S = 0.5
#: Seconds that a kernel is expected to take, before any has been compiled.
_EXPECTED_S = 0.8

log = logging.getLogger("strads.compile")


@dataclass(frozen=True)
class Compiling:
    """How far the compilation of a program's kernels has got.

    Attributes
    ----------
    kernel : str
        Name of the kernel that is being compiled.
    done, total : int
        Number of kernels compiled so far, and of all that no cache had. Some may never be needed.
    seconds : float
        Seconds that have been spent on compiling since the program was prepared.
    seconds_left : float
        Estimate for the kernels that are left, if all of them are needed.
    finished : bool
        Whether no more kernels will be compiled for this run.
    """

    kernel: str
    done: int
    total: int
    seconds: float
    seconds_left: float
    finished: bool

    def __str__(self) -> str:
        """Return the line that is shown by default."""
        if self.finished:
            return (
                f"strads: compiled {self.done} kernel{'s' * (self.done != 1)} in "
                f"{self.seconds:.0f} s; later runs find them"
            )
        return (
            f"strads: compiling kernels for this type of data, {self.done} of {self.total} done, "
            f"about {max(self.seconds_left, 1.0):.0f} s left; this happens once"
        )


class Counts(Protocol):
    """What the report asks a compilation."""

    @property
    def left(self) -> int:
        """Number of kernels that are not there yet."""

    @property
    def total(self) -> int:
        """Number of kernels that no cache had."""

    @property
    def compilers(self) -> int:
        """Number of processes that compile."""


class _Line:
    """Writes the default line to stderr."""

    def __init__(self) -> None:
        self.begun = False

    def __call__(self, news: Compiling) -> None:
        stream = sys.stderr
        if stream is None:  # a program without a console
            return
        terminal = stream.isatty()
        if terminal:
            stream.write(f"\r\x1b[K{news}" + ("\n" if news.finished else ""))
        elif news.finished or not self.begun:
            stream.write(f"{news}\n")
        self.begun = not news.finished
        stream.flush()


_callback: Callable[[Compiling], Any] | None = _Line()


def on_compile(callback: Callable[[Compiling], Any] | None) -> Callable[[Compiling], Any] | None:
    """Have `callback` called with a :class:`Compiling` where a line would be written to stderr.

    Parameters
    ----------
    callback : callable or None
        None: nothing is shown. It may be called from another thread than the one that fits.

    Returns
    -------
    callable or None
        What was in use before, to be put back.
    """
    global _callback
    before, _callback = _callback, callback
    return before


class Progress:
    """Measures one compilation, and reports it once it has taken `PATIENCE_S`."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._since: float | None = None
        self._told = False
        self._lock = threading.Lock()
        self._name = ""

    @contextlib.contextmanager
    def shown(self, counts: Counts) -> Iterator[None]:
        """Measure the body, and report it if it takes long."""
        self._since = time.perf_counter()
        timer = threading.Timer(max(0.0, PATIENCE_S - self._spent), self._tell, (counts, False))
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # at a limit on threads nothing is shown
            timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._spent, self._since = self._seconds(), None

    def finish(self, counts: Counts) -> None:
        """Say that no more kernels will be compiled, if anything was said before."""
        if self._told:
            self._tell(counts, True)

    def step(self, counts: Counts, name: str) -> None:
        """Note which kernel is being compiled."""
        if name != self._name:
            self._name = name
            if self._told:
                self._tell(counts, False)

    def _seconds(self) -> float:
        running = 0.0 if self._since is None else time.perf_counter() - self._since
        return self._spent + running

    def _tell(self, counts: Counts, finished: bool) -> None:
        with self._lock:
            seconds, left, total = self._seconds(), counts.left, counts.total
            done = total - left
            each = seconds / done if done else _EXPECTED_S / counts.compilers
            news = Compiling(self._name, done, total, seconds, each * left, finished)
            self._told = not finished
            log.info("%s", news)
            if _callback is not None:
                _callback(news)
