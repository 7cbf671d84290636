"""A run as its folder tells of it; ``docs/run-folder.md`` says what is in the files."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from strads.reporting.checked import Numbers, as_number
from strads.reporting.steps import Steps, of_rows


@dataclass
class ProgramRun:
    """One run of a program within a fit."""

    number: int
    begun: float
    program: str = ""
    executor: str = ""
    workers: int = 0
    axes: dict[str, int] = field(default_factory=dict)
    phases: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory: dict[str, Numbers] = field(default_factory=dict)
    prepare: Numbers = field(default_factory=dict)
    reasons: dict[str, Any] = field(default_factory=dict)
    tol: float = math.nan
    resumed_from: str = ""
    status: str = ""
    seconds: float = math.nan


@dataclass(frozen=True)
class Detail:
    """Sums of a run as of a moment, as in its statistics."""

    run: int
    time: float
    phases: dict[str, Numbers]
    processes: dict[str, Numbers]
    schedules: dict[str, Numbers]
    staleness: dict[str, Numbers]
    bytes_moved: float
    parallelisation_error: float
    active: Numbers
    memory: Numbers


@dataclass(frozen=True)
class Visits:
    """How often ids of an axis were visited since the last such event of the phase."""

    run: int
    time: float
    phase: str
    axis: str
    size: int
    counts: np.ndarray


@dataclass
class RunRecord:
    """All that is known of a fit.

    Attributes
    ----------
    folder : Path
    record : dict
        ``run.json``, empty if there is none.
    fit : dict
        The entries of the event ``fit``.
    begun, lasted : float
        Seconds since 1970 of the first event, and from there to the last; the time between a fit
        and the next one does not count.
    seconds : float
        Seconds of all fits, NaN if the last one has not ended.
    continued : dict of int to int
        Run → the earlier run from whose checkpoint it went on.
    compiled : list of (float, float)
        From when to when kernels were compiled, in seconds since the fit began.
    verdict : str or None
        None if the folder does not say how the fit ended.
    target : float
        Bound that the certificate is to reach, or NaN.
    """

    folder: Path
    record: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)
    begun: float = 0.0
    lasted: float = 0.0
    seconds: float = math.nan
    verdict: str | None = None
    error: str = ""
    target: float = math.nan
    runs: list[ProgramRun] = field(default_factory=list)
    steps: Steps = field(default_factory=lambda: of_rows([]))
    details: list[Detail] = field(default_factory=list)
    visits: list[Visits] = field(default_factory=list)
    deaths: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    continued: dict[int, int] = field(default_factory=dict)
    compiled: list[tuple[float, float]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the estimator or program."""
        asked = self.fit.get("estimator") or self.fit.get("program") or self.record.get("model")
        return str(asked or (self.runs[0].program if self.runs else "") or "run")

    @property
    def wall(self) -> float:
        """Seconds of the whole fit, or of what is known of it."""
        return self.seconds if math.isfinite(self.seconds) else self.lasted

    @property
    def workers(self) -> int:
        """Most workers of a run."""
        return max((run.workers for run in self.runs), default=1) or 1

    @property
    def certificate(self) -> float:
        """The certificate of the result: of what was returned if that is known, else of its steps.

        A fit that ends may improve its result once more, or judge it more exactly.
        """
        told = self.record.get("dual_gap")
        found = [as_number(one) for one in (told if isinstance(told, list) else [told])]
        known = [one for one in found if one is not None]
        return max(known) if known else self.steps.last("certificate")

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the fit, with those of its command if that is known."""
        known = self.record.get("settings")
        return {**_object(self.fit.get("settings")), **_object(known)}

    def compiling(self, begun: float, ended: float) -> float:
        """Return the seconds between two moments in which kernels were compiled."""
        return sum(max(min(b, ended) - max(a, begun), 0.0) for a, b in self.compiled)

    def started(self, number: int) -> float:
        """Return when a run began to compute: it may have waited for the compiler at first."""
        begun = next((run.begun for run in self.runs if run.number == number), 0.0)
        first = next((d.time for d in self.details if d.run == number), begun)
        return max([begun, *(end for _, end in self.compiled if end < first)])

    def last_details(self) -> list[Detail]:
        """Return the last sums of every run."""
        last = {detail.run: detail for detail in self.details}
        return [one for run, one in last.items() if run not in self._included(last)]

    def _included(self, known: Container[int]) -> set[int]:
        """Return the runs whose sums are part of those of a later one."""
        return {earlier for later, earlier in self.continued.items() if later in known}


def _object(value: Any) -> dict[str, Any]:
    return {str(name): one for name, one in value.items()} if isinstance(value, dict) else {}
