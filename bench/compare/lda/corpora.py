"""Corpora of the comparison: counts of words in documents, and what is held out of them.

`uci-kos`, `uci-nips` and `20news-bow` (its training part) are public sets of counts. `imdb` is
counted from 100,000 public film reviews and kept in the user's cache folder. `tiny` is drawn from
the model. Words and documents that do not occur are left out, so that all solvers agree on the
size of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from bench.harness.files import cache_folder, data_folder, reviews, there, written_whole

PUBLIC = ("uci-kos", "uci-nips", "20news-bow")
NAMES = (*PUBLIC, "imdb", "tiny")
ARCHIVES = ("aclImdb-labelled.tar.xz", "aclImdb-unsup.tar.xz")
#: Documents in which a word of imdb has to occur.
LEAST = 10
#: Topics, documents, words of `tiny`, and tokens of a document.
TINY = (5, 150, 120, 40)


@dataclass(frozen=True)
class Corpus:
    """Counts: CSR of int32, sorted indices, at least one token in every row and column."""

    name: str
    counts: sp.csr_matrix


@dataclass(frozen=True)
class Split:
    """A corpus to train on, and documents held out: half of their tokens are observed."""

    train: Corpus
    observed: sp.csr_matrix
    hidden: sp.csr_matrix


def load(name: str) -> Corpus:
    """Load a corpus by name.

    Raises
    ------
    MissingData
        If a public set is not in the folder of data sets.
    """
    if name not in NAMES:
        raise ValueError(f"unknown corpus {name!r}; known: {', '.join(NAMES)}")
    if name == "tiny":
        return Corpus(name, _tidy(_tiny()))
    if name == "imdb":
        return Corpus(name, _tidy(_imdb()))
    return Corpus(name, _tidy(sp.load_npz(there(data_folder() / name / "counts.npz"))))


def split(corpus: Corpus, seed: int, most: int | None = None) -> Split:
    """Hold out a tenth of the documents, or `most`; observe a random half of their tokens."""
    rng = np.random.default_rng(seed)
    n = corpus.counts.shape[0]
    order = rng.permutation(n)
    tenth = max(1, min(n // 10, most or n))
    held, rest = np.sort(order[:tenth]), np.sort(order[tenth:])
    observed, hidden = _halves(corpus.counts[held], rng)
    return Split(Corpus(corpus.name, corpus.counts[rest]), observed, hidden)


def tokens(counts: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Document and word of every token, row by row."""
    entries = counts.tocoo(copy=False)
    return np.repeat(entries.row, entries.data), np.repeat(entries.col, entries.data)


def _halves(counts: sp.csr_matrix, rng: np.random.Generator) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Exactly half of the tokens of every document, rounded down, and the others."""
    documents, words = tokens(counts)
    order = np.lexsort((rng.random(len(words)), documents))
    sizes = np.bincount(documents, minlength=counts.shape[0])
    rank = np.arange(len(words)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = rank < np.repeat(sizes // 2, sizes)
    words = words[order]
    return (_counted(documents[first], words[first], counts.shape),
            _counted(documents[~first], words[~first], counts.shape))  # fmt: skip


def _counted(documents: np.ndarray, words: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
    ones = np.ones(len(words), dtype=np.int32)
    return sp.csr_matrix((ones, (documents, words)), shape=shape)


def _tidy(counts: sp.spmatrix) -> sp.csr_matrix:
    """Drop words and documents that have no tokens."""
    counts = sp.csr_matrix(counts, dtype=np.int32)
    counts.sum_duplicates()
    counts.eliminate_zeros()
    counts = counts[:, np.asarray(counts.sum(axis=0)).ravel() > 0]
    return counts[np.diff(counts.indptr) > 0]


def _tiny() -> sp.csr_matrix:
    rng = np.random.default_rng(0)
    topics, documents, words, length = TINY
    phi = rng.dirichlet(np.full(words, 0.05), size=topics)
    theta = rng.dirichlet(np.full(topics, 0.1), size=documents)
    return sp.csr_matrix(rng.multinomial(length, theta @ phi).astype(np.int32))


def _imdb() -> sp.csr_matrix:
    kept = cache_folder() / "imdb-counts-100k.npz"
    if not kept.exists():
        with written_whole(kept) as part:
            sp.save_npz(part, _counts_of_reviews())
    return sp.load_npz(kept)


def _counts_of_reviews() -> sp.csr_matrix:
    from sklearn.feature_extraction.text import CountVectorizer

    found: dict[str, str] = {}
    for archive in ARCHIVES:
        found.update(reviews(data_folder() / "imdb" / archive, {"pos", "neg", "unsup"}))
    texts = (text for _, text in sorted(found.items()))
    return sp.csr_matrix(CountVectorizer(min_df=LEAST, dtype=np.int32).fit_transform(texts))
