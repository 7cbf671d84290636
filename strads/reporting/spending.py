"""Where the time of processors went: over a whole fit, and process by process while it went on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from strads.reporting.checked import Numbers
from strads.reporting.run_record import RunRecord

#: What a process may do, in the order in which it is drawn → entries of its sums.
KINDS = {
    "computing": ("busy_seconds",),
    "waiting": ("waiting_seconds",),
    "starved": ("starved_seconds",),
    "scheduling": ("scheduling_seconds",),
}
#: Processes beyond these are not followed.
MOST_PROCESSES = 64
#: What each kind means, in words.
MEANINGS = {
    "computing": "computing: kernels of the program ran",
    "waiting": "waiting: for other processes",
    "starved": "starved: for the scheduler to hand out work",
    "scheduling": "scheduling: choosing what to update next",
    "preparing": "preparing: compiling, laying out memory, starting processes",
    "outside": "outside rounds: measuring, and work of the leader alone",
}


@dataclass(frozen=True)
class Spending:
    """Processor-seconds of a fit.

    Attributes
    ----------
    wall : float
        Seconds of the fit.
    workers : int
        Processors that it held.
    kinds : dict of str to float
        Kind, of those in `MEANINGS` → processor-seconds of workers. They add up to `held`.
    scheduler : float
        Seconds for which the scheduler, a process of its own, computed.
    """

    wall: float
    workers: int
    kinds: dict[str, float] = field(default_factory=dict)
    scheduler: float = 0.0

    @property
    def held(self) -> float:
        """Processor-seconds for which workers were held."""
        return self.wall * self.workers

    @property
    def useful(self) -> float:
        """Share of the held time in which kernels ran."""
        return self.kinds.get("computing", 0.0) / self.held if self.held > 0.0 else float("nan")

    @property
    def useful_in_rounds(self) -> float:
        """Share of the time within rounds in which kernels ran."""
        within = sum(self.kinds.get(kind, 0.0) for kind in KINDS)
        return self.kinds.get("computing", 0.0) / within if within > 0.0 else float("nan")


def spent(record: RunRecord) -> Spending:
    """Return where the time of a fit went, by the last sums of each of its runs."""
    workers = record.workers
    kinds = dict.fromkeys(MEANINGS, 0.0)
    scheduler = 0.0
    for detail in record.last_details():
        for process, sums in detail.processes.items():
            if process == "scheduler":
                scheduler += max(sums.get("busy_seconds", 0.0), 0.0)
            else:
                # The leader of a serial run stands for all its workers, and holds one processor.
                for kind, amount in divided(sums).items():
                    kinds[kind] += amount
    serial = all(run.executor == "serial" for run in record.runs)
    held = record.wall * (1 if serial else workers)
    prepared = _prepared(record) * (1 if serial else workers)
    rest = max(held - sum(kinds.values()), 0.0)
    kinds["preparing"] = min(max(prepared, 0.0), rest)
    kinds["outside"] = rest - kinds["preparing"]
    return Spending(record.wall, 1 if serial else workers, kinds, scheduler)


def _prepared(record: RunRecord) -> float:
    """Return the seconds of the fit in which runs were prepared or kernels were compiled."""
    stretches, free_since = list(record.compiled), 0.0
    for run in record.runs:  # the preparation of a run is what fits between it and the one before
        stretches.append((max(run.begun - sum(run.prepare.values()), free_since), run.begun))
        ends = [d.time for d in record.details if d.run == run.number]
        free_since = max(ends, default=run.begun)
    total, end = 0.0, 0.0
    for begun, ended in sorted(stretches):  # they may overlap
        total += max(ended - max(begun, end), 0.0)
        end = max(end, ended)
    return total


def divided(sums: Numbers) -> dict[str, float]:
    """Return the seconds of each kind in the sums of a process."""
    return {
        kind: max(sum(sums.get(name, 0.0) for name in names), 0.0) for kind, names in KINDS.items()
    }


@dataclass(frozen=True)
class ProcessTimes:
    """What one process did between moments.

    Attributes
    ----------
    edges : ndarray, shape (intervals + 1,)
        Seconds since the fit began.
    shares : dict of str to ndarray
        Kind → share of each interval, from 0 to 1. What is missing to 1 was spent outside rounds.
    """

    edges: np.ndarray
    shares: dict[str, np.ndarray]


def process_times(record: RunRecord, most: int = 240) -> dict[str, ProcessTimes]:
    """Return what each process did over time, in at most so many intervals.

    The sums of a process are known at some moments; between two of them only their difference is.
    """
    moments = _moments(record, most)
    if len(moments) < 2:
        return {}
    names = list(dict.fromkeys(n for detail in record.details for n in detail.processes))
    names = names[:MOST_PROCESSES]
    found = {}
    for name in sorted(names, key=_order):
        sums = dict(zip(KINDS, _series(record, name, moments), strict=True))
        widths = np.maximum(np.diff(moments), 1e-12)
        shares = {kind: np.clip(np.diff(s) / widths, 0.0, 1.0) for kind, s in sums.items()}
        total = np.maximum(sum(shares.values()), 1.0)
        if name == "scheduler":  # what it computes is the schedule
            shares = {"scheduling": shares["computing"], "waiting": shares["waiting"]}
        found[name] = ProcessTimes(moments, {kind: s / total for kind, s in shares.items()})
    return found


def _moments(record: RunRecord, most: int) -> np.ndarray:
    """Return moments at which sums are known, thinned, and the begins of runs."""
    begins = {record.started(run.number) for run in record.runs}
    known = sorted({d.time for d in record.details} | begins)
    if len(known) > most + 1:
        places = np.unique(np.linspace(0, len(known) - 1, most + 1).round().astype(int))
        known = [known[k] for k in places]
    return np.array(known)


def _series(record: RunRecord, process: str, moments: np.ndarray) -> np.ndarray:
    """Return the sums of all kinds at moments, over all runs so far, a row for each kind."""
    total = np.zeros((len(KINDS), len(moments)))
    lasts: dict[int, np.ndarray] = {}
    begins = {run.number: record.started(run.number) for run in record.runs}
    for number in dict.fromkeys(detail.run for detail in record.details):
        of_run = [d for d in record.details if d.run == number]
        times = [begins.get(number, of_run[0].time), *(d.time for d in of_run)]
        known = [list(divided(d.processes.get(process, {})).values()) for d in of_run]
        before = lasts.get(record.continued.get(number, -1), np.zeros(len(KINDS)))
        sums = np.maximum.accumulate(np.array([before, *known]), axis=0)
        lasts[number] = sums[-1]
        for row, series in zip(total, sums.T, strict=True):
            row += np.interp(moments, times, series - series[0])
    return total


def _order(name: str) -> tuple[bool, bool, int, str]:
    """Order of processes: leader, workers by number, scheduler."""
    last = name.rpartition(" ")[2]
    return name == "scheduler", name != "leader", int(last) if last.isdecimal() else 0, name
