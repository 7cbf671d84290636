"""Memory and scaling of fits in processes of their own.

*Input* is a process with the corpus in the solver's native form, *peak* the most of all processes
of a fit together. *Scaling* sets one worker against two, and against two processes of one worker
each at the same time, which need not wait for each other: what the machine has to give. Seconds of
a sweep are the difference of two fits of one process, so that what a fit does besides is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from bench.compare.lda import solvers
from bench.compare.lda.child import start
from bench.compare.lda.corpora import Corpus
from bench.harness import footprint
from bench.harness.tables import show_rows


def memory(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Peak memory of one fit of every solver that samples."""
    sweeps, found = options.sweeps_of(topics), []
    for name in solvers.own(options) + solvers.samplers(options):
        found += footprint.measured([start(corpus.name, name, topics, [sweeps])])
    return _shown(corpus, topics, sweeps, found)


def scaling(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """What a second worker buys."""
    if not solvers.present(["strads-1"]):
        return []
    most = options.sweeps_of(topics)
    sweeps = [max(1, most // 4), most]
    found = footprint.scaling(
        lambda name: start(corpus.name, name, topics, sweeps), options.repeats
    )
    rows = _shown(corpus, topics, most, found)
    footprint.show_gains(rows, "sweeps", "sweep")
    return rows


def _shown(
    corpus: Corpus, topics: int, sweeps: int, found: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Rows for the file of results, printed."""
    rows = [solvers.heading(corpus.name, topics, each["solver"]) | {"sweeps": sweeps} | each
            for each in found]  # fmt: skip
    show_rows(
        "{data}, K = {topics}, {sweeps} sweeps",
        [("solver", "{solver} {version}"), ("run", "{what}"), ("seconds", "{seconds:.2f}"),
         ("a sweep", "{sweep:.3f}"), ("s-error", "{error:.2e}"),
         ("input MiB", "{input_mib:,.0f}"), ("peak MiB", "{peak_mib:,.0f}"),
         ("LL a token", "{value:.4f}")],
        rows,
    )  # fmt: skip
    return rows
