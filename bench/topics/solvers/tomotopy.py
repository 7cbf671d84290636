"""tomotopy, which samples as we do.

It is given its documents and its first topics before the clock runs, and its scheme of partitions,
which like ours moves words between workers.
"""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Setting, Solver
from bench.topics.judge import ALPHA, ETA, Tokens
from bench.topics.solvers import Model


class Tomotopy(Model):
    """Takes lists of words, once a model."""

    def __init__(self, counts: sp.csr_matrix, setting: Setting) -> None:
        import tomotopy

        super().__init__(counts, setting)
        self.scheme = tomotopy.ParallelScheme.PARTITION
        seed = setting.get("seed", 0)
        self.model = tomotopy.LDAModel(k=self.topics, alpha=ALPHA, eta=ETA, seed=seed)
        self.model.optim_interval = 0
        for words in documents_of(counts):
            self.model.add_doc(words)
        self.sweep(0)

    def train(self) -> None:
        self.sweep(self.setting["iterations"])

    def sweep(self, sweeps: int) -> None:
        """Go on for so many sweeps."""
        self.model.train(sweeps, workers=self.setting["workers"], parallel=self.scheme)

    def tokens(self) -> Tokens:
        known = np.array([int(word) for word in self.model.used_vocabs], dtype=np.int32)
        words = [document.words for document in self.model.docs]
        sizes = [len(each) for each in words]
        documents = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        topics = np.concatenate([document.topics for document in self.model.docs])
        return Tokens(documents, known[np.concatenate(words)], topics)

    def prepared(self, counts: sp.csr_matrix) -> list:
        # An empty document may not be made: tomotopy would end the process.
        known = {*self.model.used_vocabs}
        return [self.model.make_doc(words) if known.intersection(words) else None
                for words in documents_of(counts)]  # fmt: skip

    def transform(self, documents: list, *, together: bool = False) -> np.ndarray:
        """θ by tomotopy's own number of iterations; *together* it does not copy its tables."""
        theta = np.full((len(documents), self.topics), 1.0 / self.topics)
        some = [at for at, document in enumerate(documents) if document is not None]
        found, _ = self.model.infer([documents[at] for at in some], together=together,
                                    workers=self.setting["workers"])  # fmt: skip
        theta[some] = found
        return theta


def documents_of(counts: sp.csr_matrix) -> Iterator[list[str]]:
    """Words of every document, by the number of their column."""
    names = np.array([str(word) for word in range(counts.shape[1])], dtype=object)
    for d in range(counts.shape[0]):
        row = slice(counts.indptr[d], counts.indptr[d + 1])
        yield names[np.repeat(counts.indices[row], counts.data[row])].tolist()


SOLVERS = {"tomotopy": Solver("tomotopy", Tomotopy.start)}
