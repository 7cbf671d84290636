"""Log-likelihood over time, by growing numbers of sweeps.

tomotopy continues one fit from each number of sweeps to the next, and only its sweeps are timed.
Ours fits anew for every number, as a user would, so each of its points includes the work before the
first sweep and after the last.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.compare.lda import solvers
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solver import Setting
from bench.compare.lda.solvers import fit, judged, kind, version, warm, workers
from bench.harness.pictures import picture
from bench.harness.tables import show

#: Styles of lines that can be told apart in grey: colour, line, mark.
STYLES = (("0.0", "-", "o"), ("0.0", "--", "s"), ("0.55", "-", "^"), ("0.55", "--", "v"))


@dataclass(frozen=True)
class Point:
    """One solver after some sweeps."""

    data: str
    topics: int
    solver: str
    version: str
    sweeps: int
    seconds: float
    value: float  # log-likelihood a token


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[Point]:
    """Points of every solver on one corpus."""
    points: list[Point] = []
    for name in solvers.own(options) + solvers.samplers(options):
        setting = Setting(topics, options.sweeps_of(topics), workers(name), options.seed)
        warm(name, topics)
        times, values = defaultdict(list), {}
        for _ in range(options.repeats):
            for sweeps, seconds, value in _measured(corpus, name, setting):
                times[sweeps].append(seconds)
                values[sweeps] = value
        points += [Point(corpus.name, topics, name, version(name), sweeps,
                         statistics.median(times[sweeps]), values[sweeps])
                   for sweeps in times]  # fmt: skip
    _show(points)
    return points


def counts_of_sweeps(most: int) -> list[int]:
    """Numbers of sweeps up to `most`, each about a third larger than the one before."""
    found = [1]
    while found[-1] < most:
        found.append(min(most, found[-1] + max(1, found[-1] // 3)))
    return found


def draw(points: Sequence[Point], stem: str) -> Path | None:
    """Draw the curves of one corpus and number of topics, if matplotlib is there."""

    def paint(figure: Any, axes: Any) -> None:
        names = dict.fromkeys(point.solver for point in points)
        for at, name in enumerate(names):
            color, line, mark = STYLES[at % len(STYLES)]
            mine = [point for point in points if point.solver == name]
            axes.plot([point.seconds for point in mine], [point.value for point in mine],
                      color=color, linestyle=line, marker=mark, markersize=4,
                      label=name)  # fmt: skip
        axes.set(xscale="log", xlabel="seconds", ylabel="log-likelihood a token",
                 title=f"{points[0].data}, K = {points[0].topics}")  # fmt: skip
        axes.legend()

    return picture(f"{stem}-{points[0].data}-{points[0].topics}", paint)


def _measured(corpus: Corpus, name: str, setting: Setting) -> Iterator[tuple[int, float, float]]:
    """Yield sweeps, seconds and log-likelihood for growing numbers of sweeps."""
    numbers = counts_of_sweeps(setting.sweeps)
    if not name.startswith("tomotopy"):
        for sweeps in numbers:
            seconds, model = fit(name, corpus.counts, setting._replace(sweeps=sweeps))
            yield sweeps, seconds, judged(model)
        return
    model, seconds, done = kind(name)(corpus.counts, setting), 0.0, 0
    for sweeps in numbers:
        begin = time.perf_counter()
        model.sweep(sweeps - done)
        seconds, done = seconds + time.perf_counter() - begin, sweeps
        yield sweeps, seconds, judged(model)


def _show(points: Sequence[Point]) -> None:
    if not points:
        return
    show(
        f"{points[0].data}, K = {points[0].topics}: log-likelihood over time",
        ("solver", "sweeps", "seconds", "LL a token"),
        [(f"{point.solver} {point.version}", str(point.sweeps), f"{point.seconds:.3f}",
          f"{point.value:.4f}") for point in points],
    )  # fmt: skip
