"""Where documents, words and tokens go: a shard of the documents a worker, slices of the words."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from strads.algorithms.common.threads import in_threads
from strads.engine import Partition
from strads.kernels.topics.layout import (
    Corpus,
    count_tokens,
    fill_tokens,
    read_topics,
    write_topics,
)


@dataclass(frozen=True)
class TopicLayout:
    """The order of documents and words, and the cuts.

    Attributes
    ----------
    X : csr_array of shape (documents, words)
    sizes : ndarray
        Tokens of every row of X.
    frequencies : ndarray
        Tokens of every column of X.
    docs : Partition
        In random order, cut by tokens.
    words : ndarray of int64
        Laid-out word → column of X: slice by slice, the frequent words of each first.
    slices : int
    """

    X: Any
    sizes: np.ndarray
    frequencies: np.ndarray
    docs: Partition
    words: np.ndarray
    slices: int

    @staticmethod
    def of(X: Any, workers: int, slices: int, seed: int) -> TopicLayout:
        """Lay a matrix out; neither ids that come by age nor frequent words make shards unequal."""
        order = np.random.default_rng(seed).permutation(X.shape[0])
        sizes, frequencies = (np.asarray(X.sum(axis=axis)).ravel() for axis in (1, 0))
        docs = Partition(Partition.balanced(sizes[order] + 1.0, workers).bounds, order)
        return TopicLayout(X, sizes, frequencies, docs, dealt(frequencies, slices), slices)

    @property
    def word_costs(self) -> np.ndarray:
        """Tokens of every word, as columns of X, and one for the visit."""
        return self.frequencies + 1.0

    @cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of every laid-out document."""
        return self.sizes[self.docs.order]

    def partitions(self) -> dict[str, Partition]:
        """Cuts of the axes that documents and words bring with them."""
        words = Partition.balanced(self.word_costs[self.words], self.docs.workers)
        return {
            "docs": self.docs,
            "words": Partition(words.bounds, self.words),
            "tokens": self.along_docs(self.lengths),
            "crew": Partition.contiguous(self.docs.workers, self.docs.workers),
        }

    def along_docs(self, sizes: np.ndarray) -> Partition:
        """Cut an axis of which every laid-out document has `sizes` ids."""
        ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return Partition(ends[self.docs.bounds])

    def fill(self, first: np.ndarray, doc: np.ndarray) -> None:
        """Set the first token of every worker's words, and every token's document."""
        sizes = np.zeros(first.shape, np.int64)
        self._each(count_tokens, lambda p: (sizes[p, 1:],))
        np.cumsum(sizes, axis=1, out=first)
        first += self.along_docs(self.lengths).bounds[:-1, None]
        at = first.copy()
        self._each(fill_tokens, lambda p: (at[p], doc))

    def read(self, first: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return topics in the order of the matrix."""
        topics = np.empty(z.shape, z.dtype)
        self._pass(read_topics, first, z, topics)
        return topics

    def write(self, first: np.ndarray, z: np.ndarray, topics: np.ndarray) -> None:
        """Set topics, given in the order of the matrix."""
        self._pass(write_topics, first, z, np.array(topics, dtype=z.dtype))

    def _pass(self, function: Any, first: np.ndarray, z: np.ndarray, topics: np.ndarray) -> None:
        at, begin = np.array(first), np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)
        self._each(function, lambda p: (at[p], z, begin, topics))

    def _each(self, function: Any, arguments: Any) -> None:
        """Call a kernel on every shard: what is to be laid out is only here."""
        shards = range(self.docs.workers)
        in_threads(function, [(self._corpus, *self.docs.range(p), *arguments(p)) for p in shards])

    @cached_property
    def _corpus(self) -> Corpus:
        place = np.empty(len(self.words), np.int32)
        place[self.words] = np.arange(len(self.words), dtype=np.int32)
        order = self.docs.order
        assert order is not None
        counts = self.X.data.astype(np.int32, copy=False)
        return Corpus(self.X.indptr, self.X.indices, counts, order.astype(np.int64), place)


def dealt(frequencies: np.ndarray, slices: int) -> np.ndarray:
    """Order words so that slices of equal tokens follow each other.

    Frequent words first, each to the slice that has the fewest tokens so far. A word is never
    split: one that has more tokens than a slice's share makes its slice that much larger.
    """
    order = np.argsort(-frequencies, kind="stable")
    loads = [(0, s) for s in range(slices)]
    home = np.empty(len(order), np.int64)
    for position, w in enumerate(order):
        load, s = loads[0]
        heapq.heapreplace(loads, (load + int(frequencies[w]) + 1, s))
        home[position] = s
    return order[np.argsort(home, kind="stable")].astype(np.int64)
