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
        self.compiled = 0.0  # seconds, in runs that have ended
        self.runs: list[dict[str, Any]] = []
        self.figures: list[dict[str, float]] = []
        self.stopped = False

    def after_step(self, run: Run, step: Step) -> None:
        """Note the figures, and stop the run if it is time."""
        self.figures.append(dict(step.figures))
        compiling = self.compiled + run.executor.prepare_s.get("compile", 0.0)
        used = time.perf_counter() - self.began - compiling  # phases compile when first launched
        if used > self.seconds or (self.steps is not None and len(self.figures) >= self.steps):
            self.stopped = True
            run.stop("the trial has seen enough")

    def after_run(self, run: Run, result: Result) -> None:
        """Note the statistics."""
        self.compiled += run.executor.prepare_s.get("compile", 0.0)
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


class Fits:
    """Fits of a part of a problem.

    Attributes
    ----------
    sweeps : int or None
        Number of sweeps of a whole fit; None where a fit ends when it has converged.
    share : float
        Share of the rows that is fitted.
    steps : int or None
        Number of steps of a fit; None: until its end.
    """

    def __init__(
        self, problem: Problem, X: Any, y: Any, settings: Mapping[str, Any], seed: int
    ) -> None:
        self.problem, self.settings = problem, dict(settings)
        self.whole, self.seed = (X, y), seed
        self.sweeps = int(problem.model(self.settings).max_iter) if problem.sweeps else None
        self.steps: int | None = None
        self.take(min(1.0, FIRST_ENTRIES / entries_of(X)))

    def take(self, share: float) -> None:
        """Choose the rows that are fitted."""
        self.share = share
        self.part = part_of(self.problem, *self.whole, share, self.seed)

    def fit(self, workers: int, limit: float) -> tuple[Parts, Watch]:
        """Fit, and stop after some seconds or `steps`."""
        asked = {**self.settings, "n_workers": workers}
        if self.sweeps is not None:
            asked["max_iter"] = min(self.sweeps, self.steps or SWEEPS)
        watch = Watch(limit, self.steps)
        model = self.problem.model({**asked, "callbacks": watch})
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fit that is stopped has not converged
            self.problem.fit(model, *self.part)
        wall = time.perf_counter() - begin
        runs = watch.runs or [model.statistics_]  # a topic model is not told of the end of its run
        return parts_of(runs, wall, watch.figures), watch

    def begin(self, seconds: float, limit: float) -> None:
        """Fit once with each number of workers, and choose the rows and the number of steps.

        These fits do not count. The first ones load compiled code and start processes, so one that
        took too long is made again.
        """
        found, watch = self.fit(1, limit)
        if watch.stopped:
            found, watch = self.fit(1, limit)
        if self.share < 1.0 and found.wall / self.share < limit and not watch.stopped:
            self.take(1.0)
            found, watch = self.fit(1, limit)
        if self.sweeps is not None:
            a_sweep = max(found.launched / max(found.steps, 1.0), 1e-9)
            self.steps = int(min(max(seconds / (2.0 * PAIRS + 2.0) / a_sweep, 1), self.sweeps))
        elif watch.stopped:
            self.steps = len(watch.figures)
        _, last = self.fit(2, 2.0 * limit)
        if last.stopped and self.steps is None:
            _, last = self.fit(2, 2.0 * limit)
        if last.stopped:
            self.steps = len(last.figures)

    def pair(self, limit: float) -> tuple[Parts, Parts, Watch]:
        """Fit with one worker and with two, for as many steps."""
        one, _ = self.fit(1, limit)
        two, last = self.fit(2, limit)
        if last.stopped and 0.0 < two.steps < one.steps:
            one = one.times(two.steps / one.steps)
        return one, two, last


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
    limit = max(seconds / 4.0, LEAST)
    fits = Fits(problem, X, y, settings, seed)
    fits.begin(seconds, limit)
    ones, twos = list[Parts](), list[Parts]()
    while len(ones) < MOST_PAIRS:
        one, two, last = fits.pair(3.0 * limit)
        ones.append(one)
        twos.append(two)
        end = since + (1.5 if len(ones) < PAIRS else 0.3) * seconds
        if time.perf_counter() + one.wall + two.wall > end:
            break
    whole = not last.stopped or len(last.figures) == fits.sweeps
    return Trial(
        median(ones), median(twos), fits.share, whole, len(ones), max(spread(ones), spread(twos)),
        time.perf_counter() - since, last.figures[-1] if last.figures else {},
    )  # fmt: skip


def spread(parts: list[Parts]) -> float:
    """Return by which share of the shortest fit the longest one is longer."""
    walls = [each.wall for each in parts]
    return max(walls) / max(min(walls), 1e-9) - 1.0


def median(parts: list[Parts]) -> Parts:
    """Return the parts of the fit whose time is the median, the lower one of two."""
    return sorted(parts, key=lambda each: each.wall)[(len(parts) - 1) // 2]
