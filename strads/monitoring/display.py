"""The live display of a fit, in a terminal or a notebook; ``docs/live.md`` explains its lines."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from strads.engine import Compiling, interrupts, on_compile
from strads.monitoring.events import event
from strads.monitoring.live.picture import Picture
from strads.monitoring.live.progress import Progress
from strads.monitoring.live.surfaces import Surface, can_draw, surface_for
from strads.monitoring.observer import Follower

if TYPE_CHECKING:
    from rich.console import Console

#: Shortest time between two pictures, in seconds.
SHORTEST_S = 0.125
#: Drawing takes at most this share of the time; all that follows a run, a hundredth.
SHARE = 0.005
#: Longest time between two pictures while there are events.
LONGEST_S = 2.0
#: A fit that takes less is drawn once, when it has ended.
FIRST_S = 0.1
#: So many seconds without an event, and the picture is drawn anew, with the time that runs.
STILL_S = 1.0


class LiveDisplay(Follower):
    """Shows a fit while it goes on: how far it is, how fast, and what its processes do.

    It is drawn by whoever hands over an event. During a long step nobody does; then a thread draws
    what was known last, about once a second, so that the time runs (in a terminal only). Drawing
    takes at most 0.5 % of the time. Where there is neither a terminal nor a notebook it prints
    nothing; neither does a second display beside another.

    It takes events of any source; as an instrument of a run it follows that run.

    While it is on, it also shows that kernels are compiled, in place of the line of
    :func:`strads.engine.on_compile`; and what the program prints appears above it, warnings
    included, so that the picture does not repeat these.

    Parameters
    ----------
    console : rich.console.Console, optional
        By default the notebook, or stderr if that is a terminal.
    clock : callable
        Returns seconds, to tell how often to draw.

    Attributes
    ----------
    state : Progress
        What is known of the fit.
    shows : bool
        Whether there is anything to draw on; known after :meth:`start`.

    Examples
    --------
    >>> from strads.monitoring import LiveDisplay, event
    >>> with LiveDisplay() as display:
    ...     display(event("fit", estimator="Lasso", target=1e-6))
    >>> strads.run(program, instruments=[LiveDisplay()])  # doctest: +SKIP
    """

    def __init__(
        self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = Progress()
        self._console, self._clock = console, clock
        self._surface: Surface | None = None
        self._replaced: Callable[[Compiling], Any] | None = None
        self._not_before = self._drawn = -float("inf")
        # Compilation is told by another thread, and one draws while there is no news.
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._redraws: threading.Thread | None = None
        _displays.add(self)

    @property
    def shows(self) -> bool:
        """Whether there is anything to draw on."""
        return self._surface is not None

    @staticmethod
    def can_show() -> bool:
        """Whether this process has a terminal or a notebook to draw on."""
        return can_draw()

    def start(self) -> None:
        """Begin to draw, with an empty state; nothing happens if it has begun."""
        with self._lock:
            if self._surface is None:
                self.state = Progress()
                self._not_before = self._clock() + FIRST_S
                taken = any(other.shows for other in _displays)  # two would draw over each other
                self._drawn = self._clock()
                self._surface = None if taken else surface_for(self._console)
                if self._surface is not None:
                    self._replaced = on_compile(self._compiling)
                    if self._surface.takes_threads:
                        self._stopping = threading.Event()
                        self._redraws = threading.Thread(
                            target=self._redraw, args=(self._stopping,), daemon=True
                        )
                        self._redraws.start()

    def stop(self) -> None:
        """Draw the last picture, which stays, and give the terminal back."""
        self._stopping.set()
        with self._lock:
            redraws, self._redraws = self._redraws, None
            surface, self._surface = self._surface, None
            if surface is not None:
                present = on_compile(self._replaced)
                if present != self._compiling:  # somebody else has replaced ours meanwhile
                    on_compile(present)
                with contextlib.suppress(OSError), interrupts.held():
                    surface.close(Picture(self.state, time.time()))
        if redraws is not None:
            redraws.join()  # it may be waiting for the lock

    def __call__(self, given: Mapping[str, Any]) -> None:
        """Take an event, and draw if it is time to."""
        with self._lock:
            if not (given.get("printed") and self._surface is not None):
                self.state.add(given)
            if self._surface is not None and self._clock() >= self._not_before:
                self._draw()

    def __enter__(self) -> LiveDisplay:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def __deepcopy__(self, memo: dict[int, Any]) -> LiveDisplay:
        """Return a display for another fit, on the same console."""
        return type(self)(self._console)

    def __reduce__(self) -> Any:
        """Return a display for another process, which has another console."""
        return type(self), ()

    def _compiling(self, news: Compiling) -> None:
        self(event("compile", **asdict(news)))

    def _draw(self) -> None:
        assert self._surface is not None
        begin = self._clock()
        try:
            with interrupts.held():  # half a picture could not be drawn over
                self._surface.show(Picture(self.state, time.time()))
        except OSError:  # the terminal has gone; the fit needs none
            surface, self._surface = self._surface, None
            with contextlib.suppress(OSError):
                surface.close(None)
        took = self._clock() - begin
        self._drawn = begin
        self._not_before = begin + min(max(SHORTEST_S, took / SHARE), LONGEST_S)

    def _redraw(self, stopping: threading.Event) -> None:
        """Draw while there is no news."""
        while not stopping.wait(STILL_S / 2):
            with self._lock:
                if stopping.is_set() or self._surface is None:
                    return
                if self._clock() >= max(self._not_before, self._drawn + STILL_S):
                    self._draw()

    def _leave(self) -> None:
        """In a forked child: the terminal, the lock and the thread are the parent's."""
        self._lock = threading.RLock()
        self._surface = self._redraws = None


#: All displays, for forked children.
_displays: weakref.WeakSet[LiveDisplay] = weakref.WeakSet()
#: Those whose lock is held while this process is being forked.
_held: list[LiveDisplay] = []


def _before_fork() -> None:
    """Let no thread draw: the child would find the locks of the terminal taken for ever."""
    for display in list(_displays):
        if display.shows:
            display._lock.acquire()
            _held.append(display)


def _after_fork_here() -> None:
    while _held:
        _held.pop()._lock.release()


def _after_fork() -> None:
    _held.clear()
    shown = [display for display in list(_displays) if display.shows]
    for display in shown:
        display._leave()
    if shown:
        on_compile(shown[0]._replaced)
        # What rich has put in place of these would draw the parent's picture, too.
        sys.stdout = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
        sys.stderr = getattr(sys.stderr, "rich_proxied_file", sys.stderr)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_here, after_in_child=_after_fork
    )
