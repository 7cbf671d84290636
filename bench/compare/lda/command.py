"""Latent Dirichlet allocation, ours and peers': time, quality, memory.

    python -m bench.compare lda                 time to tomotopy's log-likelihood
    python -m bench.compare lda --curves        log-likelihood over time
    python -m bench.compare lda --heldout       held-out perplexity over seeds
    python -m bench.compare lda --memory        peak memory of one fit
    python -m bench.compare lda --scaling       what the second worker buys
    python -m bench.compare lda --transform     topics of new documents
    python -m bench.compare lda --s-error       staleness of the topic totals

All solvers have the priors α = 0.1 and η = 0.01, and leave them there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd

from bench.compare.lda import corpora, curves, footprint, heldout, race, staleness, transform
from bench.compare.lda.solvers import OURS
from bench.harness.command import loaded, parser
from bench.harness.tables import keep

PEERS = ("tomotopy", "gensim", "sklearn")
#: Sweeps of tomotopy that set the target: with `MANY` topics or more, and with fewer.
MANY, SWEEPS = 500, (40, 100)
#: Passes of gensim and scikit-learn.
PASSES = 10


class Mode(NamedTuple):
    """What is measured of one corpus and number of topics, its defaults, and how it is drawn."""

    run: Callable[[corpora.Corpus, int, argparse.Namespace], list[dict[str, Any]]]
    data: list[str]
    topics: list[int]
    repeats: int
    sweeps: int | None = None
    peers: tuple[str, ...] = ("tomotopy",)
    draw: Callable[[pd.DataFrame, str, str], Any] | None = None


MODES = {
    "race": Mode(race.run, ["uci-nips"], [100, 1000], 5),
    "curves": Mode(curves.run, ["uci-nips"], [100, 1000], 1, draw=curves.draw),
    "heldout": Mode(heldout.run, ["uci-nips"], [100], 5, peers=PEERS),
    "memory": Mode(footprint.memory, ["imdb"], [1000], 1, 20),
    "scaling": Mode(footprint.scaling, ["imdb"], [1000], 3, 20),
    "transform": Mode(transform.run, ["imdb"], [100, 1000], 3),
    "s-error": Mode(staleness.run, ["uci-nips"], [100], 1, peers=(), draw=staleness.draw),
}


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Run one of the modes; return its rows."""
    options = _options(arguments)
    mode = MODES[options.mode]
    rows: list[dict[str, Any]] = []
    for corpus in loaded(options.data, corpora.load):
        for topics in options.topics:
            rows += mode.run(corpus, topics, options)
    if rows and not options.tiny:
        path = keep(f"lda-{options.mode}", rows)
        groups = pd.DataFrame(rows).groupby(["data", "topics"], sort=False)
        for (data, topics), group in groups if mode.draw else ():
            drawn = mode.draw(group, f"{path.stem}-{data}-{topics}", f"{data}, K = {topics}")
            print("drawn:", drawn)
    return rows


def _options(arguments: list[str] | None) -> argparse.Namespace:
    made = parser("bench.compare lda", __doc__)
    modes = made.add_mutually_exclusive_group()
    for mode in MODES:
        modes.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode)
    made.add_argument("--data", nargs="+", choices=corpora.NAMES)
    made.add_argument("--topics", nargs="+", type=int)
    made.add_argument("--workers", nargs="*", type=int, default=[1, 2], help="ours")
    made.add_argument("--ours", nargs="+", choices=OURS, default=["strads"],
                        help="random first topics, or groups of documents")  # fmt: skip
    made.add_argument("--peers", nargs="*", choices=PEERS)
    made.add_argument("--peer-workers", nargs="+", type=int, default=[2])
    made.add_argument("--sweeps", type=int, help="of tomotopy, and ours unless they race")
    made.add_argument("--budget", type=float, default=60.0,
                        help="seconds of --transform that a solver may take")  # fmt: skip
    made.set_defaults(mode="race", repeats=None)
    return _completed(made.parse_args(arguments))


def _completed(options: argparse.Namespace) -> argparse.Namespace:
    """Fill in the defaults of the mode, or of a tiny run."""
    mode = MODES[options.mode]
    options.data = ["tiny"] if options.tiny else options.data or mode.data
    options.topics = options.topics or ([5] if options.tiny else mode.topics)
    options.peers = mode.peers if options.peers is None else options.peers
    options.repeats = options.repeats or (1 if options.tiny else mode.repeats)
    fixed = options.sweeps or (4 if options.tiny else mode.sweeps)
    options.sweeps_of = lambda topics: fixed or SWEEPS[topics < MANY]
    options.passes = 1 if options.tiny else PASSES
    return options
