"""Memory and scaling of fits in processes of their own.

*Input* is a process with the corpus in the solver's native form, *peak* the most of all processes
of a fit together. *Scaling* sets one worker against two, and against two processes of one worker
each at the same time, which need not wait for each other: what the machine has to give. Seconds of
a sweep are the difference of two fits of one process, so that what a fit does besides is left out.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.compare.lda.child import Child
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solvers import Setting, ours, present, version, workers
from bench.compare.memory import Sampler, tree_bytes
from bench.compare.tables import figure, show

#: Runs of scaling: what is compared, and the processes of one run.
SCALING = {"one worker": ["strads-1"], "two workers": ["strads-2"],
           "two processes": ["strads-1", "strads-1"]}  # fmt: skip


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
    names = ours(options)
    names += [f"tomotopy-{p}" for p in options.peer_workers if "tomotopy" in options.peers]
    runs: list[Run] = []
    for name in present(names):
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
    _show_scaling(runs)
    return runs


def _together(
    corpus: Corpus, topics: int, what: str, names: list[str], sweeps: list[int],
    options: argparse.Namespace,
) -> list[Run]:  # fmt: skip
    """Fit in as many processes as names, begun at the same time."""
    children = [Child(corpus.name, name, Setting(topics, 0, workers(name), options.seed), sweeps)
                for name in names]  # fmt: skip
    for each in children:
        each.ready()
    samplers = [Sampler(each.process.pid, options.interval) for each in children]
    inputs = [tree_bytes(each.process.pid) for each in children]
    for each, sampler in zip(children, samplers, strict=True):
        sampler.__enter__()
        each.go()
    reports = [each.report() for each in children]
    runs = []
    for name, size, sampler, report in zip(names, inputs, samplers, reports, strict=True):
        sampler.__exit__()
        peak = max(size, sampler.peak(report.begin, report.end))
        first, last = report.seconds[0], report.seconds[-1]
        sweep = (last - first) / (sweeps[-1] - sweeps[0]) if len(sweeps) > 1 else float("nan")
        runs.append(Run(corpus.name, topics, what, name, version(name), sweeps[-1], last, sweep,
                        report.error, size / 2**20, peak / 2**20, report.value))  # fmt: skip
    return runs


def _show(runs: Sequence[Run]) -> None:
    if not runs:
        return
    first = runs[0]
    show(
        f"{first.data}, K = {first.topics}, {first.sweeps} sweeps",
        ("solver", "run", "seconds", "a sweep", "s-error", "input MiB", "peak MiB", "LL a token"),
        [(f"{run.solver} {run.version}", run.what, f"{run.seconds:.2f}", figure(run.sweep, ".3f"),
          figure(run.error, ".2e"), f"{run.input_mib:,.0f}", f"{run.peak_mib:,.0f}",
          figure(run.value, ".4f")) for run in runs],
    )  # fmt: skip


def _show_scaling(runs: Sequence[Run]) -> None:
    def median(what: str) -> float:
        return statistics.median(run.sweep for run in runs if run.what == what)

    one = median("one worker")
    gains = {"one worker": 1.0, "two workers": one / median("two workers"),
             "two processes": 2.0 * one / median("two processes")}  # fmt: skip
    show("sweeps a second, of one worker's", ("run", "sweeps"),
         [(what, f"{gain:.2f}") for what, gain in gains.items()])  # fmt: skip
