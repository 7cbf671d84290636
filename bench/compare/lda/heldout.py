"""Held-out quality: perplexity of one half of a document, the other half observed.

A tenth of the documents, 2,000 at most, are held out by a seed, which is also that of the fit. From
the topics that a solver returns, the judge infers θ for all in the same way. Documents held out
differ more than solvers do, so each is also divided by the first of the same seed.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.compare.lda import judge
from bench.compare.lda.corpora import Corpus, split
from bench.compare.lda.solver import Setting
from bench.compare.lda.solvers import everybody, fit, kind, version, warm, workers
from bench.harness.tables import show

#: Documents held out at most: more hardly change a median, and inferring θ takes the judge long.
MOST = 2000


@dataclass(frozen=True)
class Run:
    """One fit."""

    data: str
    topics: int
    solver: str
    version: str
    sweeps: int
    seed: int
    seconds: float
    perplexity: float


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[Run]:
    """Run all solvers on one corpus; solvers that do not sample topics use the first seed only."""
    runs: list[Run] = []
    names = everybody(options)
    for name in names:
        warm(name, topics)
    for seed in range(options.seed, options.seed + options.repeats):
        part = split(corpus, seed, MOST)
        for name in names:
            if _samples(name) or seed == options.seed:
                sweeps = options.sweeps_of(topics) if _samples(name) else options.passes
                setting = Setting(topics, sweeps, workers(name), seed)
                seconds, model = fit(name, part.train.counts, setting)
                phi = model.phi()
                theta = judge.proportions(phi, part.observed)
                value = judge.perplexity(theta, phi, part.hidden)
                runs.append(Run(corpus.name, topics, name, version(name), sweeps, seed, seconds,
                                value))  # fmt: skip
    _show(runs, names)
    return runs


def _samples(name: str) -> bool:
    return kind(name).samples


def _show(runs: Sequence[Run], names: Sequence[str]) -> None:
    if not runs:
        return
    rows, first = [], {run.seed: run.perplexity for run in runs if run.solver == names[0]}
    for name in names:
        mine = [run for run in runs if run.solver == name]
        values, seconds = [run.perplexity for run in mine], [run.seconds for run in mine]
        ratios = [run.perplexity / first[run.seed] for run in mine]
        rows.append((f"{name} {mine[0].version}", str(mine[0].sweeps), str(len(mine)),
                     f"{statistics.median(values):,.1f}",
                     f"{min(values):,.1f} – {max(values):,.1f}",
                     f"{statistics.median(ratios):.4f}",
                     f"{min(ratios):.4f} – {max(ratios):.4f}",
                     f"{statistics.median(seconds):.2f}"))  # fmt: skip
    title = f"{runs[0].data}, K = {runs[0].topics}: held-out perplexity"
    columns = ("solver", "sweeps", "seeds", "perplexity", "min – max", "÷ first", "min – max",
               "seconds")  # fmt: skip
    show(title, columns, rows)
