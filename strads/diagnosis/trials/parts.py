"""Where the time of a fit went: the statistics of its runs, as the few parts that matter here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

Statistics = Mapping[str, Any]


@dataclass(frozen=True)
class Parts:
    """The parts of one fit; times are in seconds.

    Attributes
    ----------
    workers : int
        Workers that the runs had: fewer than asked for where the solver has less to divide.
    wall : float
        The whole fit, without compilation.
    alone : float
        What the leader did while no worker had a launch: checks of the data, the layout of the run,
        and its own work between launches. No number of workers makes it shorter.
    busy : float
        Sum over the workers of the time in kernels.
    waiting, starved : float
        Mean over the workers of the time for which they waited for each other, and for leases.
    handing : float
        Mean over the workers of the time in which a launch was under way that had not begun for
        them yet, or had ended: wake-ups, and, without rounds, the wait for the slowest worker.
    scheduled : float
        The part of `busy` that is in phases with a dependency filter.
    launches, rounds, updates, dispatched, deferred : float
        Counts: launches of phases, micro-rounds, and, in phases with a dependency filter, updates,
        ids handed out, and ids put off because they depend on an id that moves.
    steps : float
        Steps of the runs: full passes, or sweeps.
    held : float
        Bytes of the arrays of the largest run; of the Gram matrix, which has a reserve that costs
        nothing, those of the largest working set.
    moved : float
        Bytes that went through outboxes.
    error : float
        Progress that updates promised but did not make together, as a share of what they promised.
    """

    workers: int = 1
    wall: float = 0.0
    alone: float = 0.0
    busy: float = 0.0
    waiting: float = 0.0
    starved: float = 0.0
    handing: float = 0.0
    scheduled: float = 0.0
    launches: float = 0.0
    rounds: float = 0.0
    updates: float = 0.0
    dispatched: float = 0.0
    deferred: float = 0.0
    steps: float = 0.0
    held: float = 0.0
    moved: float = 0.0
    error: float = 0.0

    @property
    def launched(self) -> float:
        """Seconds for which launches were under way."""
        return self.busy / self.workers + self.waiting + self.starved + self.handing

    @property
    def rejected(self) -> float:
        """Share of the ids that the dependency filter put off, of those that it looked at."""
        seen = self.deferred + self.dispatched
        return self.deferred / seen if seen else 0.0

    def times(self, factor: float) -> Parts:
        """Return the parts of a fit whose launches take `factor` times as long."""
        grown = {
            name: factor * getattr(self, name)
            for name in ("busy", "waiting", "starved", "handing", "scheduled", "launches", "rounds",
                         "updates", "dispatched", "deferred", "steps", "moved")
        }  # fmt: skip
        return replace(self, **grown, wall=self.alone + factor * self.launched)


def parts_of(
    runs: Sequence[Statistics], wall: float, figures: Sequence[Mapping[str, Any]]
) -> Parts:
    """Return the parts of a fit.

    Parameters
    ----------
    runs : sequence of mapping
        Statistics of all runs of the fit; see :meth:`strads.Run.statistics`.
    wall : float
        Seconds of the fit.
    figures : sequence of mapping
        Those of the steps of all runs.

    Returns
    -------
    Parts
    """
    each = [_of_run(run) for run in runs]
    compiling = sum(run.get("prepare_seconds", {}).get("compile", 0.0) for run in runs)
    total = {
        field.name: sum(getattr(part, field.name) for part in each) for field in fields(Parts)
    }  # fmt: skip
    total["workers"] = max((part.workers for part in each), default=1)
    members = max((row.get("working_set", 0.0) for row in figures), default=0.0)
    total["held"] = max((part.held for part in each), default=0.0) + 4.0 * members**2
    total["error"] = max((part.error for part in each), default=0.0)
    found = replace(Parts(**total), wall=max(wall - compiling, 0.0), steps=float(len(figures)))
    return replace(found, alone=max(found.wall - found.launched, 0.0))


def seconds_of(runs: Iterable[Statistics]) -> float:
    """Return the seconds of runs, from the beginning of their preparation to their end."""
    return sum(run["seconds"] + sum(run.get("prepare_seconds", {}).values()) for run in runs)


def _of_run(run: Statistics) -> Parts:
    phases, processes = run.get("phases", {}), run.get("processes", {})
    workers = [row for name, row in processes.items() if name.startswith("worker")]
    launched = sum(row["seconds"] for row in phases.values()) + run.get("measure_seconds", 0.0)
    count = max(len(workers), 1)
    waiting = sum(row["waiting_seconds"] for row in workers) / count
    starved = sum(row["starved_seconds"] for row in workers) / count
    busy = sum(row["busy_seconds"] for row in workers) if workers else launched
    filtered = {name: row for name, row in run.get("schedules", {}).items() if "deferred" in row}
    promised = sum(row.get("promised", 0.0) for row in phases.values())
    arrays = run.get("bytes", {})
    reserved = arrays.get("derived", {}).get("G", 0)
    lost = run.get("parallelisation_error")
    return Parts(
        workers=count, busy=busy, waiting=waiting, starved=starved,
        handing=max(launched - busy / count - waiting - starved, 0.0),
        scheduled=sum(_working(phases.get(name, {})) for name in filtered) * count,
        launches=sum(row["launches"] for row in phases.values()),
        rounds=sum(row.get("micro_rounds", 0) for row in run.get("schedules", {}).values()),
        updates=sum(phases.get(name, {}).get("updates", 0) for name in filtered),
        dispatched=sum(row.get("dispatched", 0) for row in filtered.values()),
        deferred=sum(row["deferred"] for row in filtered.values()),
        held=_total(arrays) - _total(reserved),
        moved=float(_total(run.get("bytes_moved", 0))),
        error=max(lost, 0.0) / promised if lost is not None and promised > 0.0 else 0.0,
    )  # fmt: skip


def _working(row: Mapping[str, float]) -> float:
    """Return the seconds of a phase in which its workers neither waited nor starved."""
    return max(
        row.get("seconds", 0.0) - row.get("sync_seconds", 0.0) - row.get("starved_seconds", 0.0),
        0.0,
    )


def _total(known: Any) -> float:
    """Return the sum of the numbers in nested dicts."""
    if isinstance(known, Mapping):
        return sum(map(_total, known.values()))
    return float(known) if isinstance(known, (int, float)) else 0.0
