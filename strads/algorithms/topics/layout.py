"""The order of documents, words and tokens in memory: documents by worker, words by slice."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from strads.algorithms.common.threads import in_threads
from strads.algorithms.topics.counts.mapped_counts import MappedCounts
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
    """The order of documents and words, their partitions, and the conversion to and from X.

    Attributes
    ----------
    X : csr_array or MappedCounts of shape (documents, words)
        Counts of the words.
    sizes : ndarray
        Number of tokens in every row of X.
    frequencies : ndarray
        Number of tokens in every column of X.
    docs : Partition
        Partition of the documents, in random order, balanced by tokens.
    words : ndarray of int64
        Column of X of every laid-out word: slice by slice, in each the frequent words first.
    slices : int
        Number of slices of the words.
    """

    X: Any
    sizes: np.ndarray
    frequencies: np.ndarray
    docs: Partition
    words: np.ndarray
    slices: int

    @staticmethod
    def of(X: Any, workers: int, slices: int, seed: int) -> TopicLayout:
        """Lay out a matrix: documents in random order, words dealt out to slices."""
        order = np.random.default_rng(seed).permutation(X.shape[0])
        sizes, frequencies = (np.asarray(X.sum(axis=axis)).ravel() for axis in (1, 0))
        docs = Partition(Partition.balanced(sizes[order] + 1.0, workers).bounds, order)
        return TopicLayout(X, sizes, frequencies, docs, dealt(frequencies, slices), slices)

    @property
    def word_costs(self) -> np.ndarray:
        """The cost of every word, in the order of X: its tokens, and one for the visit."""
        return self.frequencies + 1.0

    @cached_property
    def lengths(self) -> np.ndarray:
        """The number of tokens of every laid-out document."""
        return self.sizes[self.docs.order]

    def partitions(self) -> dict[str, Partition]:
        """Return the partitions of the axes of documents, words, tokens and workers."""
        words = Partition.balanced(self.word_costs[self.words], self.docs.workers)
        return {
            "docs": self.docs,
            "words": Partition(words.bounds, self.words),
            "tokens": self.along_docs(self.lengths),
            "crew": Partition.contiguous(self.docs.workers, self.docs.workers),
        }

    def along_docs(self, sizes: np.ndarray) -> Partition:
        """Return the partition of an axis on which each laid-out document has `sizes` ids."""
        ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return Partition(ends[self.docs.bounds])

    def fill(self, first: np.ndarray, doc: np.ndarray, shards: range) -> None:
        """Set, for each worker, the first token of every word; and the document of every token.

        Only the tokens of the workers `shards` get their documents.
        """
        sizes = np.zeros(first.shape, np.int64)
        self._each(count_tokens, lambda p, _: (sizes[p, 1:],))
        np.cumsum(sizes, axis=1, out=first)
        first += self.along_docs(self.lengths).bounds[:-1, None]
        at = first.copy()
        self._each(fill_tokens, lambda p, _: (at[p], doc), shards)

    def read(self, first: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the topics of laid-out tokens in the order of the matrix."""
        topics = np.empty(z.shape, z.dtype)
        self._pass(read_topics, first, z, topics)
        return topics

    def write(self, first: np.ndarray, z: np.ndarray, topics: np.ndarray) -> None:
        """Set the topics of laid-out tokens from topics in the order of the matrix."""
        self._pass(write_topics, first, z, np.array(topics, dtype=z.dtype))

    def _pass(self, function: Any, first: np.ndarray, z: np.ndarray, topics: np.ndarray) -> None:
        at, begin = np.array(first), np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)
        self._each(function, lambda p, rows: (at[p], z, begin[rows], topics))

    def _each(self, function: Any, arguments: Any, shards: range | None = None) -> None:
        """Call a kernel on the documents of workers, by default all, in threads.

        Of X in a file, some documents are copied at a time, in the order in which they are laid
        out. What a kernel gets besides documents is ``arguments(worker, rows)``, for rows of X.
        """
        shards = range(self.docs.workers) if shards is None else shards
        order = self.docs.order
        assert order is not None
        if not isinstance(self.X, MappedCounts):
            every = slice(None)
            in_threads(
                function,
                [(self._corpus, *self.docs.range(p), *arguments(p, every)) for p in shards],
            )
            return
        local = np.zeros(len(order), np.int64)
        for p in shards:
            at, end = self.docs.range(p)
            for rows in self.X.parts(order[at:end]):
                part, last = self.X.documents(rows), at + len(rows)
                local[at:last] = np.arange(len(rows))
                corpus = Corpus(part.indptr, part.indices, part.data, local, self._place)
                in_threads(function, [(corpus, at, last, *arguments(p, rows))])
                at = last

    @cached_property
    def _place(self) -> np.ndarray:
        place = np.empty(len(self.words), np.int32)
        place[self.words] = np.arange(len(self.words), dtype=np.int32)
        return place

    @cached_property
    def _corpus(self) -> Corpus:
        order = self.docs.order
        assert order is not None
        counts = self.X.data.astype(np.int32, copy=False)
        return Corpus(self.X.indptr, self.X.indices, counts, order.astype(np.int64), self._place)


def dealt(frequencies: np.ndarray, slices: int) -> np.ndarray:
    """Return an order of the words in which slices with about equally many tokens are contiguous.

    Words are dealt out by falling frequency, each to the slice that has the fewest tokens so far. A
    word is never split: if it has more tokens than the share of a slice, its slice is larger.
    """
    order = np.argsort(-frequencies, kind="stable")
    loads = [(0, s) for s in range(slices)]
    home = np.empty(len(order), np.int64)
    for position, w in enumerate(order):
        load, s = loads[0]
        heapq.heapreplace(loads, (load + int(frequencies[w]) + 1, s))
        home[position] = s
    return order[np.argsort(home, kind="stable")].astype(np.int64)
