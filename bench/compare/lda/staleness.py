"""The s-error: how far workers' copies of the topic totals are from the truth, and what it buys.

The mean over workers and rounds of Σ_k |copy − truth| / tokens (Lee et al., NIPS 2014), sweep by
sweep, for several numbers of workers and of exchanges in a sweep. It follows from the seed and the
number of workers, not from the cores; seconds are given where there is a core for every worker.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.compare.lda import ours
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solver import Setting
from bench.compare.lda.solvers import present, warm
from bench.harness.pictures import picture
from bench.harness.tables import number, show

#: Exchanges in a sweep, of every worker.
SYNCS = (1, 2, 8, 32)
#: Styles of lines that can be told apart in grey, by workers, and marks, by exchanges.
LINES, MARKS = ("-", "--", ":", "-."), ("o", "s", "^", "x")


@dataclass(frozen=True)
class Sweep:
    """One sweep of one fit."""

    data: str
    topics: int
    workers: int
    syncs: int
    sweep: int
    s_error: float
    value: float  # log-likelihood a token, where it was evaluated
    seconds: float  # of a sweep, on average over the fit; NaN with more workers than cores


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[Sweep]:
    """Every number of workers above one with every number of exchanges."""
    sweeps: list[Sweep] = []
    for workers in [p for p in options.workers if p > 1 and present([f"strads-{p}"])]:
        warm(f"strads-{workers}", topics)
        setting = Setting(topics, options.sweeps_of(topics), workers, options.seed)
        for each in SYNCS:
            sweeps += _sweeps(corpus, setting, each * workers)
    _show(sweeps)
    return sweeps


def draw(sweeps: Sequence[Sweep], stem: str) -> Path | None:
    """Draw the s-error over the sweeps of one corpus, if matplotlib is there."""

    def paint(figure: Any, axes: Any) -> None:
        crews = list(dict.fromkeys(each.workers for each in sweeps))
        for workers, syncs in dict.fromkeys((each.workers, each.syncs) for each in sweeps):
            mine = [each for each in sweeps if (each.workers, each.syncs) == (workers, syncs)]
            every = max(1, len(mine) // 8)
            axes.plot([each.sweep for each in mine], [each.s_error for each in mine], color="0.2",
                      linestyle=LINES[crews.index(workers) % len(LINES)], linewidth=1.0,
                      marker=MARKS[SYNCS.index(syncs // workers)], markersize=4,
                      markevery=(0, every),
                      label=f"{workers} workers, {syncs} exchanges")  # fmt: skip
        axes.set(yscale="log", xlabel="sweep", ylabel="s-error",
                 title=f"{sweeps[0].data}, K = {sweeps[0].topics}")  # fmt: skip
        figure.legend(loc="outside right upper", fontsize="small")

    return picture(f"{stem}-{sweeps[0].data}-{sweeps[0].topics}", paint, (7.5, 4.0))


def _sweeps(corpus: Corpus, setting: Setting, syncs: int) -> list[Sweep]:
    model = ours.estimator(setting, syncs_per_sweep=syncs).fit(corpus.counts)
    phases = model.statistics_["phases"]["main"]
    enough = setting.workers <= len(os.sched_getaffinity(0))
    seconds = phases["seconds"] / setting.sweeps if enough else float("nan")
    return [Sweep(corpus.name, setting.topics, setting.workers, syncs, at, step["s_error"],
                  step.get(ours.EVALUATED, float("nan")), seconds)
            for at, step in enumerate(model.history_, 1)]  # fmt: skip


def _show(sweeps: Sequence[Sweep]) -> None:
    if not sweeps:
        return
    fits = dict.fromkeys((each.workers, each.syncs) for each in sweeps)
    rows = []
    for fit in fits:
        mine = [each for each in sweeps if (each.workers, each.syncs) == fit]
        rows.append((f"{fit[0]} workers, {fit[1]} exchanges", f"{mine[0].s_error:.1e}",
                     f"{mine[-1].s_error:.1e}", f"{mine[-1].value:.4f}",
                     number(mine[-1].seconds, ".4f")))  # fmt: skip
    show(f"{sweeps[0].data}, K = {sweeps[0].topics}, {sweeps[-1].sweep} sweeps: s-error",
         ("run", "first sweep", "last", "LL a token", "seconds a sweep"), rows)  # fmt: skip
