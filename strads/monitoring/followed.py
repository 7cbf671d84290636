"""One run, and the events of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine import (
    Run,
    Span,
    Step,
    StradsError,
    proportional_set_size,
)
from strads.monitoring.described import described_data, described_phases, of_members
from strads.monitoring.events import Event, event
from strads.monitoring.folder.trace import Trace

#: Seconds between two events with details; sums of all processes are asked for.
DETAIL_S = 0.5
#: The memory of processes is asked for at most once in so many seconds, and in so many times the
#: seconds that it took: the system walks over all pages.
MEMORY_S, MEMORY_TIMES = 10.0, 500.0
#: The memory of a run that took less than so many seconds is not asked for: to walk over 100 MB in
#: each of four processes takes some 50 ms.
SHORT_S = 3.0
#: Statistics that details have.
SUMS = ("phases", "processes", "staleness", "bytes_moved", "parallelisation_error")


class Followed:
    """Tells of one run.

    Parameters
    ----------
    run : Run
    number : int
        Of the run in its fit.
    tell : callable
        Takes events.
    trace : Trace, optional
    visits : bool
        Whether to count which ids are visited.
    """

    def __init__(
        self, run: Run, number: int, tell: Callable[[Event], None], *, trace: Trace | None,
        visits: bool,
    ) -> None:  # fmt: skip
        self.number, self.tell, self.trace, self.visits = number, tell, trace, visits
        self.program = type(run.program).__name__
        self._executor: Any = None
        self._skipped = self._deaths = self._steps = 0
        self._begun = self._ended_step = run.begun
        self._detailed = run.begun
        self._remembered, self._memory_s = run.begun, 0.0
        self._pids: dict[str, int] = {}
        self._chosen: dict[str, int] = {}  # by phase: choices of a timed schedule already told

    def begin(self, run: Run) -> None:
        """Tell that the run begins."""
        self._attach(run)
        known = run.statistics()
        data = {"data": dict(described_data(run))} if self.number == 0 else {}
        told = event(
            "run", run=self.number, program=self.program, executor=known["executor"],
            reasons=known["reasons"], workers=known["workers"], seed=run.executor.seed,
            tol=run.tol, epochs=run.epochs, axes=dict(run.program.size),
            phases=dict(described_phases(run)), pids=self._pids, bytes=known["bytes"],
            prepare_seconds=known["prepare_seconds"],
            resumed_from=None if run.resumed_from is None else os.fspath(run.resumed_from),
            **data,
        )  # fmt: skip
        self.tell(told)
        if self.trace is not None:
            self.trace.begin_run(told, run.begun)

    def skip(self) -> None:
        """Note a step that is not told of."""
        self._skipped += 1

    def step(self, run: Run, step: Step, *, last: bool) -> None:
        """Tell of a step, of what has happened since the last one, and now and then of details."""
        if run.executor is not self._executor:  # the leader has taken over
            self._attach(run)
        phases = run.executor.accounts.phases.values()
        self.tell(
            event(
                "step", run=self.number, step=step.epoch, seconds=round(step.seconds, 6),
                figures=step.figures, updates=int(sum(row.get("updates", 0) for row in phases)),
                skipped=self._skipped,
            )
        )  # fmt: skip
        self._skipped, self._steps = 0, step.epoch
        self._tell_deaths(run)
        self._tell_choices(run)
        now = time.perf_counter()
        if self.trace is not None:
            spans: list[Span] = run.executor.spans or []
            begun = self._ended_step if not spans else min(self._ended_step, spans[0].begun)
            self.trace.take_step(
                self.number, step.epoch, begun, now, spans, step.figures, self._pids
            )
            spans.clear()
        if last or now - self._detailed >= DETAIL_S:
            self._detail(run, step.epoch, last=last)
            self._detailed = now
        self._ended_step = time.perf_counter()

    def saved(self, run: Run, path: Path, seconds: float) -> None:
        """Tell of a checkpoint."""
        try:
            size = path.stat().st_size
        except OSError:
            size = 0
        told = {"step": len(run.history), "path": os.fspath(path), "bytes": size}
        self.tell(event("checkpoint", run=self.number, **told, seconds=round(seconds, 4)))

    def end(self, run: Run | None, status: str) -> None:
        """Tell that the run has ended; it has given its workers back, or nobody has it any more."""
        statistics: dict[str, Any] = {}
        steps, now = self._steps, time.perf_counter()
        if run is not None:
            steps = len(run.history)
            if run.ended_with_result:
                statistics = run.statistics()
        error = sys.exception() if status == "failed" else None
        self.tell(
            event(
                "run_end", run=self.number, status=status, steps=steps,
                seconds=round(now - self._begun, 4), statistics=statistics,
                error=None if error is None else f"{type(error).__name__}: {error}",
            )
        )  # fmt: skip
        self._executor = None  # with it goes the memory of the run
        if self.trace is not None:
            self.trace.end_run(self.number, self.program, self._begun, status)

    def _attach(self, run: Run) -> None:
        """Have the executor note and count what sinks want."""
        self._executor = executor = run.executor
        if self.trace is not None:
            executor.spans = []
        if self.visits:
            executor.count_visits(one_by_one=run.program.members_of)
        self._pids = executor.pids()

    def _tell_deaths(self, run: Run) -> None:
        deaths = run.executor.deaths()
        for death in deaths[self._deaths :]:
            self.tell(event("death", run=self.number, **death))
        if len(deaths) != self._deaths:
            self._deaths, self._pids = len(deaths), run.executor.pids()

    def _tell_choices(self, run: Run) -> None:
        """Tell which settings of timed schedules were chosen since the last step."""
        for phase, told in run.executor.told.items():
            (choices,) = told.get("choose", ((),))
            for step, name in choices[self._chosen.get(phase, 0) :]:
                self.tell(event("setting", run=self.number, step=step, phase=phase, setting=name))
            self._chosen[phase] = max(len(choices), self._chosen.get(phase, 0))

    def _detail(self, run: Run, step: int, *, last: bool) -> None:
        try:
            known = run.statistics()
            visited = run.executor.visited() if self.visits else {}
        except StradsError:  # a process has just died in vain; the next step tells
            return
        schedules = {name: dict(row) for name, row in known["schedules"].items()}
        told: dict[str, Any] = {word: known[word] for word in SUMS if word in known}
        told["active"] = {name: row.pop("active", None) for name, row in schedules.items()}
        told["schedules"] = schedules
        if memory := self._memory(last=last):
            told["memory"] = memory
        self.tell(event("detail", run=self.number, step=step, **told))
        for name, found in visited.items():
            self._tell_visits(run, step, name, found)

    def _memory(self, *, last: bool) -> dict[str, int]:
        """Return the bytes of each process, or nothing if they were asked for a short time ago.

        At the `last` step of a run of some length they are asked for if they never were.
        """
        begun = time.perf_counter()
        since, unknown = begun - self._remembered, not self._memory_s
        wanted = SHORT_S if last and unknown else max(MEMORY_S, MEMORY_TIMES * self._memory_s)
        if since < wanted:
            return {}
        found = {name: proportional_set_size(pid) for name, pid in self._pids.items()}
        self._remembered = time.perf_counter()
        self._memory_s = self._remembered - begun
        return {name: size for name, size in found.items() if size is not None}

    def _tell_visits(self, run: Run, step: int, phase: str, found: list[Any]) -> None:
        axis = run.executor.schedules[phase].axis
        sums: dict[tuple[str, int], list[Any]] = {}
        for one in found:
            name, size, counts = axis, one.size, one.counts
            if axis in run.program.members_of:
                name, size, counts = of_members(run, axis, counts)
            row = sums.setdefault((name, size), [np.zeros_like(counts), 0, 0])
            row[0], row[1], row[2] = row[0] + counts, row[1] + one.counted, row[2] + one.dispatched
        for (name, size), (counts, counted, visits) in sums.items():
            self.tell(
                event(
                    "visits", run=self.number, step=step, phase=phase, axis=name, size=size,
                    counts=counts.tolist(), counted=counted, visits=visits,
                )
            )  # fmt: skip
