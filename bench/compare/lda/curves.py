"""Log-likelihood over time, by growing numbers of sweeps.

tomotopy continues one fit from each number of sweeps to the next, and only its sweeps are timed.
Ours fits anew for every number, as a user would, so each of its points includes the work before the
first sweep and after the last.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from bench.compare.lda import solvers
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solver import Setting
from bench.compare.lda.solvers import fit, heading, judged, kind, wanted, warm
from bench.harness.pictures import picture
from bench.harness.tables import show_rows

#: Styles of lines that can be told apart in grey: colour, line, mark.
STYLES = (("0.0", "-", "o"), ("0.0", "--", "s"), ("0.55", "-", "^"), ("0.55", "--", "v"))


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Points of every solver on one corpus; *value* is the log-likelihood a token."""
    rows: list[dict[str, Any]] = []
    for name in solvers.own(options) + solvers.samplers(options):
        setting = wanted(name, topics, options)
        warm(name, topics)
        found = [point for _ in range(options.repeats)
                 for point in _measured(corpus, name, setting)]  # fmt: skip
        points = pd.DataFrame(found, columns=["sweeps", "seconds", "value"])
        points = points.groupby("sweeps", as_index=False).agg(
            {"seconds": "median", "value": "last"}
        )
        head = heading(corpus.name, topics, name)
        rows += [head | point for point in points.to_dict("records")]
    show_rows(
        "{data}, K = {topics}: log-likelihood over time",
        [("solver", "{solver} {version}"), ("sweeps", "{sweeps}"), ("seconds", "{seconds:.3f}"),
         ("LL a token", "{value:.4f}")],
        rows,
    )  # fmt: skip
    return rows


def counts_of_sweeps(most: int) -> list[int]:
    """Numbers of sweeps up to `most`, each about a third larger than the one before."""
    found = [1]
    while found[-1] < most:
        found.append(min(most, found[-1] + max(1, found[-1] // 3)))
    return found


def draw(rows: pd.DataFrame, name: str, title: str) -> Path | None:
    """Draw the curves of one corpus and number of topics, if matplotlib is there."""

    def paint(figure: Any, axes: Any) -> None:
        solvers = rows.groupby("solver", sort=False)
        for (solver, mine), (color, line, mark) in zip(solvers, itertools.cycle(STYLES)):
            axes.plot(mine["seconds"], mine["value"], color=color, linestyle=line, marker=mark,
                      markersize=4, label=solver)  # fmt: skip
        axes.set(xscale="log", xlabel="seconds", ylabel="log-likelihood a token", title=title)
        axes.legend()

    return picture(name, paint)


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
