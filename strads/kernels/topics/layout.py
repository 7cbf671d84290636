"""Put tokens into the order in which a sampler visits them: by worker, word and document.

The input is a matrix of counts with a row for every document; a count of c makes c tokens. A worker
has the tokens of its documents. Among these, the tokens of each word stand together, in the order
in which the documents were laid out.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")


class Corpus(NamedTuple):
    """The matrix of counts, and where documents and words went when they were laid out.

    Attributes
    ----------
    indptr, indices, counts : ndarray
        The matrix of shape (documents, words), in CSR format.
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
    """Count the tokens of laid-out documents lo…hi−1 by laid-out words.

    Parameters
    ----------
    corpus : Corpus
    lo, hi : int
    sizes : ndarray of shape (words,)
        Added to in place.
    """
    for d in range(lo, hi):
        row = corpus.rows[d]
        for e in range(corpus.indptr[row], corpus.indptr[row + 1]):
            sizes[corpus.place[corpus.indices[e]]] += corpus.counts[e]


@kernel
def fill_tokens(corpus: Corpus, lo: int, hi: int, at: np.ndarray, doc: np.ndarray) -> None:
    """Write the document of every token of laid-out documents lo…hi−1.

    Parameters
    ----------
    corpus : Corpus
    lo, hi : int
    at : ndarray of int64, shape (words,)
        The first token of every word; changed in place to the end of its tokens.
    doc : ndarray of int32, shape (tokens,)
        Written in place.
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
    """Copy the tokens' topics into the order of the matrix: by rows, then by columns.

    Parameters
    ----------
    corpus : Corpus
    lo, hi : int
        Laid-out documents lo…hi−1 are copied.
    at : ndarray of int64, shape (words,)
        The first token of every word; changed in place to the end of its tokens.
    z : ndarray of shape (tokens,)
        Topics in the order of the sampler.
    begin : ndarray of int64, shape (rows,)
        The first token of every row of the matrix, in the order of the matrix.
    topics : ndarray of shape (tokens,)
        Topics in the order of the matrix, written in place.
    """
    _copy_topics(corpus, lo, hi, at, z, begin, topics, True)


@kernel
def write_topics(
    corpus: Corpus, lo: int, hi: int, at: np.ndarray, z: np.ndarray, begin: np.ndarray,
    topics: np.ndarray,
) -> None:  # fmt: skip
    """Copy `topics`, in the order of the matrix, into `z`: the inverse of :func:`read_topics`."""
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
