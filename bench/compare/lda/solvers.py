"""Solvers under comparison: ours, tomotopy, gensim and scikit-learn.

A solver is built from a corpus, which is not timed, trained, which is, and then asked. Names are
those of `SOLVERS` and a number of workers: ``strads-2``, ``tomotopy-1``; ``grouped-2`` is ours with
the other first topics.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.metadata
import importlib.util
import time
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from bench.compare.lda import corpora
from bench.compare.lda.judge import Tokens, topics_of_words

#: Families of ours, by their first topics.
OURS = ("strads", "grouped")


class Setting(NamedTuple):
    """One fit; *sweeps* are passes over the corpus."""

    topics: int
    sweeps: int
    workers: int
    seed: int = 0


class Solver(ABC):
    """A model of one corpus."""

    #: Distribution and module.
    library: str
    module: str
    #: Whether it samples a topic for every token, sweep by sweep.
    samples: bool

    def __init__(self, counts: sp.csr_matrix, setting: Setting) -> None:
        self.counts, self.setting = counts, setting

    @abstractmethod
    def train(self) -> None:
        """What a user waits for."""

    @abstractmethod
    def transform(self, documents: Any) -> np.ndarray:
        """The solver's own θ of new documents, shape (documents, topics)."""

    def prepared(self, counts: sp.csr_matrix) -> Any:
        """New documents in the form that `transform` takes, which can be cut short."""
        return counts

    def tokens(self) -> Tokens | None:
        """Topic of every token, of solvers that sample them."""
        return None

    def error(self) -> float:
        """Mean s-error of a sweep, of solvers that tell: staleness of what workers share."""
        return float("nan")

    def phi(self) -> np.ndarray:
        """Share of every word in every topic, shape (topics, words)."""
        tokens = self.tokens()
        assert tokens is not None
        return topics_of_words(tokens, self.counts.shape[1], self.setting.topics)


def kind(name: str) -> type[Solver]:
    """A solver by name, without or with workers."""
    family = name.partition("-")[0]
    module = "ours" if family in OURS else "peers"
    return importlib.import_module(f"bench.compare.lda.{module}").SOLVERS[family]


def ours(options: argparse.Namespace) -> list[str]:
    """Names of ours that options ask for."""
    return [f"{family}-{p}" for family in options.ours for p in options.workers]


def workers(name: str) -> int:
    """Workers that a name asks for."""
    return int(name.partition("-")[2])


def installed(name: str) -> bool:
    """Whether a solver can be called here."""
    if importlib.util.find_spec(kind(name).module) is None:
        return False
    if name.partition("-")[0] not in OURS:
        return True
    return hasattr(importlib.import_module("strads"), "LatentDirichletAllocation")


def present(names: list[str]) -> list[str]:
    """Those that are installed; says which are not."""
    for name in names:
        if not installed(name):
            print(f"skipped: {name} is not installed")
    return [name for name in names if installed(name)]


def version(name: str) -> str:
    """Version of a solver's library."""
    return importlib.metadata.version(kind(name).library)


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
