"""Run one setting and judge its path: where it passed a gap, whether and where it diverged."""

import time
from typing import Any

import numpy as np
import pandas as pd

from bench.schedules.arms import schedule
from bench.schedules.data_parallel import DataParallelLasso
from bench.schedules.problem import Design, design
from bench.schedules.programs import Measured, coordinate_lasso
from bench.schedules.settings import Setting
from strads import iterate
from strads.engine import NotFiniteError

#: The relative duality gaps asked for, by the ending of their columns.
GAPS = {3: 1e-3, 6: 1e-6}
#: Launches an epoch where updates are counted. Where seconds count it is 1: launches cost time.
SLICES = 8
#: A run also ends after this many times as many places in micro-rounds as its cap has updates: a
#: check that leaves nearly all places empty takes minutes to hand out next to nothing.
PLACES = 32
#: A run whose objective is this many times that of w = 0 has diverged: interference that grows does
#: so exponentially, while a single overshoot at the start stays far below.
HOPELESS = 100.0
NAN = float("nan")


def trial(setting: Setting) -> dict[str, Any]:
    """Run a setting to the fine gap, to its cap or until it has diverged.

    Its row says, beside what it is judged by: status, ``"idle"`` if it was given up because a check
    left nearly all places empty; updates (dispatched ids), micro-rounds and seconds until the gap
    was 1e-3 (`_3`) or 1e-6 (`_6`), NaN if it never was; diverged_at, the updates after which the
    objective stayed above that of the start; lost, the share of the promised progress that was not
    made, negative where updates helped each other; bytes moved through outboxes; waiting and
    starved, shares of the time in the rounds.
    """
    problem = design(setting.data)
    start = problem.objective_at_zero
    path, statistics = follow(arm_program(problem, setting), setting, start)
    at = {digits: crossing(path, gap) for digits, gap in GAPS.items()}
    gone, last = hopeless(path, start), path.iloc[-1]
    status = "converged" if at[6] is not None else "diverged" if gone else "cap"
    if status == "cap" and last["updates"] < setting.cap * problem.shape[1]:
        status = "idle"
    main = statistics["phases"]["main"] if statistics else {"seconds": NAN}
    return {
        "features": problem.shape[1], "used": problem.used, "radius": problem.radius,
        "status": status, "updates": int(last["updates"]), "rounds": int(last["rounds"]),
        **{f"{word}_{digits}": of(at[digits], word)
           for word in ("updates", "rounds", "seconds") for digits in GAPS},
        "diverged_at": of(onset(path, start) if gone else None, "updates"),
        "lost": lost(last, start), "lost_3": NAN if at[3] is None else lost(at[3], start),
        "bytes_moved": statistics.get("bytes_moved", 0),
        "waiting": main.get("sync_seconds", NAN) / main["seconds"],
        "starved": main.get("starved_seconds", NAN) / main["seconds"],
    }  # fmt: skip


def arm_program(problem: Design, setting: Setting) -> Measured:
    """Return the program of a setting."""
    plan = schedule(
        setting.arm, features=problem.shape[1], workers=setting.workers, ids=setting.ids,
        rho=setting.rho, looked=problem.gram is not None,
        slices=SLICES if setting.executor == "serial" else 1,
    )  # fmt: skip
    return coordinate_lasso(problem, setting.divisor, plan, depth=max(setting.depth, 0),
                            pipelined=setting.depth >= 0)  # fmt: skip


def follow(
    program: Measured | DataParallelLasso, setting: Setting, start: float
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Run a program step by step; return its path and its last statistics.

    The path has a row for every measure, with figures so far: updates, micro-rounds, the progress
    promised by updates one by one, seconds without measuring; and the gap and the objective.
    """
    path: list[dict[str, float]] = []
    statistics: dict[str, Any] = {}
    with iterate(program, workers=setting.workers, executor=setting.executor, seed=setting.seed,
                 tol=GAPS[6], epochs=10**9) as run:  # fmt: skip
        most = setting.cap * program.size["features"]
        most_rounds = PLACES * most // (setting.workers * setting.ids)
        seconds, begun = 0.0, time.perf_counter()
        try:
            for step in run:
                seconds += time.perf_counter() - begun
                statistics = run.statistics()
                path.append(program.counts(statistics)
                            | {"gap": step.figures["certificate"],
                               "objective": step.figures["objective"],
                               "seconds": seconds - statistics["measure_seconds"]})  # fmt: skip
                enough = path[-1]["updates"] >= most or path[-1]["rounds"] >= most_rounds
                if enough or not path[-1]["objective"] <= HOPELESS * start:
                    break
                begun = time.perf_counter()
        except NotFiniteError:  # the next measure found values that are not finite
            nothing = dict.fromkeys(("updates", "rounds", "promised", "seconds"), 0)
            path.append({**(path or [nothing])[-1], "gap": np.inf, "objective": np.inf})
    return pd.DataFrame(path), statistics


def crossing(path: pd.DataFrame, gap: float) -> pd.Series | None:
    """The first measure within a gap."""
    within = path[path["gap"] <= gap]  # NaN is not
    return within.iloc[0] if len(within) else None


def hopeless(path: pd.DataFrame, start: float) -> bool:
    """Whether the last objective is beyond return, or not a number."""
    return not path["objective"].iloc[-1] <= HOPELESS * start


def onset(path: pd.DataFrame, start: float) -> pd.Series | None:
    """The measure from which on the objective stayed above that of the start."""
    fine = np.flatnonzero(path["objective"] <= start)
    first = int(fine[-1]) + 1 if len(fine) else 0
    return path.iloc[first] if first < len(path) else None


def lost(at: pd.Series, start: float) -> float:
    """Share of the promised progress that was not made, until a measure."""
    promised = at["promised"]
    return float(1.0 - (start - at["objective"]) / promised) if promised > 0.0 else NAN


def of(at: pd.Series | None, word: str) -> float:
    """A figure of a measure; NaN if there was none."""
    return NAN if at is None else float(at[word])
