"""Held-out quality: perplexity of one half of a document, the other half observed.

A tenth of the documents, 2,000 at most, are held out by a seed, which is also that of the fit. From
the topics that a solver returns, the judge infers θ for all in the same way. Documents held out
differ more than solvers do, so each is also divided by the first of the same seed.
"""

from __future__ import annotations

import argparse
from typing import Any

import pandas as pd

from bench.compare.lda import judge
from bench.compare.lda.corpora import Corpus, split
from bench.compare.lda.solvers import everybody, fit, heading, kind, wanted, warm
from bench.harness.tables import show_rows

#: Documents held out at most: more hardly change a median, and inferring θ takes the judge long.
MOST = 2000


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run all solvers on one corpus; solvers that do not sample topics use the first seed only."""
    rows: list[dict[str, Any]] = []
    names = everybody(options)
    for name in names:
        warm(name, topics)
    for seed in range(options.repeats):
        part = split(corpus, seed, MOST)
        for name in [name for name in names if seed == 0 or kind(name).samples]:
            setting = wanted(name, topics, options, seed)
            seconds, model = fit(name, part.train.counts, setting)
            phi = model.phi()
            theta = judge.proportions(phi, part.observed)
            rows.append(heading(corpus.name, topics, name)
                        | {"sweeps": setting.sweeps, "seed": seed, "seconds": seconds,
                           "perplexity": judge.perplexity(theta, phi, part.hidden)})  # fmt: skip
    if rows:
        _show(rows)
    return rows


def _show(rows: list[dict[str, Any]]) -> None:
    runs = pd.DataFrame(rows)
    first = runs[runs["solver"] == rows[0]["solver"]].set_index("seed")["perplexity"]
    runs["ratio"] = runs["perplexity"] / runs["seed"].map(first)
    solvers = runs.groupby(["data", "topics", "solver", "version", "sweeps"], sort=False)
    table = solvers.agg(
        seeds=("seed", "size"), seconds=("seconds", "median"),
        perplexity=("perplexity", "median"), low=("perplexity", "min"), high=("perplexity", "max"),
        ratio=("ratio", "median"), least=("ratio", "min"), most=("ratio", "max"),
    )  # fmt: skip
    show_rows(
        "{data}, K = {topics}: held-out perplexity",
        [("solver", "{solver} {version}"), ("sweeps", "{sweeps}"), ("seeds", "{seeds}"),
         ("perplexity", "{perplexity:,.1f}"), ("min – max", "{low:,.1f} – {high:,.1f}"),
         ("÷ first", "{ratio:.4f}"), ("min – max", "{least:.4f} – {most:.4f}"),
         ("seconds", "{seconds:.2f}")],
        table.reset_index().to_dict("records"),
    )  # fmt: skip
