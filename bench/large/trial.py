"""A solver's fit in a process of its own: its seconds, its memory and its outcome."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from bench.harness.memory import INTERVAL, Memory
from bench.harness.process import Process
from bench.harness.race import TIGHTER

#: Relative duality gap that the judge must find.
TARGET = 1e-4
MOST_TRIES = 3
#: Figures of a fit that stand in its row as the child states them.
WORDS = ("gap", "nonzeros", "primal", "passes", "epochs", "working_set", "updates", "rounds",
         "first_pass_seconds", "score_seconds", "scored", "bytes_moved")  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A Lasso on a design, at α = αmax / divisor."""

    columns: int
    rows: int
    seed: int
    divisor: float


@dataclass(frozen=True)
class Limits:
    """Time and memory beyond which a fit is killed."""

    minutes: float = 30.0
    gib: float = 20.0


@dataclass
class Trial:
    """What came of a fit.

    Attributes
    ----------
    outcome : str
        ``"converged"``: the judge is content.
    found : dict
        What the child says, see `bench.large.child`; empty if it was killed.
    peak : int
        Bytes of all processes together.
    shares : dict of str to int
        Proportional set size by process at that moment.
    """

    task: Task
    solver: str
    tol: float
    outcome: str
    seconds: float
    peak: int
    found: dict[str, Any]
    shares: dict[str, int]

    @property
    def converged(self) -> bool:
        """Whether the judge found a gap within the target."""
        return self.outcome == "converged"

    def key(self) -> dict[str, Any]:
        """Columns that say what was fitted."""
        return asdict(self.task) | {"solver": self.solver}

    def row(self) -> dict[str, Any]:
        """Columns of a fit, the same in all files of fits."""
        prepare, phases = self.found.get("prepare", {}), self.found.get("phases", {})
        return self.key() | {
            "tol": self.tol, "outcome": self.outcome, "seconds": self.seconds,
            "peak_bytes": self.peak, **{word: self.found.get(word) for word in WORDS},
            **{f"{word}_seconds": prepare.get(word) for word in ("layout", "compile", "start")},
            "compiled": " ".join(self.found.get("compiled", [])),
            "phases": " ".join(f"{name}={seconds:.3f}" for name, seconds in phases.items()),
        }  # fmt: skip


def converging(task: Task, solver: str, limits: Limits, interval: float = INTERVAL) -> Trial:
    """Fit with tighter tolerances until the judge is content."""
    tol = TARGET
    for _ in range(MOST_TRIES):
        trial = attempt(task, solver, tol, limits, interval)
        if trial.converged or "gap" not in trial.found:
            break
        tol *= TIGHTER
    return trial


def attempt(
    task: Task, solver: str, tol: float, limits: Limits, interval: float = INTERVAL
) -> Trial:
    """Fit once, in a process that runs `bench.large.child`."""
    words = (solver, task.columns, task.rows, task.seed, task.divisor, tol)
    process = Process("bench.large.child", solver, words)
    process.ready()
    guard = _Guard(process, limits)
    found: dict[str, Any] = {}
    with Memory(process.process.pid, interval, guard.watch) as memory:
        begin = time.perf_counter()
        process.go()
        try:
            found = process.answer()
            outcome = _outcome(found)
        except RuntimeError as error:
            outcome = guard.reason or str(error)
    seconds = found.get("end", time.perf_counter()) - found.get("begin", begin)
    names = {pid: name for name, pid in found.pop("processes", {}).items()}
    peak = memory.peak()
    shares = {names.get(pid, "other"): size for pid, size in peak.items()}
    return Trial(task, solver, tol, outcome, seconds, sum(peak.values()), found, shares)


def _outcome(found: dict[str, Any]) -> str:
    if "error" in found:
        return str(found["error"])
    return "converged" if found["gap"] <= TARGET else "gap missed"


class _Guard:
    """Kills a process beyond its limits, and remembers why."""

    def __init__(self, process: Process, limits: Limits) -> None:
        self.reason = ""
        self._process, self._limits = process.process, limits
        self._begun = time.perf_counter()

    def watch(self, size: int) -> None:
        """Kill the process if its memory or its time is beyond the limits."""
        if time.perf_counter() - self._begun > 60.0 * self._limits.minutes:
            self.reason = f"killed after {self._limits.minutes:g} minutes"
        elif size > self._limits.gib * 2**30:
            self.reason = f"killed at {self._limits.gib:g} GiB"
        if self.reason:
            self._process.kill()
