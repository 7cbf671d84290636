"""Topic models by name: ours, tomotopy, gensim and scikit-learn.

A name is that of a family and a number of workers: ``strads-2``, ``tomotopy-1``; ``grouped-2`` is
ours with the other first topics.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import time
from collections.abc import Iterable
from typing import Any

import scipy.sparse as sp

from bench.compare.lda import corpora, ours, peers
from bench.compare.lda.judge import log_likelihood
from bench.compare.lda.solver import Setting, Solver
from bench.harness import command

#: Families of ours, by their first topics, and those of the peers.
OURS = tuple(ours.SOLVERS)
FAMILIES: dict[str, type[Solver]] = {**ours.SOLVERS, **peers.SOLVERS}


def kind(name: str) -> type[Solver]:
    """Class of a solver."""
    return FAMILIES[name.partition("-")[0]]


def workers(name: str) -> int:
    """Workers that a name asks for."""
    return int(name.partition("-")[2])


def own(options: argparse.Namespace) -> list[str]:
    """Names of ours that options ask for, as far as they are installed."""
    return present(f"{family}-{p}" for family in options.ours for p in options.workers)


def samplers(options: argparse.Namespace) -> list[str]:
    """Names of tomotopy that options ask for, if it is installed."""
    return present(f"tomotopy-{p}" for p in options.peer_workers if "tomotopy" in options.peers)


def everybody(options: argparse.Namespace) -> list[str]:
    """Ours, and every peer with the most workers, as far as they are installed."""
    return own(options) + present(f"{peer}-{max(options.peer_workers)}" for peer in options.peers)


def present(names: Iterable[str]) -> list[str]:
    """Those that are installed; says which are not."""
    return command.present(names, lambda name: command.importable(kind(name).module))


def heading(data: str, topics: int, name: str) -> dict[str, Any]:
    """What every row of results begins with."""
    version = importlib.metadata.version(kind(name).library)
    return {"data": data, "topics": topics, "solver": name, "version": version}


def wanted(name: str, topics: int, options: argparse.Namespace, seed: int = 0) -> Setting:
    """The fit that options ask for: so many sweeps, or passes of a solver that does not sample."""
    sweeps = options.sweeps_of(topics) if kind(name).samples else options.passes
    return Setting(topics, sweeps, workers(name), seed)


def fit(name: str, counts: sp.csr_matrix, setting: Setting) -> tuple[float, Solver]:
    """Seconds of training, and the trained solver."""
    model = kind(name)(counts, setting)
    gc.collect()
    begin = time.perf_counter()
    model.train()
    return time.perf_counter() - begin, model


def warm(name: str, topics: int) -> None:
    """Import and compile before anything is timed."""
    fit(name, corpora.load("tiny").counts, Setting(topics, 1, workers(name)))


def judged(model: Solver) -> float:
    """Log-likelihood a token; NaN of a solver that does not sample topics."""
    tokens = model.tokens()
    if tokens is None:
        return float("nan")
    return log_likelihood(tokens, model.counts, model.setting.topics)
