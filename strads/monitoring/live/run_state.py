"""What is known of one run of a program, as its events tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from strads.monitoring.live.course import Course, Sample
from strads.monitoring.live.values import (
    as_count,
    as_limit,
    as_number,
    as_numbers,
    as_table,
    as_text,
)

#: The figure that is compared with the target.
CERTIFICATE = "certificate"
#: How a process spends its time → the sums of a detail that tell.
SPENT = {
    "busy": ("busy_seconds",),
    "waiting": ("waiting_seconds",),
    "scheduling": ("starved_seconds", "scheduling_seconds"),
}


class RunState:
    """What is known of a run.

    Attributes
    ----------
    number : int
    program, executor, resumed_from, status : str
        Empty as long as nobody has told.
    workers, step, updates : int
    tol, epochs : float or None
        The bounds on the certificate and on the steps.
    seconds : float
        Time since the run was prepared, of the last step.
    figures : dict of str to float
        The last value of each figure.
    axes : dict of str to int
    phases : dict of str to dict
        As the event ``run`` has them.
    active : dict of str to int
        By phase, how many ids may be visited.
    prepared : dict of str to float
        Seconds of the parts of the preparation.
    pids : dict of str to int
    shares : dict of str to dict
        By process, the shares of the time since the detail before, or of the whole run once it has
        ended, that it was ``busy``,
        ``waiting`` for other processes, and waiting for the schedule or ``scheduling`` itself. The
        rest is time between launches.
    memory, bytes : dict
        Bytes that each process holds; bytes of the run's arrays by kind.
    course : Course
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.program = self.executor = self.resumed_from = self.status = ""
        self.workers = self.step = self.updates = 0
        self.tol: float | None = None
        self.epochs: float | None = None
        self.seconds = 0.0
        self.figures: dict[str, float] = {}
        self.axes: dict[str, int] = {}
        self.phases: dict[str, dict[str, Any]] = {}
        self.active: dict[str, int] = {}
        self.prepared: dict[str, float] = {}
        self.pids: dict[str, int] = {}
        self.shares: dict[str, dict[str, float]] = {}
        self.memory: dict[str, float] = {}
        self.bytes: dict[str, float] = {}
        self.course = Course()
        self._sums: dict[str, dict[str, float]] = {}
        self._detailed = 0.0

    @property
    def certificate(self) -> float | None:
        """The last certificate."""
        return self.figures.get(CERTIFICATE)

    @property
    def first_certificate(self) -> float | None:
        """The largest finite certificate of the first steps, from which progress is counted."""
        known = [s.certificate for s in self.course.judged.samples()[:2]]
        return max((one for one in known if one < math.inf), default=None)

    def begin(self, event: Mapping[str, Any]) -> None:
        """Take the event ``run``."""
        self.program, self.executor = as_text(event.get("program")), as_text(event.get("executor"))
        self.resumed_from = as_text(event.get("resumed_from"))
        self.workers = as_count(event.get("workers"))
        self.tol, self.epochs = as_limit(event.get("tol")), as_limit(event.get("epochs"))
        self.axes = {name: as_count(n) for name, n in as_table(event.get("axes")).items()}
        phases = as_table(event.get("phases"))
        self.phases = {name: as_table(one) for name, one in phases.items()}
        self.pids = {name: as_count(one) for name, one in as_table(event.get("pids")).items()}
        self.prepared = as_numbers(event.get("prepare_seconds"))
        kinds = as_table(event.get("bytes"))
        self.bytes = {kind: _total(as_numbers(one).values()) for kind, one in kinds.items()}

    def add_step(self, event: Mapping[str, Any]) -> None:
        """Take the event ``step``."""
        step, seconds = as_count(event.get("step")), as_number(event.get("seconds"))
        if step < self.step or not math.isfinite(seconds):
            return
        self.step, self.seconds = step, max(seconds, self.seconds)
        self.updates = max(as_count(event.get("updates")), self.updates)
        figures = as_numbers(event.get("figures"))
        self.figures |= figures
        certificate = figures.get(CERTIFICATE, math.nan)
        self.course.add(Sample(step, self.seconds, self.updates, certificate))

    def add_detail(self, event: Mapping[str, Any]) -> None:
        """Take the event ``detail``: shares are those of the time since the one before."""
        for name, row in as_table(event.get("processes")).items():
            before, self._sums[name] = self._sums.get(name, {}), as_numbers(row)
            self._share(name, self._sums[name], before, self.seconds - self._detailed)
        self._detailed = self.seconds
        self.memory |= as_numbers(event.get("memory"))
        self.active |= {
            k: int(n) for k, n in as_numbers(event.get("active")).items() if 0 <= n < math.inf
        }

    def end(self, event: Mapping[str, Any]) -> None:
        """Take the event ``run_end``: shares are those of the whole run from now on."""
        self.status = as_text(event.get("status")) or "ended"
        for name, sums in self._sums.items():
            self._share(name, sums, {}, self.seconds)

    def _share(
        self, name: str, sums: dict[str, float], before: dict[str, float], seconds: float
    ) -> None:
        spent = {
            way: max(_total(sums.get(k, 0.0) - before.get(k, 0.0) for k in parts), 0.0)
            for way, parts in SPENT.items()
        }
        whole = max(seconds, _total(spent.values()))
        if 0.0 < whole < math.inf:
            self.shares[name] = {way: one / whole for way, one in spent.items()}


def _total(values: Any) -> float:
    """Sum of the finite values."""
    return sum(one for one in values if math.isfinite(one))
