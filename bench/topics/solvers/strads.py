"""Ours: topics of tokens begin at random, or, *grouped*, as groups of documents."""

from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Setting, Solver
from bench.topics.data import tokens
from bench.topics.judge import ALPHA, ETA, Tokens
from bench.topics.solvers import Model


class Strads(Model):
    """Takes CSR."""

    def __init__(self, counts: sp.csr_matrix, setting: Setting, **given: Any) -> None:
        super().__init__(counts, setting)
        self.given = {"evaluate_every": 0} | given

    def train(self) -> None:
        from strads import LatentDirichletAllocation

        self.model = LatentDirichletAllocation(
            self.topics, doc_topic_prior=ALPHA, topic_word_prior=ETA,
            max_iter=self.setting["iterations"], n_workers=self.setting["workers"],
            random_state=self.setting.get("seed", 0), **self.given,
        ).fit(self.counts)  # fmt: skip

    def tokens(self) -> Tokens:
        return Tokens(*tokens(self.counts), np.asarray(self.model.assignments_))

    def error(self) -> float:
        errors = [sweep["s_error"] for sweep in self.model.history_ if "s_error" in sweep]
        return float(np.mean(errors)) if errors else float("nan")

    def transform(self, documents: sp.csr_matrix) -> np.ndarray:
        return self.model.transform(documents)


SOLVERS = {
    "strads": Solver("strads", Strads.start),
    "grouped": Solver("strads", partial(Strads.start, init="grouped")),
}
