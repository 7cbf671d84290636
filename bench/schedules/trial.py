"""Run one setting and judge its path."""

from __future__ import annotations

import time
from typing import Any

from bench.schedules.arms import schedule
from bench.schedules.data_parallel import DataParallelLasso
from bench.schedules.path import Path
from bench.schedules.problem import Design, design
from bench.schedules.program import Counts, Measured, coordinate_lasso
from bench.schedules.setting import NAN, Outcome, Setting
from strads import iterate
from strads.engine import NotFiniteError

#: The relative duality gaps asked for.
COARSE, FINE = 1e-3, 1e-6
#: Launches an epoch where updates are counted. Where seconds count it is 1: launches cost time.
SLICES = 8
#: A run also ends after this many times as many places in micro-rounds as its cap has updates: a
#: check that leaves nearly all places empty takes minutes to hand out next to nothing.
PLACES = 32


def trial(setting: Setting) -> Outcome:
    """Run a setting to the fine gap, to its cap or until it has diverged."""
    problem = design(setting.data)
    program = arm_program(problem, setting)
    path, statistics = follow(program, setting, problem.objective_at_zero)
    return _outcome(problem, setting, path, statistics)


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
                _extend(path, step.figures, program.counts(statistics))
                path.seconds.append(seconds - statistics["measure_seconds"])
                if path.hopeless or path.updates[-1] >= most or path.rounds[-1] >= most_rounds:
                    break
                begun = time.perf_counter()
        except NotFiniteError:
            path.fall_over()
    return path, statistics


def _extend(path: Path, figures: dict[str, float], counts: Counts) -> None:
    path.updates.append(counts.updates)
    path.rounds.append(counts.rounds)
    path.promised.append(counts.promised)
    path.gaps.append(figures["certificate"])
    path.objectives.append(figures["objective"])


def _outcome(
    problem: Design, setting: Setting, path: Path, statistics: dict[str, Any]
) -> Outcome:  # fmt: skip
    coarse, fine = path.crossing(COARSE), path.crossing(FINE)
    onset = path.onset() if path.hopeless else None
    rounds = path.rounds[-1]
    promised, made = path.promised[-1], path.start - path.objectives[-1]
    counts = statistics["schedules"]["main"] if statistics else {}
    status = "converged" if fine is not None else "diverged" if path.hopeless else "cap"
    if status == "cap" and path.updates[-1] < setting.cap * problem.shape[1]:
        status = "idle"
    return Outcome(
        features=problem.shape[1], used=problem.used, radius=problem.radius, status=status,
        updates=path.updates[-1], rounds=rounds, gap=path.gaps[-1],
        updates_3=_at(path.updates, coarse), updates_6=_at(path.updates, fine),
        rounds_3=_at(path.rounds, coarse), rounds_6=_at(path.rounds, fine),
        seconds_3=_at(path.seconds, coarse), seconds_6=_at(path.seconds, fine),
        diverged_at=_at(path.updates, onset), diverged_round=_at(path.rounds, onset),
        together=path.updates[-1] / rounds if rounds else NAN,
        deferred=counts.get("deferred", 0), alone=counts.get("alone", 0),
        lost=path.lost(), lost_3=NAN if coarse is None else path.lost(coarse),
        error_round=(promised - made) / path.start / rounds if rounds else NAN,
        bytes_moved=statistics["bytes_moved"] if statistics else 0,
        seconds=path.seconds[-1], **_shares(statistics),
    )  # fmt: skip


def _at(row: list[Any], index: int | None) -> float:
    return NAN if index is None else float(row[index])


def _shares(statistics: dict[str, Any]) -> dict[str, float]:
    """Shares of the time in coordinate rounds that workers waited or scheduled."""
    if not statistics:
        return {}
    main = statistics["phases"]["main"]
    words = {"waiting": "sync", "starved": "starved", "scheduling": "scheduling"}
    return {name: main.get(f"{word}_seconds", NAN) / main["seconds"]
            for name, word in words.items()}  # fmt: skip
