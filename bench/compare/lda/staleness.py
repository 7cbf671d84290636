"""The s-error: how far workers' copies of the topic totals are from the truth, and what it buys.

The mean over workers and rounds of Σ_k |copy − truth| / tokens (Lee et al., NIPS 2014), sweep by
sweep, for several numbers of workers and of exchanges in a sweep. It follows from the seed and the
number of workers, not from the cores; seconds are given where there is a core for every worker.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import pandas as pd

from bench.compare.lda import ours, solvers
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solver import Setting
from bench.harness.pictures import picture
from bench.harness.tables import show_rows

#: Exchanges in a sweep, of every worker.
SYNCS = (1, 2, 8, 32)
#: Styles of lines that can be told apart in grey, by workers, and marks, by exchanges.
LINES, MARKS = ("-", "--", ":", "-."), ("o", "s", "^", "x")


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every number of workers above one with every number of exchanges; a row for every sweep."""
    rows: list[dict[str, Any]] = []
    for name in solvers.present(f"strads-{p}" for p in options.workers if p > 1):
        solvers.warm(name, topics)
        setting = solvers.wanted(name, topics, options)
        for each in SYNCS:
            rows += _sweeps(corpus, setting, each * setting.workers)
    if rows:
        _show(rows)
    return rows


def draw(rows: pd.DataFrame, name: str, title: str) -> Path | None:
    """Draw the s-error over the sweeps of one corpus, if matplotlib is there."""

    def paint(figure: Any, axes: Any) -> None:
        crews = list(rows["workers"].unique())
        for (workers, syncs), mine in rows.groupby(["workers", "syncs"], sort=False):
            axes.plot(mine["sweep"], mine["s_error"], color="0.2",
                      linestyle=LINES[crews.index(workers) % len(LINES)], linewidth=1.0,
                      marker=MARKS[SYNCS.index(syncs // workers)], markersize=4,
                      markevery=(0, max(1, len(mine) // 8)),
                      label=f"{workers} workers, {syncs} exchanges")  # fmt: skip
        axes.set(yscale="log", xlabel="sweep", ylabel="s-error", title=title)
        figure.legend(loc="outside right upper", fontsize="small")

    return picture(name, paint, (7.5, 4.0))


def _sweeps(corpus: Corpus, setting: Setting, syncs: int) -> list[dict[str, Any]]:
    """Rows of one fit; *value* is the log-likelihood a token, where it was evaluated.

    *Seconds* are those of a sweep, on average over the fit; NaN with more workers than cores.
    """
    model = ours.estimator(setting, syncs_per_sweep=syncs).fit(corpus.counts)
    phases = model.statistics_["phases"]["main"]
    enough = setting.workers <= len(os.sched_getaffinity(0))
    seconds = phases["seconds"] / setting.sweeps if enough else float("nan")
    return [{"data": corpus.name, "topics": setting.topics, "workers": setting.workers,
             "syncs": syncs, "sweep": at, "s_error": step["s_error"],
             "value": step.get(ours.EVALUATED, float("nan")), "seconds": seconds}
            for at, step in enumerate(model.history_, 1)]  # fmt: skip


def _show(rows: list[dict[str, Any]]) -> None:
    fits = pd.DataFrame(rows).groupby(["data", "topics", "workers", "syncs"], sort=False)
    table = fits.agg(sweeps=("sweep", "last"), first=("s_error", "first"),
                     last=("s_error", "last"), value=("value", "last"),
                     seconds=("seconds", "last"))  # fmt: skip
    show_rows(
        "{data}, K = {topics}, {sweeps} sweeps: s-error",
        [("run", "{workers} workers, {syncs} exchanges"), ("first sweep", "{first:.1e}"),
         ("last", "{last:.1e}"), ("LL a token", "{value:.4f}"),
         ("seconds a sweep", "{seconds:.4f}")],
        table.reset_index().to_dict("records"),
    )  # fmt: skip
