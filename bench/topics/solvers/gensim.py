"""gensim's LdaMulticore: variational, in passes over chunks of documents."""

import logging

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Setting, Solver
from bench.topics.judge import ALPHA, ETA
from bench.topics.solvers import Model, chunk


class Gensim(Model):
    """Takes documents as lists of (word, count)."""

    def __init__(self, counts: sp.csr_matrix, setting: Setting) -> None:
        super().__init__(counts, setting)
        logging.getLogger("gensim").setLevel(logging.ERROR)
        self.documents = self.prepared(counts)
        self.names = {word: str(word) for word in range(counts.shape[1])}

    def train(self) -> None:
        from gensim.models import LdaMulticore

        self.model = LdaMulticore(
            self.documents, num_topics=self.topics, id2word=self.names,
            workers=self.setting["workers"], chunksize=chunk(self.counts),
            passes=self.setting["iterations"], alpha=[ALPHA] * self.topics, eta=ETA,
            eval_every=None, random_state=self.setting.get("seed", 0),
        )  # fmt: skip

    def phi(self) -> np.ndarray:
        return self.model.get_topics().astype(np.float64)

    def prepared(self, counts: sp.csr_matrix) -> list[list[tuple[int, int]]]:
        return [list(zip(row.indices.tolist(), row.data.tolist(), strict=True)) for row in counts]

    def transform(self, documents: list) -> np.ndarray:
        gamma, _ = self.model.inference(documents)
        return gamma / gamma.sum(axis=1, keepdims=True)


SOLVERS = {"gensim": Solver("gensim", Gensim.start, samples=False)}
