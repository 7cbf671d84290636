"""The instrument that turns runs into events, and gives them to sinks."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from strads.engine import Instrument, Run, Step
from strads.monitoring.events import Event, event
from strads.monitoring.folder.trace import Trace
from strads.monitoring.followed import Followed
from strads.monitoring.news import listening

#: A sink takes events; it is called by one thread at a time, but not always by the same one.
Sink = Callable[[Event], Any]
#: Share of the time of a fit that may be spent on events, beyond those of the first steps and runs.
SHARE = 0.01
FIRST_STEPS, FIRST_RUNS = 100, 100
#: So many runs of a fit are followed at most.
MOST_RUNS = 1_000


class Observer(Instrument):
    """Follows the runs of a fit.

    It changes nothing of a run. To save time, steps are left out once events have taken more than
    1 % of the time of the fit; which ones depends on the clock.

    Parameters
    ----------
    sinks : sequence of callable
        Each is called with every event; see ``docs/run-folder.md``.
    trace : Trace, optional
        Takes the spans of launches.
    visits : bool
        Whether to count which ids are visited.
    """

    def __init__(
        self, sinks: Sequence[Sink], *, trace: Trace | None = None, visits: bool = False
    ) -> None:
        self.sinks, self.trace, self.visits = list(sinks), trace, visits
        self.spent = 0.0  # seconds that events have taken
        self.steps = self.runs = 0  # numbers of steps and runs that sinks were told of
        self.last_status, self.seconds = "", 0.0
        self._lock = threading.RLock()  # the garbage collector may end a run within any function
        self._followed: weakref.WeakKeyDictionary[Run, Followed] = weakref.WeakKeyDictionary()
        self._news = contextlib.ExitStack()
        self._since = time.perf_counter()
        self._begun_runs = 0

    def begin(self, *, shown: bool = False, **about: Any) -> None:
        """Tell that a fit begins, and listen to news until :meth:`end`.

        Parameters
        ----------
        shown : bool
            Whether a sink shows that kernels are compiled.
        **about
            Entries of the event.
        """
        self._since = time.perf_counter()
        self.tell(event("fit", **about))
        self._news.enter_context(listening(self.tell, shown=shown))

    def end(self, verdict: str | None, error: BaseException | None = None) -> None:
        """Tell that the fit has ended."""
        self._news.close()
        told = None if error is None else f"{type(error).__name__}: {error}"
        self.seconds = seconds = round(time.perf_counter() - self._since, 4)
        verdict = verdict or self.last_status
        self.tell(
            event(
                "fit_end", verdict=verdict, seconds=seconds, error=told, runs=self._begun_runs,
                told_seconds=round(self.spent, 6),
            )
        )  # fmt: skip

    def tell(self, given: Event) -> None:
        """Give an event to all sinks, and count the time that it takes."""
        begun = time.perf_counter()
        with self._lock:
            for sink in self.sinks:
                sink(given)
            if self.trace is not None:
                self.trace.mark(given)
            self.spent += time.perf_counter() - begun

    @property
    def over(self) -> bool:
        """Whether events have taken more than their share of the time."""
        return self.spent > SHARE * (time.perf_counter() - self._since)

    def before_run(self, run: Run) -> None:
        """Tell of a run, and follow it."""
        with self._lock:  # runs of a fit may begin in several threads
            number, self._begun_runs = self._begun_runs, self._begun_runs + 1
        if self.runs >= MOST_RUNS or (self.runs >= FIRST_RUNS and self.over):
            run.when_ended(_ended(self, run, None))
            return
        self.runs += 1
        begun = time.perf_counter()
        followed = Followed(run, number, self.tell, trace=self.trace, visits=self.visits)
        self._followed[run] = followed
        run.when_ended(_ended(self, run, followed))
        followed.begin(run)
        self.spent += time.perf_counter() - begun

    def after_step(self, run: Run, step: Step) -> None:
        """Tell of a step, unless that has taken too long already."""
        followed = self._followed.get(run)
        if followed is None:
            return
        last = run.status != "running" or step.epoch >= run.epochs
        if self.steps >= FIRST_STEPS and not last and self.over:
            followed.skip()
            return
        self.steps += 1
        begun, spent = time.perf_counter(), self.spent
        followed.step(run, step, last=last)
        self.spent = spent + time.perf_counter() - begun  # what `tell` has counted is part of it

    def after_save(self, run: Run, path: Path, seconds: float) -> None:
        """Tell of a checkpoint."""
        followed = self._followed.get(run)
        if followed is not None:
            followed.saved(run, path, seconds)


def _ended(observer: Observer, run: Run, followed: Followed | None) -> Callable[[], None]:
    """Return what is called when the run has ended; it must not hold the run."""
    weak = weakref.ref(run)

    def ended() -> None:
        present = weak()
        observer.last_status = "abandoned" if present is None else present.status
        if followed is not None:
            followed.end(present, observer.last_status)

    return ended


class Follower(Instrument):
    """Base of sinks that are instruments: each sees the events of the runs that it is given to.

    A subclass defines ``__call__(event)``, and may define :meth:`start` and :meth:`stop`.
    """

    def __call__(self, given: Event) -> None:
        """Take an event."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin to show or to write events."""

    def stop(self) -> None:
        """End what :meth:`start` began."""

    def observer(self) -> Observer:
        """Return what follows a run for this sink."""
        return Observer([self])

    def before_run(self, run: Run) -> None:
        """Begin to follow a run, unless another rank of MPI does."""
        self._observer = self.observer() if run.executor.writes else Observer([])
        if not run.executor.writes:
            return
        self.start()
        self._observer.begin(
            shown=True, program=type(run.program).__name__, settings={}, target=run.tol,
            max_seconds=None,
        )  # fmt: skip
        observer = self._observer
        run.when_ended(lambda: self.finish(observer))  # what is given last is called first
        observer.before_run(run)

    def after_step(self, run: Run, step: Step) -> None:
        """Tell of a step."""
        self._observer.after_step(run, step)

    def after_save(self, run: Run, path: Path, seconds: float) -> None:
        """Tell of a checkpoint."""
        self._observer.after_save(run, path, seconds)

    def finish(self, observer: Observer) -> None:
        """Tell that the run has ended."""
        observer.end(None)
        self.stop()
