"""New documents: how many a second, and how good their θ is.

Solvers are trained on nine tenths of a corpus and given one half of every other document; each says
by its own routine what the topics are. Quality is the perplexity of the other half, by that θ and,
beside it, by the judge's for the same topics. tomotopy by default copies its tables for every
document: a solver is given the first documents that fit into a budget of time, and everybody's
perplexity is over documents that all were given.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.compare.lda import judge
from bench.compare.lda.corpora import Corpus, Split, split
from bench.compare.lda.solver import Setting, Solver
from bench.compare.lda.solvers import everybody, fit, kind, version, workers
from bench.harness.tables import show

#: Documents whose θ the judge infers, too.
JUDGED = 500
#: Documents that a solver is tried with first.
FEW = 16


@dataclass
class Run:
    """One solver."""

    data: str
    topics: int
    solver: str
    version: str
    documents: int
    tokens: int
    seconds: float  # median
    rate: float  # documents a second
    perplexity: float = float("nan")
    judges: float = float("nan")


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[Run]:
    """All solvers on one corpus."""
    part, runs, thetas, phis = split(corpus, options.seed), [], [], []
    for name in everybody(options):
        sweeps = options.sweeps_of(topics) if kind(name).samples else options.passes
        setting = Setting(topics, sweeps, workers(name), options.seed)
        model = fit(name, part.train.counts, setting)[1]
        phi, documents = model.phi(), model.prepared(part.observed)
        for label, infer in _ways(name, model):
            theta, seconds = _timed(infer, documents, part.observed.shape[0], options)
            tokens = int(part.observed[: len(theta)].data.sum(dtype=np.int64))
            runs.append(Run(corpus.name, topics, label, version(name), len(theta), tokens, seconds,
                            len(theta) / seconds))  # fmt: skip
            thetas.append(theta)
            phis.append(phi)
    _judge(part, runs, thetas, phis)
    _show(runs)
    return runs


def _ways(name: str, model: Solver) -> list[tuple[str, Callable[[Any], np.ndarray]]]:
    """A solver's routines that infer θ, each with its name."""
    ways: list[tuple[str, Callable[[Any], np.ndarray]]] = [(name, model.transform)]
    if name.startswith("tomotopy"):
        ways.append((f"{name}, together", partial(model.transform, together=True)))
    return ways


def _timed(
    infer: Callable[[Any], np.ndarray], documents: Any, count: int, options: argparse.Namespace
) -> tuple[np.ndarray, float]:
    """θ of as many documents as the budget allows, and the median of the seconds they took."""
    few = min(count, FEW)
    _clocked(infer, documents[:few])  # compiled, and warm
    while few < count:
        _, seconds = _clocked(infer, documents[:few])
        allowed = int(few * options.budget / options.repeats / seconds)
        if allowed < 2 * few:
            break
        few = min(count, allowed, 10 * few)
    found = [_clocked(infer, documents[:few]) for _ in range(options.repeats)]
    return found[-1][0], statistics.median(seconds for _, seconds in found)


def _clocked(infer: Callable[[Any], np.ndarray], documents: Any) -> tuple[np.ndarray, float]:
    begin = time.perf_counter()
    theta = infer(documents)
    return theta, time.perf_counter() - begin


def _judge(part: Split, runs: list[Run], thetas: list[np.ndarray], phis: list[np.ndarray]) -> None:
    few = min([JUDGED, *map(len, thetas)])
    for each, theta, phi in zip(runs, thetas, phis, strict=True):
        each.perplexity = judge.perplexity(theta[:few], phi, part.hidden[:few])
        theirs = judge.proportions(phi, part.observed[:few])
        each.judges = judge.perplexity(theirs, phi, part.hidden[:few])


def _show(runs: Sequence[Run]) -> None:
    if not runs:
        return
    few = min([JUDGED, *(run.documents for run in runs)])
    show(
        f"{runs[0].data}, K = {runs[0].topics}: θ of new documents; perplexity of the first {few}",
        ("solver", "documents", "tokens", "seconds", "documents/s", "perplexity", "judge's θ"),
        [(f"{run.solver} {run.version}", f"{run.documents:,}", f"{run.tokens:,}",
          f"{run.seconds:.3f}", f"{run.rate:,.0f}", f"{run.perplexity:,.1f}",
          f"{run.judges:,.1f}") for run in runs],
    )  # fmt: skip
