"""A corpus to find topics in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import scipy.sparse as sp

from bench.harness.problem import Problem, Setting
from bench.topics.data import Split, corpus, split
from bench.topics.judge import log_likelihood
from bench.topics.solvers import Model

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
