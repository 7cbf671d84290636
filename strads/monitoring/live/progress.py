"""What is known of a fit while it goes on, folded from its events; no clock, and no output."""

from __future__ import annotations

import signal as signals
from collections.abc import Callable, Mapping
from typing import Any

from strads.monitoring.live.course import Estimate, time_left
from strads.monitoring.live.run_state import RunState
from strads.monitoring.live.values import as_count, as_limit, as_number, as_table, as_text

#: Runs, warnings and deaths that are kept; all are counted.
KEPT = 8


class Progress:
    """The state of a fit; of the last one, if events are those of several.

    Events may come in any order. Kinds and keys that are not known are left out; so are values that
    are not what they should be.

    Attributes
    ----------
    estimator : str
        The class of the estimator, or of a program that runs by itself.
    settings : dict
    target, max_seconds : float or None
    begun, latest : float or None
        Times of the first and the last event, in seconds since 1970.
    compiling : dict
        The last event ``compile``; empty if nothing was compiled.
    run : RunState or None
        The run that has told something last.
    runs : int
        How many runs have begun.
    deaths, warnings : list of str
        The last few, in words.
    death_count, warning_count, checkpoints : int
    checkpoint : str
        The last file.
    ended : bool
    verdict, error : str
        Of a fit that has ended.
    """

    def __init__(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.estimator = self.verdict = self.error = self.checkpoint = ""
        self.settings: dict[str, Any] = {}
        self.target: float | None = None
        self.max_seconds: float | None = None
        self.begun: float | None = None
        self.latest: float | None = None
        self.compiling: dict[str, Any] = {}
        self.run: RunState | None = None
        self.runs = self.death_count = self.warning_count = self.checkpoints = 0
        self.deaths: list[str] = []
        self.warnings: list[str] = []
        self.ended = False
        self._runs: dict[int, RunState] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Take an event."""
        if event.get("event") == "fit":
            self._begin_anew()
        time = as_limit(event.get("time"))
        if time is not None:
            self.begun = time if self.begun is None else min(self.begun, time)
            self.latest = time if self.latest is None else max(self.latest, time)
        take = _TAKE.get(as_text(event.get("event")))
        if take is not None:
            take(self, event)

    @property
    def bound(self) -> float | None:
        """The bound that the certificate of the present run is to reach."""
        return self.target if self.run is None or self.run.tol is None else self.run.tol

    def left(self, now: float) -> Estimate:
        """Estimate how long the present run will still take.

        Parameters
        ----------
        now : float
            In seconds since 1970.
        """
        if self.run is None:
            return Estimate(None, "nothing runs yet")
        spent = now - (now if self.begun is None else self.begun)
        budget = None if self.max_seconds is None else self.max_seconds - spent
        return time_left(self.run.course, target=self.bound, epochs=self.run.epochs, budget=budget)

    def pids(self) -> dict[str, int]:
        """Return the processes of the present run and their numbers."""
        return {} if self.run is None else dict(self.run.pids)

    def _fit(self, event: Mapping[str, Any]) -> None:
        self.estimator = as_text(event.get("estimator") or event.get("program"))
        self.settings = as_table(event.get("settings"))
        self.target = as_limit(event.get("target"))
        self.max_seconds = as_limit(event.get("max_seconds"))

    def _compile(self, event: Mapping[str, Any]) -> None:
        self.compiling = {
            "kernel": as_text(event.get("kernel")),
            "finished": bool(event.get("finished")),
            **{name: as_number(event.get(name)) for name in ("seconds", "seconds_left")},
            **{name: as_count(event.get(name)) for name in ("done", "total")},
        }

    def _begin(self, event: Mapping[str, Any]) -> None:
        number = as_count(event.get("run"))
        self._runs.pop(number, None)
        self.runs += 1
        self._run_of(event).begin(event)

    def _step(self, event: Mapping[str, Any]) -> None:
        self._run_of(event).add_step(event)

    def _detail(self, event: Mapping[str, Any]) -> None:
        self._run_of(event).add_detail(event)

    def _end(self, event: Mapping[str, Any]) -> None:
        self._run_of(event).end(event)

    def _run_of(self, event: Mapping[str, Any]) -> RunState:
        """Return the run of an event, which is the present one from now on."""
        number = as_count(event.get("run"))
        self.run = self._runs.setdefault(number, RunState(number))
        while len(self._runs) > KEPT:
            self._runs.pop(next(n for n in self._runs if n != number))
        return self.run

    def _death(self, event: Mapping[str, Any]) -> None:
        process, pid = as_text(event.get("process")), as_count(event.get("pid"))
        self.death_count += 1
        self.deaths = [*self.deaths, _told(event)][-KEPT:]
        if self.run is not None and self.run.pids.get(process) == pid:
            self.run.pids.pop(process)  # the number of its successor is not told

    def _checkpoint(self, event: Mapping[str, Any]) -> None:
        self.checkpoints += 1
        self.checkpoint = as_text(event.get("path"))

    def _warning(self, event: Mapping[str, Any]) -> None:
        self.warning_count += 1
        self.warnings = [*self.warnings, as_text(event.get("message"))][-KEPT:]

    def _fit_end(self, event: Mapping[str, Any]) -> None:
        self.ended = True
        self.verdict, self.error = as_text(event.get("verdict")), as_text(event.get("error"))


def _told(death: Mapping[str, Any]) -> str:
    """Return the words for the death of a process."""
    process, pid = as_text(death.get("process")), as_count(death.get("pid"))
    signal, code = _signal(death.get("signal")), as_text(death.get("exit_code"))
    how = f"by {signal}" if signal else f"with exit code {code}" if code else "for unknown reasons"
    where = f" in phase {as_text(death['phase'])}" if death.get("phase") else ""
    seconds = as_limit(death.get("seconds"))
    after = "" if seconds is None else f" after {seconds:.2f} s"
    return f"{process or 'a process'} (pid {pid}) ended {how}{where}; replaced{after}"


def _signal(value: Any) -> str:
    try:
        return signals.Signals(value).name
    except ValueError:
        return as_text(value)


_TAKE: dict[str, Callable[[Progress, Mapping[str, Any]], None]] = {
    "fit": Progress._fit,
    "compile": Progress._compile,
    "run": Progress._begin,
    "step": Progress._step,
    "detail": Progress._detail,
    "death": Progress._death,
    "checkpoint": Progress._checkpoint,
    "warning": Progress._warning,
    "run_end": Progress._end,
    "fit_end": Progress._fit_end,
}
