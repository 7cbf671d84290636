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
         "first_pass_seconds", "score_seconds", "scored", "bytes_moved", "layout_seconds",
         "compile_seconds", "start_seconds", "compiled")  # fmt: skip


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
    """What came of a fit."""

    task: Task
    solver: str
    tol: float
    outcome: str  # "converged": the judge found a gap within the target
    seconds: float
    peak: int  # bytes of all processes together
    found: dict[str, Any]  # what the child says, see `bench.large.child`; empty if it was killed
    shares: dict[str, int]  # proportional set size by process at that moment

    @property
    def converged(self) -> bool:
        """Whether the judge found a gap within the target."""
        return self.outcome == "converged"

    def key(self) -> dict[str, Any]:
        """Columns that say what was fitted."""
        return asdict(self.task) | {"solver": self.solver}

    def row(self) -> dict[str, Any]:
        """Columns of a fit, the same in all files of fits."""
        phases = self.found.get("phases", {})
        return self.key() | {
            "tol": self.tol, "outcome": self.outcome, "seconds": self.seconds,
            "peak_bytes": self.peak, **{word: self.found.get(word) for word in WORDS},
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
    process = Process("bench.large.child", solver, (solver, *asdict(task).values(), tol))
    process.ready()
    begin, reason = time.perf_counter(), ""

    def watch(size: int) -> None:
        nonlocal reason
        if time.perf_counter() - begin > 60.0 * limits.minutes:
            reason = f"killed after {limits.minutes:g} minutes"
        elif size > limits.gib * 2**30:
            reason = f"killed at {limits.gib:g} GiB"
        if reason:
            process.process.kill()

    found: dict[str, Any] = {}
    with Memory(process.process.pid, interval, watch) as memory:
        process.go()
        try:
            found = process.answer()
            reached = "converged" if found.get("gap", float("inf")) <= TARGET else "gap missed"
            outcome = str(found.get("error", reached))
        except RuntimeError as error:
            outcome = reason or str(error)
    seconds = found.get("end", time.perf_counter()) - found.get("begin", begin)
    names = {pid: name for name, pid in found.pop("processes", {}).items()}
    peak = memory.peak()
    shares = {names.get(pid, "other"): size for pid, size in peak.items()}
    return Trial(task, solver, tol, outcome, seconds, sum(peak.values()), found, shares)
