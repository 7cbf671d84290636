"""What a topic model under comparison does.

A solver is built from a corpus, which is not timed, trained, which is, and then asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from bench.compare.lda.judge import Tokens, topics_of_words


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
