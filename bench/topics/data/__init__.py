"""Corpora: a folder with `counts.npz`, CSR of counts; others are modules of this package."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from bench.harness.files import load, there


class Split(NamedTuple):
    """A corpus to train on, and documents held out: half of their tokens are observed."""

    train: sp.csr_matrix
    observed: sp.csr_matrix
    hidden: sp.csr_matrix


def read(folder: Path) -> sp.csr_matrix:
    """Read the corpus of a folder."""
    return sp.load_npz(there(folder / "counts.npz"))


@lru_cache(maxsize=2)
def corpus(name: str) -> sp.csr_matrix:
    """Counts by name: CSR of int32, sorted indices.

    Words and documents that do not occur are left out, so that all solvers agree on the size of the
    vocabulary.
    """
    counts = sp.csr_matrix(load(__name__, name), dtype=np.int32)
    counts.sum_duplicates()
    counts.eliminate_zeros()
    counts = counts[:, np.asarray(counts.sum(axis=0)).ravel() > 0]
    return counts[np.diff(counts.indptr) > 0]


@lru_cache(maxsize=2)
def split(name: str, seed: int, most: int | None = None) -> Split:
    """Hold out a tenth of the documents, or `most`; observe a random half of their tokens."""
    counts, rng = corpus(name), np.random.default_rng(seed)
    n = counts.shape[0]
    order = rng.permutation(n)
    tenth = max(1, min(n // 10, most or n))
    held, rest = np.sort(order[:tenth]), np.sort(order[tenth:])
    return Split(counts[rest], *halves(counts[held], rng))


def tokens(counts: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Document and word of every token, row by row."""
    entries = counts.tocoo(copy=False)
    return np.repeat(entries.row, entries.data), np.repeat(entries.col, entries.data)


def counted(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
    """How often every pair occurs."""
    return sp.csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=shape)


def halves(counts: sp.csr_matrix, rng: np.random.Generator) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Exactly half of the tokens of every document, rounded down, and the others."""
    documents, words = tokens(counts)
    order = np.lexsort((rng.random(len(words)), documents))
    sizes = np.bincount(documents, minlength=counts.shape[0])
    rank = np.arange(len(words)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = rank < np.repeat(sizes // 2, sizes)
    words = words[order]
    return (counted(documents[first], words[first], counts.shape),
            counted(documents[~first], words[~first], counts.shape))  # fmt: skip
