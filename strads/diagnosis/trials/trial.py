"""Timed trial fits with one and with two workers, within a budget of seconds.

A fit is stopped at the end of a step once it has used up its share of the budget. Both fits then
have as many steps, so that their times can be compared. Data that would take longer are cut: the
trial is made on a random part of the rows.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strads.diagnosis.trials.parts import Parts, parts_of
from strads.diagnosis.trials.problems import Problem, entries_of, part_of
from strads.engine import Instrument, Result, Run, Step

#: Entries of the part on which the first fit is made.
FIRST_ENTRIES = 2_000_000
#: Pairs of fits of which the median counts; of quick ones more, whose times differ more.
PAIRS, MOST_PAIRS = 5, 15
#: Seconds for which every fit may take, however small the budget is.
LEAST = 0.5
#: Sweeps of the first fit, where the number of sweeps can be chosen.
SWEEPS = 3


class Watch(Instrument):
    """Collects what the runs of a fit tell, and stops the fit after some seconds or steps."""

    def __init__(self, seconds: float, steps: int | None) -> None:
        self.seconds, self.steps = seconds, steps
        self.began = time.perf_counter()
        self.compiling = 0.0
        self.runs: list[dict[str, Any]] = []
        self.figures: list[dict[str, float]] = []
        self.stopped = False

    def before_run(self, run: Run) -> None:
        """Do not count the time in which kernels are compiled."""
        self.compiling += run.executor.prepare_s.get("compile", 0.0)

    def after_step(self, run: Run, step: Step) -> None:
        """Note the figures, and stop the run if it is time."""
        self.figures.append(dict(step.figures))
        used = time.perf_counter() - self.began - self.compiling
        if used > self.seconds or (self.steps is not None and len(self.figures) >= self.steps):
            self.stopped = True
            run.stop("the trial has seen enough")

    def after_run(self, run: Run, result: Result) -> None:
        """Note the statistics."""
        self.runs.append(result.statistics)


@dataclass(frozen=True)
class Trial:
    """Trial fits of a problem.

    Attributes
    ----------
    one, two : Parts
        The fit with one worker, and that with two, whose times are the medians.
    share : float
        Share of the rows that the fits saw.
    whole : bool
        Whether the fits came to their end.
    pairs : int
        Number of fits with each number of workers.
    spread : float
        Longest fit divided by the shortest with as many workers, less 1: how much the fits differ,
        which they do on a machine that has other work.
    seconds : float
        Time that all of this took.
    figures : dict of str to float
        Figures of the last step with two workers.
    """

    one: Parts
    two: Parts
    share: float
    whole: bool
    pairs: int
    spread: float
    seconds: float
    figures: dict[str, float]


def make_trial(
    problem: Problem, X: Any, y: Any, settings: Mapping[str, Any], seconds: float, seed: int
) -> Trial:
    """Fit with one and with two workers in turns, and return the parts of the median fits.

    Parameters
    ----------
    problem : Problem
    X, y
        The data.
    settings : mapping
        Parameters of the estimator.
    seconds : float
        Budget of all fits, compilation not counted.
    seed : int
        Of the rows that are chosen.
    """
    since = time.perf_counter()
    asked = dict(settings)
    sweeps = int(problem.model(asked).max_iter) if problem.sweeps else None
    share = min(1.0, FIRST_ENTRIES / entries_of(X))
    part = part_of(problem, X, y, share, seed)

    def fit(workers: int, limit: float, steps: int | None = None) -> tuple[Parts, Watch]:
        if sweeps is not None:
            asked["max_iter"] = min(sweeps, steps or SWEEPS)
        watch = Watch(limit, steps)
        model = problem.model({**asked, "n_workers": workers, "callbacks": watch})
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that is stopped has not converged
            problem.fit(model, *part)
        wall = time.perf_counter() - begin
        runs = watch.runs or [model.statistics_]  # a topic model is not told of the end of its run
        return parts_of(runs, wall, watch.figures), watch

    limit = max(seconds / 4.0, LEAST)
    found, watch = fit(1, limit)
    if share < 1.0 and found.wall / share < limit and not watch.stopped:
        share, part = 1.0, (X, y)
        found, watch = fit(1, limit)
    steps = len(watch.figures) if watch.stopped else None
    if sweeps is not None:
        a_sweep = found.launched / max(found.steps, 1.0)
        steps = int(min(max(seconds / (2.0 * PAIRS + 2.0) / max(a_sweep, 1e-9), 1), sweeps))
    _, last = fit(2, 2.0 * limit, steps)
    if last.stopped:
        steps = len(last.figures)
    ones, twos = list[Parts](), list[Parts]()
    end = since + 1.5 * seconds
    while len(ones) < MOST_PAIRS:
        now = time.perf_counter() + (ones[-1].wall + twos[-1].wall if ones else 0.0)
        if ones and now > (end if len(ones) < PAIRS else since + 0.3 * seconds):
            break
        one, watch = fit(1, 3.0 * limit, steps)
        two, last = fit(2, 3.0 * limit, steps)
        if 0.0 < two.steps < one.steps and last.stopped:
            one = one.times(two.steps / one.steps)
        ones.append(one)
        twos.append(two)
    whole = not last.stopped or (sweeps is not None and len(last.figures) == sweeps)
    return Trial(
        median(ones), median(twos), share, whole, len(ones), max(spread(ones), spread(twos)),
        time.perf_counter() - since, last.figures[-1] if last.figures else {},
    )  # fmt: skip


def spread(parts: list[Parts]) -> float:
    """Return by which share of the shortest fit the longest one is longer."""
    walls = [each.wall for each in parts]
    return max(walls) / max(min(walls), 1e-9) - 1.0


def median(parts: list[Parts]) -> Parts:
    """Return the parts of the fit whose time is the median, the lower one of two."""
    return sorted(parts, key=lambda each: each.wall)[(len(parts) - 1) // 2]
