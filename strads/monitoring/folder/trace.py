"""Spans of the processes of a run, ``trace.json``, for Perfetto or ``chrome://tracing``."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from strads.engine import Span
from strads.monitoring.events import Event
from strads.monitoring.folder.writing import replacing

TRACE = "trace.json"
#: So many entries are kept at most; when there are more, every second step is dropped.
MOST = 100_000
#: What the seconds of a process within a launch divide into, in the order in which it is drawn.
PARTS = ("busy", "scheduling", "waiting", "starved")
#: Figures that are drawn as curves.
CURVES = ("certificate", "objective", "train_rmse", "log_likelihood_per_token")
Entry = dict[str, Any]
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Trace:
    """Collects what happens in all processes, as Chrome's trace events.

    Times are in microseconds from the begin of the fit. The process of the leader has a row for
    the runs and their steps. Every process has a span for each launch, and inside it how much of
    that launch it was busy, waiting for others, or starved of leases: these are sums, and their
    order within the launch is not known.
    """

    def __init__(self) -> None:
        self._zero = time.perf_counter()
        self._always: list[Entry] = []
        self._steps: list[tuple[int, list[Entry]]] = []
        self._count, self._number, self._stride = 0, 0, 1
        self._named: dict[int, str] = {}
        self._leader = os.getpid()
        self._name("leader", self._leader)

    def begin_run(self, told: Event, begun: float) -> None:
        """Draw how a run was prepared, which ended at the time `begun` of ``perf_counter``."""
        for name, pid in told["pids"].items():
            self._name(name, pid)
        since = begun - sum(told["prepare_seconds"].values())
        for part, seconds in told["prepare_seconds"].items():
            self._always.append(self._span(f"prepare: {part}", since, since + seconds))
            since += seconds

    def take_step(
        self, run: int, step: int, begun: float, ended: float, spans: list[Span],
        figures: Mapping[str, float], pids: Mapping[str, int],
    ) -> None:  # fmt: skip
        """Draw a step and its launches."""
        self._number += 1
        if self._number % self._stride:
            return
        found = [self._span(f"step {step}", begun, ended, run=run)]
        for span in spans:
            found += self._launch(span, pids)
        for name in CURVES:
            if math.isfinite(value := figures.get(name, math.nan)):
                found.append(self._counter(name, ended, {name: value}))
        self._steps.append((self._number, found))
        self._count += len(found)
        while self._count > MOST and len(self._steps) > 1:
            self._stride *= 2
            self._steps = [one for one in self._steps if one[0] % self._stride == 0]
            self._count = sum(len(entries) for _, entries in self._steps)

    def end_run(self, run: int, program: str, begun: float, status: str) -> None:
        """Draw a run that has ended."""
        ended = time.perf_counter()
        self._always.append(self._span(f"run {run}: {program}", begun, ended, status=status))

    def end_fit(self, name: str) -> None:
        """Draw the whole fit."""
        self._always.append(self._span(name, self._zero, time.perf_counter()))

    def mark(self, given: Event) -> None:
        """Draw an event that has no length, such as a death, or the memory of the processes."""
        now = time.perf_counter()
        if memory := given.get("memory"):
            self._always.append(self._counter("memory", now, memory))
        elif given["event"] in ("death", "checkpoint", "warning"):
            seconds = float(given.get("seconds", 0.0))
            told = {key: value for key, value in given.items() if key not in ("event", "time")}
            self._always.append(self._span(given["event"], now - seconds, now, **told))
        del self._always[MOST:]

    def write(self, folder: Path) -> None:
        """Write the file."""
        first = min((entry["ts"] for entry in self._entries() if "ts" in entry), default=0.0)
        with replacing(folder / TRACE) as file:
            file.write('{"displayTimeUnit":"ms","traceEvents":[\n')
            file.write(",\n".join(_line(entry, first) for entry in self._entries()))
            file.write("\n]}\n")

    def _entries(self) -> Iterator[Entry]:
        for pid, name in self._named.items():
            about = {"name": "process_name", "ph": "M", "pid": pid, "tid": 0}
            yield {**about, "args": {"name": name}}
        yield from self._always
        for _, entries in self._steps:
            yield from entries

    def _launch(self, span: Span, pids: Mapping[str, int]) -> Iterator[Entry]:
        begun, own = span.begun, span.processes
        if "leader" not in own:
            yield self._span(span.name, begun, span.ended)
        for process, row in own.items():
            pid, at = pids.get(process, self._leader), begun
            updates = {"updates": row["updates"]} if "updates" in row else {}
            yield self._span(span.name, begun, begun + row["seconds"], pid, **updates)
            for part in PARTS:
                seconds = row.get(f"{part}_seconds", 0.0)
                if seconds > 0.0:
                    yield self._span(part, at, at + seconds, pid)
                    at += seconds

    def _name(self, process: str, pid: int) -> None:
        self._named[pid] = process

    def _span(
        self, name: str, begun: float, ended: float, pid: int | None = None, **more: Any
    ) -> Entry:
        entry = {
            "name": name, "ph": "X", "ts": (begun - self._zero) * 1e6,
            "dur": max(ended - begun, 0.0) * 1e6,
            "pid": self._leader if pid is None else pid, "tid": 0,
        }  # fmt: skip
        return {**entry, "args": more} if more else entry

    def _counter(self, name: str, at: float, values: Mapping[str, Any]) -> Entry:
        return {
            "name": name, "ph": "C", "ts": (at - self._zero) * 1e6,
            "pid": self._leader, "tid": 0, "args": dict(values),
        }  # fmt: skip


def _line(entry: Entry, first: float) -> str:
    """Return the text of an entry whose time counts from the first one.

    It is put together here, since there are hundreds of entries in a short fit: the encoder takes
    four times as long.
    """
    text = f'{{"name":{_quoted(entry["name"])},"ph":"{entry["ph"]}","pid":{entry["pid"]},"tid":0'
    if "ts" in entry:
        text += f',"ts":{entry["ts"] - first:.1f}'
    if "dur" in entry:
        text += f',"dur":{entry["dur"]:.1f}'
    return text + (f',"args":{_encode(entry["args"])}}}' if "args" in entry else "}")


@lru_cache(maxsize=1000)
def _quoted(name: str) -> str:
    return _encode(name)
