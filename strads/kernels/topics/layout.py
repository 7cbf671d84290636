"""Tokens in the order in which a sampler meets them: by worker, word, document.

Counts come by documents. A worker's tokens are those of its documents; tokens of one word stand
together, in the order of the documents as they were laid out. A count of c makes c tokens.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")


class Corpus(NamedTuple):
    """Counts by documents, and where documents and words went when they were laid out.

    Attributes
    ----------
    indptr, indices, counts : ndarray
        Of the matrix of documents × words, by rows.
    rows : ndarray of int64
        Laid-out document → row of the matrix.
    place : ndarray of int32
        Column of the matrix → laid-out word.
    """

    indptr: np.ndarray
    indices: np.ndarray
    counts: np.ndarray
    rows: np.ndarray
    place: np.ndarray


@kernel
def count_tokens(corpus: Corpus, lo: int, hi: int, sizes: np.ndarray) -> None:
    """Count the tokens of laid-out documents lo…hi−1 by laid-out words, into zeros."""
    for d in range(lo, hi):
        row = corpus.rows[d]
        for e in range(corpus.indptr[row], corpus.indptr[row + 1]):
            sizes[corpus.place[corpus.indices[e]]] += corpus.counts[e]


@kernel
def fill_tokens(corpus: Corpus, lo: int, hi: int, at: np.ndarray, doc: np.ndarray) -> None:
    """Write the documents of the tokens of laid-out documents lo…hi−1.

    `at` is the first token of every word, and moves on to its end.
    """
    for d in range(lo, hi):
        row = corpus.rows[d]
        for e in range(corpus.indptr[row], corpus.indptr[row + 1]):
            w = corpus.place[corpus.indices[e]]
            t = at[w]
            for _ in range(corpus.counts[e]):
                doc[t] = d
                t += 1
            at[w] = t


@kernel
def read_topics(
    corpus: Corpus, lo: int, hi: int, at: np.ndarray, z: np.ndarray, begin: np.ndarray,
    topics: np.ndarray,
) -> None:  # fmt: skip
    """Copy topics into the order of the matrix; `begin` is the first token of every row there."""
    _copy_topics(corpus, lo, hi, at, z, begin, topics, True)


@kernel
def write_topics(
    corpus: Corpus, lo: int, hi: int, at: np.ndarray, z: np.ndarray, begin: np.ndarray,
    topics: np.ndarray,
) -> None:  # fmt: skip
    """Copy topics out of the order of the matrix: the inverse of :func:`read_topics`."""
    _copy_topics(corpus, lo, hi, at, z, begin, topics, False)


@kernel
def _copy_topics(
    corpus: Corpus, lo: int, hi: int, at: np.ndarray, z: np.ndarray, begin: np.ndarray,
    topics: np.ndarray, out: bool,
) -> None:  # fmt: skip
    for d in range(lo, hi):
        row = corpus.rows[d]
        s = begin[row]
        for e in range(corpus.indptr[row], corpus.indptr[row + 1]):
            w = corpus.place[corpus.indices[e]]
            t = at[w]
            for _ in range(corpus.counts[e]):
                if out:
                    topics[s] = z[t]
                else:
                    z[t] = topics[s]
                s, t = s + 1, t + 1
            at[w] = t
