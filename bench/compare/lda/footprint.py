"""Memory and scaling of fits in processes of their own.

*Input* is a process with the corpus in the solver's native form, *peak* the most of all processes
of a fit together. *Scaling* sets one worker against two, and against two processes of one worker
each at the same time, which need not wait for each other: what the machine has to give. Seconds of
a sweep are the difference of two fits of one process, so that what a fit does besides is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from bench.compare.lda import solvers
from bench.compare.lda.child import start
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solver import Setting
from bench.compare.lda.solvers import present, version, workers
from bench.harness.process import SCALING, gains, together
from bench.harness.tables import number, show


@dataclass(frozen=True)
class Run:
    """One process; sizes in MiB."""

    data: str
    topics: int
    what: str
    solver: str
    version: str
    sweeps: int
    seconds: float  # of the longest fit
    sweep: float  # of a sweep; NaN of a single fit
    error: float  # s-error of a sweep, on average
    input_mib: float
    peak_mib: float
    value: float  # log-likelihood a token


def memory(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[Run]:
    """Peak memory of one fit of every solver that samples."""
    runs: list[Run] = []
    for name in solvers.own(options) + solvers.samplers(options):
        runs += _together(corpus, topics, "alone", [name], [options.sweeps_of(topics)], options)
    _show(runs)
    return runs


def scaling(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[Run]:
    """What a second worker buys."""
    runs: list[Run] = []
    if not present(["strads-1"]):
        return runs
    most = options.sweeps_of(topics)
    for _ in range(options.repeats):
        for what, names in SCALING.items():
            runs += _together(corpus, topics, what, names, [max(1, most // 4), most], options)
    _show(runs)
    show("sweeps a second, of one worker's", ("run", "sweeps"),
         gains((run.what, run.sweep) for run in runs))  # fmt: skip
    return runs


def _together(
    corpus: Corpus, topics: int, what: str, names: list[str], sweeps: list[int],
    options: argparse.Namespace,
) -> list[Run]:  # fmt: skip
    """Fit in as many processes as names, begun at the same time."""
    children = [start(corpus.name, name, Setting(topics, 0, workers(name), options.seed), sweeps)
                for name in names]  # fmt: skip
    runs = []
    for name, (answer, before, peak) in zip(
        names, together(children, options.interval), strict=True
    ):
        first, last = answer["seconds"][0], answer["seconds"][-1]
        sweep = (last - first) / (sweeps[-1] - sweeps[0]) if len(sweeps) > 1 else float("nan")
        runs.append(Run(corpus.name, topics, what, name, version(name), sweeps[-1], last, sweep,
                        answer["error"], before / 2**20, peak / 2**20,
                        answer["value"]))  # fmt: skip
    return runs


def _show(runs: Sequence[Run]) -> None:
    if not runs:
        return
    first = runs[0]
    show(
        f"{first.data}, K = {first.topics}, {first.sweeps} sweeps",
        ("solver", "run", "seconds", "a sweep", "s-error", "input MiB", "peak MiB", "LL a token"),
        [(f"{run.solver} {run.version}", run.what, f"{run.seconds:.2f}", number(run.sweep, ".3f"),
          number(run.error, ".2e"), f"{run.input_mib:,.0f}", f"{run.peak_mib:,.0f}",
          number(run.value, ".4f")) for run in runs],
    )  # fmt: skip
