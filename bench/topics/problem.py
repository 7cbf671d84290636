"""A corpus to find topics in."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import scipy.sparse as sp

from bench.harness.problem import Problem, Setting
from bench.topics.data import Split, corpus, split
from bench.topics.judge import log_likelihood
from bench.topics.solvers import Model

Rows = list[dict[str, Any]]
#: Documents held out at most: more hardly change a median, and inferring θ takes the judge long.
MOST = 2000


@dataclass(frozen=True)
class Topics(Problem):
    """All documents, or those that are left when some were held out by a seed."""

    package: ClassVar[str] = "bench.topics.solvers"

    data: str
    held: int | None = None
    most: int | None = None  # documents held out at most

    def load(self) -> sp.csr_matrix:
        """Read the counts to train on; the last ones are remembered."""
        return corpus(self.data) if self.held is None else self.split.train

    @property
    def split(self) -> Split:
        """What is trained on and what is held out."""
        assert self.held is not None
        return split(self.data, self.held, self.most)

    def judge(self, answer: Model, setting: Setting) -> dict[str, Any]:
        """Log-likelihood a token (NaN without topics of tokens); its negative is compared."""
        tokens, value = answer.tokens(), float("nan")
        if tokens is not None:
            value = log_likelihood(tokens, answer.counts, answer.topics)
        return {"value": -value, "likelihood": value, "error": answer.error()}


class Plan(NamedTuple):
    """What is asked for of one corpus and number of topics, and which solvers that means."""

    data: str
    topics: int
    sweeps: int  # of tomotopy, and of ours unless they race
    passes: int  # of a solver that does not sample
    repeats: int
    cold: bool
    budget: float  # seconds
    ours: list[str]
    peers: list[str]  # without workers
    crews: list[int]  # workers of peers

    @property
    def samplers(self) -> list[str]:
        """tomotopy with every number of workers, if it is asked for and installed."""
        return Topics.present(f"{peer}-{crew}" for peer in self.peers for crew in self.crews
                              if peer == "tomotopy")  # fmt: skip

    @property
    def everybody(self) -> list[str]:
        """Ours, and every peer with the most workers, as far as they are installed."""
        return self.ours + Topics.present(f"{peer}-{max(self.crews)}" for peer in self.peers)

    def setting(self, name: str, seed: int = 0) -> Setting:
        """The fit of a solver: so many sweeps, or passes of one that does not sample."""
        sampled = Topics.solver(name)[0].samples
        return {"topics": self.topics, "iterations": self.sweeps if sampled else self.passes,
                "seed": seed}  # fmt: skip

    def warm(self, name: str) -> None:
        """Import and compile before anything is timed."""
        Topics("tiny").fit(name, self.setting(name) | {"iterations": 1})
