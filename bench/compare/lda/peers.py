"""Peers: tomotopy, gensim's LdaMulticore and scikit-learn's, at the same fixed priors.

tomotopy samples as we do: it is given its documents and its first topics before the clock runs, and
its scheme of partitions, which like ours moves words between workers. The other two are variational
and make passes over chunks of documents; chunks are small enough for ten in a pass.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

from bench.compare.lda.judge import ALPHA, ETA, Tokens
from bench.compare.lda.solver import Setting, Solver

#: Chunks of a variational solver: at most so many documents, and so many chunks a pass at least.
CHUNK, CHUNKS = 2000, 10


class Tomotopy(Solver):
    """Takes lists of words, once a model."""

    library = module = "tomotopy"
    samples = True

    def __init__(self, counts: sp.csr_matrix, setting: Setting) -> None:
        import tomotopy

        super().__init__(counts, setting)
        self.scheme = tomotopy.ParallelScheme.PARTITION
        self.model = tomotopy.LDAModel(k=setting.topics, alpha=ALPHA, eta=ETA, seed=setting.seed)
        self.model.optim_interval = 0
        for words in _documents(counts):
            self.model.add_doc(words)
        self.sweep(0)

    def train(self) -> None:
        self.sweep(self.setting.sweeps)

    def sweep(self, sweeps: int) -> None:
        """Go on for so many sweeps."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that workers may differ from fit to fit
            self.model.train(sweeps, workers=self.setting.workers, parallel=self.scheme)

    def tokens(self) -> Tokens:
        known = np.array([int(word) for word in self.model.used_vocabs], dtype=np.int32)
        words, topics, sizes = [], [], []
        for document in self.model.docs:
            words.append(document.words)
            topics.append(document.topics)
            sizes.append(len(words[-1]))
        documents = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        return Tokens(documents, known[np.concatenate(words)], np.concatenate(topics))

    def prepared(self, counts: sp.csr_matrix) -> list:
        # An empty document may not be made: tomotopy would end the process.
        known = {*self.model.used_vocabs}
        return [self.model.make_doc(words) if known.intersection(words) else None
                for words in _documents(counts)]  # fmt: skip

    def transform(self, documents: list, *, together: bool = False) -> np.ndarray:
        """θ by tomotopy's own number of iterations; *together* it does not copy its tables."""
        theta = np.full((len(documents), self.setting.topics), 1.0 / self.setting.topics)
        some = [at for at, document in enumerate(documents) if document is not None]
        found, _ = self.model.infer([documents[at] for at in some], workers=self.setting.workers,
                                    together=together)  # fmt: skip
        theta[some] = found
        return theta


class Gensim(Solver):
    """Takes documents as lists of (word, count)."""

    library = module = "gensim"
    samples = False

    def __init__(self, counts: sp.csr_matrix, setting: Setting) -> None:
        super().__init__(counts, setting)
        logging.getLogger("gensim").setLevel(logging.ERROR)
        self.documents = _pairs(counts)
        self.names = {word: str(word) for word in range(counts.shape[1])}

    def train(self) -> None:
        from gensim.models import LdaMulticore

        topics = self.setting.topics
        self.model = LdaMulticore(
            self.documents, num_topics=topics, id2word=self.names, workers=self.setting.workers,
            chunksize=_chunk(self.counts), passes=self.setting.sweeps, alpha=[ALPHA] * topics,
            eta=ETA, eval_every=None, random_state=self.setting.seed,
        )  # fmt: skip

    def phi(self) -> np.ndarray:
        return self.model.get_topics().astype(np.float64)

    def prepared(self, counts: sp.csr_matrix) -> list:
        return _pairs(counts)

    def transform(self, documents: list) -> np.ndarray:
        gamma, _ = self.model.inference(documents)
        return gamma / gamma.sum(axis=1, keepdims=True)


class Sklearn(Solver):
    """Takes CSR; learns online."""

    library, module = "scikit-learn", "sklearn"
    samples = False

    def train(self) -> None:
        from sklearn.decomposition import LatentDirichletAllocation

        self.model = LatentDirichletAllocation(
            self.setting.topics, doc_topic_prior=ALPHA, topic_word_prior=ETA,
            learning_method="online", batch_size=_chunk(self.counts),
            max_iter=self.setting.sweeps, n_jobs=self.setting.workers,
            random_state=self.setting.seed,
        ).fit(self.counts)  # fmt: skip

    def phi(self) -> np.ndarray:
        components = self.model.components_
        return components / components.sum(axis=1, keepdims=True)

    def transform(self, documents: sp.csr_matrix) -> np.ndarray:
        return self.model.transform(documents)


def _documents(counts: sp.csr_matrix) -> Iterator[list[str]]:
    """Words of every document, by the number of their column."""
    names = np.array([str(word) for word in range(counts.shape[1])], dtype=object)
    for d in range(counts.shape[0]):
        row = slice(counts.indptr[d], counts.indptr[d + 1])
        yield names[np.repeat(counts.indices[row], counts.data[row])].tolist()


def _pairs(counts: sp.csr_matrix) -> list[list[tuple[int, int]]]:
    ends = zip(counts.indptr[:-1], counts.indptr[1:], strict=True)
    return [list(zip(counts.indices[a:b].tolist(), counts.data[a:b].tolist(), strict=True))
            for a, b in ends]  # fmt: skip


def _chunk(counts: sp.csr_matrix) -> int:
    return max(1, min(CHUNK, counts.shape[0] // CHUNKS))


SOLVERS = {"tomotopy": Tomotopy, "gensim": Gensim, "sklearn": Sklearn}
