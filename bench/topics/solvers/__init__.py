"""Solvers of topic models, a module each."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Setting
from bench.topics.judge import Tokens, topics_of_words


class Model(ABC):
    """A topic model of one corpus: it is built, which is not timed, trained, and then asked."""

    def __init__(self, counts: sp.csr_matrix, setting: Setting) -> None:
        self.counts, self.setting, self.topics = counts, setting, setting["topics"]

    @classmethod
    def start(cls, problem: Any, setting: Setting, **given: Any) -> Callable[[], Self]:
        """Build a model; the function that is returned trains it."""
        model = cls(problem.load(), setting, **given)

        def train() -> Self:
            model.train()
            return model

        return train

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
        return topics_of_words(tokens, self.counts.shape[1], self.topics)


#: Chunks of a variational solver: at most so many documents, and so many chunks a pass at least.
CHUNK, CHUNKS = 2000, 10


def chunk(counts: sp.csr_matrix) -> int:
    """Documents of a chunk."""
    return max(1, min(CHUNK, counts.shape[0] // CHUNKS))
