"""Our estimator, called as the peers are: the only place of the comparison that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.compare.lda import corpora
from bench.compare.lda.judge import ALPHA, ETA, Tokens
from bench.compare.lda.solver import Setting, Solver

EVALUATED = "log_likelihood_per_token"


class Strads(Solver):
    """Takes CSR."""

    library = module = "strads"
    samples = True
    init = "random"

    def train(self) -> None:
        self.model = estimator(self.setting, init=self.init).fit(self.counts)

    def tokens(self) -> Tokens:
        return Tokens(*corpora.tokens(self.counts), np.asarray(self.model.assignments_))

    def error(self) -> float:
        errors = [sweep["s_error"] for sweep in self.model.history_ if "s_error" in sweep]
        return float(np.mean(errors)) if errors else float("nan")

    def transform(self, documents: sp.csr_matrix) -> np.ndarray:
        return self.model.transform(documents)


class Grouped(Strads):
    """Topics begin as groups of documents."""

    init = "grouped"


def estimator(setting: Setting, **given: Any) -> Any:
    """The estimator of a setting."""
    from strads import LatentDirichletAllocation

    given = {"evaluate_every": 0} | given
    return LatentDirichletAllocation(
        setting.topics, doc_topic_prior=ALPHA, topic_word_prior=ETA, max_iter=setting.sweeps,
        n_workers=setting.workers, random_state=setting.seed, **given,
    )  # fmt: skip


def sweeps_until(
    counts: sp.csr_matrix, setting: Setting, reached: Callable[[float], bool], init: str = "random"
) -> int:
    """First sweep at which the model's own log-likelihood will do; 0 if there is none."""
    values: list[float] = []

    def note(step: Any) -> bool:
        values.append(step.figures[EVALUATED])
        return reached(values[-1])

    estimator(setting, init=init, evaluate_every=1, callbacks=note).fit(counts)
    return len(values) if values and reached(values[-1]) else 0


SOLVERS = {"strads": Strads, "grouped": Grouped}
