"""scikit-learn's: variational, learning online."""

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Solver
from bench.topics.judge import ALPHA, ETA
from bench.topics.solvers import Model, chunk


class Sklearn(Model):
    """Takes CSR."""

    def train(self) -> None:
        from sklearn.decomposition import LatentDirichletAllocation

        self.model = LatentDirichletAllocation(
            self.topics, doc_topic_prior=ALPHA, topic_word_prior=ETA, learning_method="online",
            batch_size=chunk(self.counts), max_iter=self.setting["iterations"],
            n_jobs=self.setting["workers"], random_state=self.setting.get("seed", 0),
        ).fit(self.counts)  # fmt: skip

    def phi(self) -> np.ndarray:
        components = self.model.components_
        return components / components.sum(axis=1, keepdims=True)

    def transform(self, documents: sp.csr_matrix) -> np.ndarray:
        return self.model.transform(documents)


SOLVERS = {"sklearn": Solver("scikit-learn", Sklearn.start, "sklearn", samples=False)}
