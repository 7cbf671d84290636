"""Documents as counts of their words, read from text or from files of counts.

``read_corpus`` returns a :class:`Corpus`, whose ``counts`` are the X of a model;
``split_documents`` withholds documents to measure the model's quality.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets.bag_of_words import LARGEST, is_bag_of_words, read_bag_of_words
from strads.datasets.corpus_text import as_vocabulary, count_words, read_vocabulary
from strads.datasets.design_matrix import MATRIX_MARKET, read_matrix
from strads.datasets.files.guards import guarded, short
from strads.datasets.word_choice import WordChoice
from strads.engine import DataError

#: Types of the parameter `vocabulary`.
Words = str | Path | Sequence[str] | np.ndarray | None


@dataclass(frozen=True, eq=False)
class Corpus:
    """Counts of words in documents.

    Parameters
    ----------
    counts : csr_array of int32 of shape (n_documents, n_words)
        Number of times that each word is in each document, in canonical format and without stored
        zeros. A document may be empty.
    vocabulary : ndarray of str (as objects) of shape (n_words,), or None
        The word of each column, if the words are known.
    """

    counts: sp.csr_array
    vocabulary: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of documents and of words."""
        return self.counts.shape

    @property
    def tokens(self) -> int:
        """Number of tokens in all documents."""
        return int(self.counts.sum(dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        documents, words = self.shape
        return f"<Corpus: {self.tokens:,} tokens of {words:,} words in {documents:,} documents>"


def read_corpus(
    path: str | Path,
    *,
    vocabulary: Words = None,
    min_df: float = 1,
    max_df: float = 1.0,
    stop_words: str | Collection[str] | None = None,
) -> Corpus:
    """Read a corpus from a file or a folder.

    Parameters
    ----------
    path : path
        One of these:

        * ``docword.NAME.txt``, also with ``.gz``, or another file in this format: counts in the
          format of the UCI repository. The vocabulary is ``vocab.NAME.txt`` in the same folder.
        * MatrixMarket (``.mtx``, ``.mm``, also with ``.gz``), ``.npz`` of scipy.sparse, or ``.npz``
          with an array ``X``: counts, documents × words.
        * A folder: each ``*.txt`` in it and in its subfolders is a document, in the order of their
          names.
        * Any other file, also with ``.gz``: each line is a document.

        Text is split into words by scikit-learn's CountVectorizer: two letters or more, in lower
        case.
    vocabulary : path or sequence of str, optional
        A sequence of words, or a file with one word a line. For a file of counts: the words of the
        columns; by default ``vocab.txt`` in the same folder, if it has as many words. For text: the
        words to count.
    min_df, max_df : int or float
        Drop words that are in fewer (more) documents than this: an int is a number of documents, a
        float a share of them. The defaults drop none.
    stop_words : "english" or collection of str, optional
        Words to drop; ``"english"`` stands for scikit-learn's list. Needs a vocabulary.

    Returns
    -------
    Corpus
        The counts and the vocabulary. If words were dropped from counts without a vocabulary, the
        vocabulary holds the numbers of the remaining columns, from 0.

    Raises
    ------
    ValueError
        If an option is wrong or leaves no word.
    DataError
        If a file is missing, damaged or empty, a count is negative or not whole, or a vocabulary
        has the wrong length. It is a ValueError; its message names the file and, for text, the
        line.
    """
    choice = WordChoice(min_df, max_df, stop_words)  # raises errors before a long read
    corpus = _read(Path(path), _given(vocabulary))
    if corpus.counts.nnz == 0:
        raise DataError(f"{path} holds no word" + " of the vocabulary" * (vocabulary is not None))
    return _pruned(corpus, choice)


def _given(vocabulary: Words) -> np.ndarray | None:
    if isinstance(vocabulary, (str, Path)):
        return read_vocabulary(Path(vocabulary))
    if vocabulary is not None and len(vocabulary) == 0:
        raise ValueError("'vocabulary' is empty; give its words, or None")
    return None if vocabulary is None else as_vocabulary(vocabulary)


def _read(path: Path, words: np.ndarray | None) -> Corpus:
    return guarded(path, lambda path: _read_path(path, words), folders=True)


def _read_path(path: Path, words: np.ndarray | None) -> Corpus:
    if path.is_dir():
        return _counted(path, words)
    packed = path.suffix.lower() == ".gz"
    suffix = (Path(path.stem) if packed else path).suffix.lower()
    if suffix in (".npz", *MATRIX_MARKET):
        entries: Any = read_matrix(path)[0]
    elif is_bag_of_words(path):
        entries = read_bag_of_words(path)
    else:
        return _counted(path, words)
    return _corpus(path, entries, _words_of(path, entries.shape[1], words))


def _counted(path: Path, words: np.ndarray | None) -> Corpus:
    counts, words = count_words(path, words)
    return _corpus(path, counts, words)


def _words_of(path: Path, columns: int, words: np.ndarray | None) -> np.ndarray | None:
    """Return the vocabulary of a file of counts: the given one, or one from the same folder."""
    source = "'vocabulary'"
    namesake = path.with_name("vocab" + path.name.removesuffix(".gz")[len("docword") :])
    if words is None and path.name.lower().startswith("docword") and namesake.is_file():
        words, source = read_vocabulary(namesake), str(namesake)
    if words is not None and len(words) != columns:
        raise DataError(f"{source} has {len(words):,} words, but {path} {columns:,} columns")
    if words is None and (common := path.with_name("vocab.txt")).is_file():
        found = read_vocabulary(common)
        return found if len(found) == columns else None  # it may belong to another file
    return words


def _corpus(path: Path, entries: Any, words: np.ndarray | None) -> Corpus:
    given = sp.csr_array(entries)
    given.sum_duplicates()
    data = given.data
    wrong = (data < 0) | (data >= LARGEST + 1)  # LARGEST itself is not exact in float32
    if data.dtype.kind == "f":
        wrong |= data != np.floor(data)
    if wrong.any():
        first = int(wrong.argmax())
        document = int(np.searchsorted(given.indptr, first, side="right")) - 1
        word = int(given.indices[first])
        name = "" if words is None else f" ({short(words[word])})"
        raise DataError(
            f"{path}: the count of word {word}{name} in document {document}, both from 0, is "
            f"{data[first]}; whole numbers from 0 to {LARGEST:,} are needed"
        )
    kind = np.int32 if max(given.nnz, *given.shape) <= LARGEST else np.int64
    parts = data.astype(np.int32), given.indices.astype(kind), given.indptr.astype(kind)
    counts = sp.csr_array(parts, shape=given.shape)
    counts.eliminate_zeros()
    return Corpus(counts, words)


def _pruned(corpus: Corpus, choice: WordChoice) -> Corpus:
    kept = choice.kept(corpus.counts, corpus.vocabulary)
    if kept.all():
        return corpus
    words = corpus.vocabulary
    if words is None:
        words = as_vocabulary(range(len(kept)))
    return Corpus(corpus.counts[:, kept], words[kept])


def split_documents(corpus: Corpus, fraction: float, seed: int) -> tuple[Corpus, Corpus]:
    """Withhold documents at random.

    Parameters
    ----------
    corpus : Corpus
        Documents to split.
    fraction : float
        Share of the documents to withhold, above 0 and below 1.
    seed : int
        Seed of the random choice.

    Returns
    -------
    train : Corpus
        The other documents, in the same order and with the same vocabulary, even if some words are
        in none of them.
    test : Corpus
        The withheld documents, likewise.

    Raises
    ------
    ValueError
        If `fraction` is outside of its range, or leaves one part without a word.
    """
    test = chosen_documents(len(corpus), fraction, seed)
    parts = tuple(replace(corpus, counts=corpus.counts[chosen]) for chosen in (~test, test))
    if not all(part.counts.nnz for part in parts):
        raise ValueError(
            f"fraction={fraction} of {len(corpus)} documents are {test.sum()}; that leaves nothing"
        )
    return parts[0], parts[1]


def chosen_documents(count: int, fraction: float, seed: int) -> np.ndarray:
    """Return which of so many documents :func:`split_documents` withholds, as a mask."""
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"fraction={fraction} must be above 0 and below 1")
    test = np.zeros(count, dtype=bool)
    test[np.random.default_rng(seed).permutation(count)[: round(fraction * count)]] = True
    return test
