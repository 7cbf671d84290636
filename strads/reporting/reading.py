"""Reading the folder of a run, whatever state it is in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from strads.engine import DataError
from strads.monitoring.events import EVENTS, follow_events
from strads.reporting.checked import Fields
from strads.reporting.run_record import Detail, ProgramRun, RunRecord, Visits
from strads.reporting.steps import Row, of_rows

#: Files and events beyond these are not of a run: it writes fewer.
LARGEST_FILE = 1 << 29
LARGEST_RECORD = 1 << 28
MOST_EVENTS = 500_000
KINDS = {
    "fit", "compile", "run", "step", "detail", "visits", "death", "checkpoint", "warning",
    "run_end", "fit_end",
}  # fmt: skip
#: So many details are enough for every chart.
MOST_DETAILS = 2_000
#: Of compiling, stretches beyond these count as one.
MOST_STRETCHES = 100


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
    reader = _Reader(RunRecord(folder, read_record(folder)))
    for fields in _events(path):
        reader.take(fields)
    record = reader.record
    if not (record.fit or record.runs):
        raise DataError(f"{path} tells of no fit and of no run: it is empty, or damaged")
    record.steps = of_rows(reader.rows, record.continued)
    # Those of the end of a run come last.
    record.details = sorted([*reader.sums.all(), *record.details], key=lambda detail: detail.time)
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


class _Reader:
    """Adds one event after the other to a record; kinds that it does not know are left out.

    Numbers of runs begin anew in every fit; in the record they go on.
    """

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self.rows: list[Row] = []
        self.sums = _Sums()
        self.fits = self.first = self.first_before = self.next = 0
        self.origin: float | None = None  # the time that is 0 of the record
        self.seconds = 0.0
        self.compiling = False  # whether the last stretch of compiling goes on

    def take(self, fields: Fields) -> None:
        """Add an event."""
        time, kind = fields.number("time"), str(fields.entries["event"])
        if not math.isfinite(time):
            raise DataError(f"{fields.place}: 'time' is not finite")
        if self.origin is None:
            self.record.begun = self.origin = time
        elif kind == "fit":  # the time since the last fit, maybe of days, does not count
            self.origin = time - self.record.lasted
        since = max(time - self.origin, 0.0)
        self.record.lasted = max(self.record.lasted, since)
        known = getattr(self, f"_{kind}", None) if kind in KINDS else None
        if known is not None:
            known(fields, since)

    def _number(self, fields: Fields) -> int:
        """Return the number of the run over all fits."""
        number = self.first + fields.count("run")
        self.next = max(self.next, number + 1)
        return number

    def _fit(self, fields: Fields, since: float) -> None:
        record = self.record
        self.first_before, self.first = self.first, self.next
        self.fits += 1
        record.fit, record.target = dict(fields.entries), fields.number("target")
        record.verdict, record.seconds, record.error = None, math.nan, ""

    def _run(self, fields: Fields, since: float) -> None:
        number = self._number(fields)
        self.record.runs.append(_run(fields, number, since))
        if self.record.runs[-1].resumed_from and self.fits > 1:
            self.record.continued[number] = number - self.first + self.first_before

    def _compile(self, fields: Fields, since: float) -> None:
        """Note a stretch of compiling; its events follow each other until it has finished."""
        known, took = self.record.compiled, fields.number("seconds", 0.0)
        begun = max(since - took, 0.0) if took > 0.0 else since
        if known and (self.compiling or len(known) >= MOST_STRETCHES):
            begun = min(known.pop()[0], begun)
        known.append((begun, since))
        self.compiling = fields.entries.get("finished") is not True

    def _step(self, fields: Fields, since: float) -> None:
        run = self._number(fields)
        fit = self.fits - (run in self.record.continued)  # what goes on is one fit
        seconds = fields.number("seconds", since)
        waited = self.record.compiling(since - max(seconds, 0.0), since)
        self.rows.append(
            Row(fit, run, fields.count("step"), since, max(seconds - waited, 0.0),
                fields.number("updates", 0.0), fields.numbers("figures"))
        )  # fmt: skip

    def _detail(self, fields: Fields, since: float) -> None:
        self.sums.take(fields, self._number(fields), since)

    def _visits(self, fields: Fields, since: float) -> None:
        counts = fields.array("counts")
        counted, all_of_them = fields.number("counted"), fields.number("visits")
        if 0.0 < counted < all_of_them < math.inf:  # not all were counted: these stand for all
            counts = counts * (all_of_them / counted)
        if len(counts):
            self.record.visits.append(
                Visits(self._number(fields), since, fields.text("phase"), fields.text("axis"),
                       max(fields.count("size"), 1), counts)
            )  # fmt: skip

    def _death(self, fields: Fields, since: float) -> None:
        self.record.deaths.append({**fields.entries, "since": since})

    def _checkpoint(self, fields: Fields, since: float) -> None:
        self.record.checkpoints.append({**fields.entries, "since": since})

    def _warning(self, fields: Fields, since: float) -> None:
        self.record.warnings.append(fields.text("message"))

    def _run_end(self, fields: Fields, since: float) -> None:
        """Note how a run ended; its statistics are its last details."""
        number = self._number(fields)
        for run in self.record.runs:
            if run.number == number:
                run.status, run.seconds = fields.text("status"), fields.number("seconds")
                run.memory = fields.inner("statistics").table("bytes") or run.memory
        statistics = fields.inner("statistics")
        if statistics.entries:
            self.record.details.append(_detail(statistics, number, since))

    def _fit_end(self, fields: Fields, since: float) -> None:
        self.record.verdict = fields.text("verdict", "unknown")
        self.record.error = fields.text("error")
        self.seconds += fields.number("seconds")
        self.record.seconds = self.seconds


class _Sums:
    """Keeps some of the details of a long run, evenly, and the last ones of every run.

    They are sums, so that those which are left out only cost resolution.
    """

    def __init__(self) -> None:
        self.kept: list[Detail] = []
        self.every, self.seen = 1, 0
        self.last: dict[int, tuple[Fields, int, float]] = {}

    def take(self, fields: Fields, run: int, since: float) -> None:
        """Keep a detail, if it is its turn."""
        self.last[run] = (fields, run, since)
        self.seen += 1
        if self.seen % self.every:
            return
        del self.last[run]
        self.kept.append(_detail(fields, run, since))
        if len(self.kept) >= MOST_DETAILS:
            del self.kept[::2]
            self.every *= 2

    def all(self) -> list[Detail]:
        """Return what is kept."""
        return [*self.kept, *(_detail(*last) for last in self.last.values())]


def _run(fields: Fields, number: int, since: float) -> ProgramRun:
    return ProgramRun(
        number=number, begun=since, program=fields.text("program"),
        executor=fields.text("executor"), workers=fields.count("workers"),
        axes={name: int(size) for name, size in fields.numbers("axes").items()
              if 0.0 <= size < 2.0**63},
        phases={name: dict(known) for name, known in fields.mapping("phases").items()
                if isinstance(known, dict)},
        memory=fields.table("bytes"), prepare=fields.numbers("prepare_seconds"),
        reasons=fields.mapping("reasons"), tol=fields.number("tol"),
        resumed_from=fields.text("resumed_from"),
    )  # fmt: skip


def _detail(fields: Fields, run: int, since: float) -> Detail:
    return Detail(
        run, since, fields.table("phases"), fields.table("processes"),
        fields.table("schedules"), fields.table("staleness"), fields.number("bytes_moved"),
        fields.number("parallelisation_error"), fields.numbers("active"), fields.numbers("memory"),
    )  # fmt: skip
