"""Run one setting and judge its path: where it passed a gap, whether and where it diverged."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.schedules.arms import schedule
from bench.schedules.data_parallel import DataParallelLasso
from bench.schedules.grid import Setting
from bench.schedules.problem import Design, design
from bench.schedules.program import Measured, coordinate_lasso
from strads import iterate
from strads.engine import NotFiniteError

#: The relative duality gaps asked for.
COARSE, FINE = 1e-3, 1e-6
#: Launches an epoch where updates are counted. Where seconds count it is 1: launches cost time.
SLICES = 8
#: A run also ends after this many times as many places in micro-rounds as its cap has updates: a
#: check that leaves nearly all places empty takes minutes to hand out next to nothing.
PLACES = 32
#: A run whose objective is this many times that of w = 0 has diverged: interference that grows does
#: so exponentially, while a single overshoot at the start stays far below.
HOPELESS = 100.0
NAN = float("nan")


@dataclass
class Path:
    """Figures of a run after every measure."""

    start: float  # objective before the first update
    updates: list[int] = field(default_factory=list)  # ids dispatched so far
    rounds: list[int] = field(default_factory=list)  # micro-rounds so far
    gaps: list[float] = field(default_factory=list)
    objectives: list[float] = field(default_factory=list)
    promised: list[float] = field(default_factory=list)  # progress so far, by updates one by one
    seconds: list[float] = field(default_factory=list)  # so far, without measuring

    def add(self, **figures: float) -> None:
        """Record a measure, a figure for every list."""
        for name, figure in figures.items():
            getattr(self, name).append(figure)

    def fall_over(self) -> None:
        """Record that the next measure found values that are not finite."""
        last = {name: (getattr(self, name) or [0])[-1]
                for name in ("updates", "rounds", "promised", "seconds")}  # fmt: skip
        self.add(gaps=float("inf"), objectives=float("inf"), **last)

    def crossing(self, gap: float) -> int | None:
        """Index of the first measure within a gap."""
        within = np.flatnonzero(np.asarray(self.gaps) <= gap)  # NaN is not
        return int(within[0]) if len(within) else None

    @property
    def hopeless(self) -> bool:
        """Whether the last objective is beyond return, or not a number."""
        return bool(self.objectives) and not self.objectives[-1] <= HOPELESS * self.start

    def onset(self) -> int | None:
        """Index of the measure from which on the objective stayed above that of the start."""
        worse = ~(np.asarray(self.objectives) <= self.start)
        if not len(worse) or not worse[-1]:
            return None
        fine = np.flatnonzero(~worse)
        return int(fine[-1]) + 1 if len(fine) else 0

    def lost(self, at: int = -1) -> float:
        """Share of the promised progress that was not made, until a measure.

        Negative where updates helped each other; above 1 where together they did harm.
        """
        promised = self.promised[at] if self.promised else 0.0
        if not promised > 0.0:
            return NAN
        return 1.0 - (self.start - self.objectives[at]) / promised


def trial(setting: Setting) -> dict[str, Any]:
    """Run a setting to the fine gap, to its cap or until it has diverged.

    Returns
    -------
    dict of str to value
        Columns of its row; updates are dispatched ids, rounds are micro-rounds.

        * status: ``"converged"`` (to the fine gap), ``"cap"``, ``"diverged"``, or ``"idle"``: given
          up because a check left nearly all places empty;
        * updates, rounds and seconds with the ending 3 or 6: until the gap was 1e-3 or 1e-6; NaN if
          it never was;
        * diverged_at, diverged_round: updates and micro-rounds at the first measure after which the
          objective stayed above that of the start;
        * together: ids that moved in a micro-round, on average;
        * lost, lost_3: share of the promised progress that was not made, until the end and until
          1e-3;
        * error_round: promised minus made progress of a micro-round, relative to P(0);
        * bytes_moved: through outboxes, until the end;
        * waiting, starved, scheduling: shares of the time in the rounds.
    """
    problem = design(setting.data)
    program = arm_program(problem, setting)
    path, statistics = follow(program, setting, problem.objective_at_zero)
    return _columns(problem, setting, path, statistics)


def arm_program(problem: Design, setting: Setting) -> Measured:
    """Return the program of a setting."""
    plan = schedule(
        setting.arm, features=problem.shape[1], workers=setting.workers, ids=setting.ids,
        rho=setting.rho, looked=problem.gram is not None,
        slices=SLICES if setting.executor == "serial" else 1,
    )  # fmt: skip
    return coordinate_lasso(
        problem, setting.divisor, plan,
        depth=max(setting.depth, 0), pipelined=setting.depth >= 0,
    )  # fmt: skip


def follow(
    program: Measured | DataParallelLasso, setting: Setting, start: float
) -> tuple[Path, dict[str, Any]]:
    """Run a program step by step; return its path and its last statistics."""
    path, statistics = Path(start), {}
    with iterate(program, workers=setting.workers, executor=setting.executor, seed=setting.seed,
                 tol=FINE, epochs=10**9) as run:  # fmt: skip
        most = setting.cap * program.size["features"]
        most_rounds = PLACES * most // (setting.workers * setting.ids)
        seconds, begun = 0.0, time.perf_counter()
        try:
            for step in run:
                seconds += time.perf_counter() - begun
                statistics = run.statistics()
                path.add(**program.counts(statistics), gaps=step.figures["certificate"],
                         objectives=step.figures["objective"],
                         seconds=seconds - statistics["measure_seconds"])  # fmt: skip
                if path.hopeless or path.updates[-1] >= most or path.rounds[-1] >= most_rounds:
                    break
                begun = time.perf_counter()
        except NotFiniteError:
            path.fall_over()
    return path, statistics


def _columns(
    problem: Design, setting: Setting, path: Path, statistics: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    coarse, fine = path.crossing(COARSE), path.crossing(FINE)
    onset = path.onset() if path.hopeless else None
    updates, rounds = path.updates[-1], path.rounds[-1]
    status = "converged" if fine is not None else "diverged" if path.hopeless else "cap"
    if status == "cap" and updates < setting.cap * problem.shape[1]:
        status = "idle"
    counts = statistics["schedules"]["main"] if statistics else {}
    main = statistics["phases"]["main"] if statistics else {}
    words = {"waiting": "sync", "starved": "starved", "scheduling": "scheduling"}
    error = path.promised[-1] - (path.start - path.objectives[-1])
    return {
        "features": problem.shape[1], "used": problem.used, "radius": problem.radius,
        "status": status, "updates": updates, "rounds": rounds, "gap": path.gaps[-1],
        **{f"{word}_{digits}": _at(getattr(path, word), index)
           for word in ("updates", "rounds", "seconds")
           for digits, index in ((3, coarse), (6, fine))},
        "diverged_at": _at(path.updates, onset), "diverged_round": _at(path.rounds, onset),
        "together": updates / rounds if rounds else NAN,
        "deferred": counts.get("deferred", 0), "alone": counts.get("alone", 0),
        "lost": path.lost(), "lost_3": NAN if coarse is None else path.lost(coarse),
        "error_round": error / path.start / rounds if rounds else NAN,
        "bytes_moved": statistics.get("bytes_moved", 0),
        **{name: main.get(f"{word}_seconds", NAN) / main["seconds"] if main else NAN
           for name, word in words.items()},
        "seconds": path.seconds[-1],
    }  # fmt: skip


def _at(row: list[Any], index: int | None) -> float:
    return NAN if index is None else float(row[index])
