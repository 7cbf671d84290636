"""A run as its folder tells of it; ``docs/run-folder.md`` says what is in the files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine import DataError
from strads.monitoring.events import EVENTS, follow_events
from strads.reporting.checked import Fields, Numbers
from strads.reporting.steps import Steps, of_rows

#: Files and events beyond these are not of a run: it writes fewer.
LARGEST_FILE = 1 << 29
LARGEST_RECORD = 1 << 28
MOST_EVENTS = 500_000
#: So many details are enough for every chart.
MOST_DETAILS = 2_000


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
        Seconds since 1970 of the first event, and from there to the last.
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
    def settings(self) -> dict[str, Any]:
        """Settings of the fit, with those of its command if that is known."""
        known = self.record.get("settings")
        return {**_object(self.fit.get("settings")), **_object(known)}

    def last_details(self) -> list[Detail]:
        """Return the last sums of every run."""
        return list({detail.run: detail for detail in self.details}.values())


def read_run(folder: Path) -> RunRecord:
    """Read the folder of a run, whether it has ended, goes on or was killed.

    Raises
    ------
    DataError
        If it is not the folder of a run, or a file of it is damaged.
    """
    path = folder / EVENTS
    if not path.is_file():
        raise DataError(
            f"{folder} holds no {EVENTS}: give a folder that strads fit … --out, or a fit with "
            "run_dir=, has written"
        )
    if path.stat().st_size > LARGEST_FILE:
        raise DataError(f"{path} has more than {LARGEST_FILE >> 20} MiB: no run writes so much")
    record = RunRecord(folder, read_record(folder))
    rows: list[Any] = []
    sums = _Sums()
    for fields in _events(path):
        time = fields.number("time")
        if not math.isfinite(time):
            raise DataError(f"{fields.place}: 'time' is not finite")
        if not (record.begun or rows or record.runs):
            record.begun = time
        since = max(time - record.begun, 0.0)
        record.lasted = max(record.lasted, since)
        if fields.entries["event"] == "detail":
            sums.take(fields, since)
        else:
            _take(record, rows, fields, since)
    if not (record.fit or record.runs):
        raise DataError(f"{path} tells of no fit and of no run: it is empty, or damaged")
    record.steps = of_rows(rows)
    # Those of the end of a run come last.
    record.details = sorted([*sums.all(), *record.details], key=lambda detail: detail.time)
    return record


def read_record(folder: Path) -> dict[str, Any]:
    """Return ``run.json`` of a folder, empty if there is none.

    Raises
    ------
    DataError
        If it is not an object.
    """
    path = folder / "run.json"
    if not path.is_file():
        return {}
    if path.stat().st_size > LARGEST_RECORD:
        raise DataError(f"{path} has more than {LARGEST_RECORD >> 20} MiB: no run writes so much")
    try:
        known = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON, or is damaged: {error}") from error
    if not isinstance(known, dict):
        raise DataError(f"{path} holds no object: it is not the record of a run")
    return known


def _events(path: Path) -> Iterator[Fields]:
    for number, (event, _) in enumerate(follow_events(path, 0), start=1):
        if number > MOST_EVENTS:
            raise DataError(f"{path} has more than {MOST_EVENTS} events: no run writes so many")
        yield Fields(event, f"{path}, line {number} ({event['event']:.20})")


def _take(record: RunRecord, rows: list[Any], fields: Fields, since: float) -> None:
    """Add an event to the record; kinds that are not known are left out."""
    kind = fields.entries["event"]
    if kind == "fit":
        record.fit = dict(fields.entries)
        record.target = fields.number("target")
    elif kind == "run":
        record.runs.append(_run(fields, since))
    elif kind == "step":
        rows.append((
            fields.count("run"), fields.count("step"), since, fields.number("seconds", since),
            fields.number("updates", 0.0), fields.numbers("figures"),
        ))  # fmt: skip
    elif kind == "visits":
        counts = fields.array("counts")
        if len(counts):
            record.visits.append(
                Visits(fields.count("run"), since, fields.text("phase"), fields.text("axis"),
                       max(fields.count("size"), 1), counts)
            )  # fmt: skip
    elif kind == "death":
        record.deaths.append({**fields.entries, "since": since})
    elif kind == "checkpoint":
        record.checkpoints.append({**fields.entries, "since": since})
    elif kind == "warning":
        record.warnings.append(fields.text("message"))
    elif kind == "run_end":
        _end_run(record, fields, since)
    elif kind == "fit_end":
        record.verdict = fields.text("verdict", "unknown")
        record.seconds, record.error = fields.number("seconds"), fields.text("error")


class _Sums:
    """Keeps some of the details of a long run, evenly, and the last ones of every run.

    They are sums, so that those which are left out only cost resolution.
    """

    def __init__(self) -> None:
        self.kept: list[Detail] = []
        self.every, self.seen = 1, 0
        self.last: dict[int, tuple[Fields, float]] = {}

    def take(self, fields: Fields, since: float) -> None:
        """Keep a detail, if it is its turn."""
        run = fields.count("run")
        self.last[run] = (fields, since)
        self.seen += 1
        if self.seen % self.every:
            return
        del self.last[run]
        self.kept.append(_detail(fields, since))
        if len(self.kept) >= MOST_DETAILS:
            del self.kept[::2]
            self.every *= 2

    def all(self) -> list[Detail]:
        """Return what is kept."""
        return [*self.kept, *(_detail(*last) for last in self.last.values())]


def _run(fields: Fields, since: float) -> ProgramRun:
    return ProgramRun(
        number=fields.count("run"), begun=since, program=fields.text("program"),
        executor=fields.text("executor"), workers=fields.count("workers"),
        axes={name: int(size) for name, size in fields.numbers("axes").items()
              if 0.0 <= size < 2.0**63},
        phases={name: dict(known) for name, known in fields.mapping("phases").items()
                if isinstance(known, dict)},
        memory=fields.table("bytes"), prepare=fields.numbers("prepare_seconds"),
        reasons=fields.mapping("reasons"), tol=fields.number("tol"),
        resumed_from=fields.text("resumed_from"),
    )  # fmt: skip


def _detail(fields: Fields, since: float) -> Detail:
    return Detail(
        fields.count("run"), since, fields.table("phases"), fields.table("processes"),
        fields.table("schedules"), fields.table("staleness"), fields.number("bytes_moved"),
        fields.number("parallelisation_error"), fields.numbers("active"), fields.numbers("memory"),
    )  # fmt: skip


def _end_run(record: RunRecord, fields: Fields, since: float) -> None:
    """Note how a run ended; its statistics are its last details."""
    number = fields.count("run")
    for run in record.runs:
        if run.number == number:
            run.status, run.seconds = fields.text("status"), fields.number("seconds")
            run.memory = fields.inner("statistics").table("bytes") or run.memory
    if fields.entries.get("statistics"):
        statistics = fields.inner("statistics").entries
        entries = {"run": number, **statistics}
        record.details.append(_detail(Fields(entries, fields.place), since))


def _object(value: Any) -> dict[str, Any]:
    return {str(name): one for name, one in value.items()} if isinstance(value, dict) else {}
