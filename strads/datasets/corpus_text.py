"""Documents as text, whose words scikit-learn counts; and vocabularies with one word a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer

from strads.datasets.files.guards import guarded, quoted
from strads.datasets.files.mistaken import demand_no_ratings
from strads.datasets.files.text_file import LONGEST, open_text
from strads.engine import DataError

#: Number of characters that suffice to distinguish text from an archive, a picture or UTF-16.
SAMPLED = 4096
#: Formats of a corpus, for messages.
KNOWN = "text, docword.*.txt, .mtx and .npz"


def count_words(path: Path, words: np.ndarray | None) -> tuple[sp.csr_array, np.ndarray]:
    """Count the words of documents.

    Parameters
    ----------
    path : Path
        A folder, each of whose ``*.txt`` files is a document; or a file, each of whose lines is a
        document.
    words : ndarray of str, optional
        The words to count; None: all words.

    Returns
    -------
    counts : csr_array of int64 of shape (n_documents, n_words)
        Counts of words in documents.
    words : ndarray of str
        The given words, or all words, sorted.

    Raises
    ------
    DataError
        If there is no document or no word in any document, or if a word is given twice.
    """
    if words is not None:
        _demand_distinct(words)
    documents = _folder(path) if path.is_dir() else _lines(path)
    vectorizer = CountVectorizer(vocabulary=None if words is None else words.tolist())
    try:
        counts = sp.csr_array(vectorizer.fit_transform(documents))
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        raise DataError(f"{path} holds no word of two letters or more") from error
    return counts, vectorizer.get_feature_names_out() if words is None else words


def _demand_distinct(words: np.ndarray) -> None:
    distinct, times = np.unique(words, return_counts=True)
    if len(distinct) < len(words):
        raise DataError(
            f"'vocabulary' has {quoted(distinct[times.argmax()])} more than once; drop it"
        )


def _folder(path: Path) -> Iterator[str]:
    if others := sorted(path.glob("docword*")):
        raise DataError(f"{path} is no folder of documents: read {others[0]} itself")
    files = sorted(file for file in path.rglob("*.txt") if file.is_file())
    if not files:
        raise DataError(f"{path} holds no file *.txt, of which each would be a document")
    for file in files:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
        _demand_text(file, text[:SAMPLED])
        yield text


def _lines(path: Path) -> Iterator[str]:
    demand_no_ratings(path, "documents", text=True)
    with open_text(path, "replace", longest=LONGEST, nul=True) as file:
        for number, line in enumerate(file):
            if number == 0:
                _demand_text(path, line[:SAMPLED])
            yield line  # also if it is empty: the n-th document is the n-th line


def _demand_text(path: Path, sample: str) -> None:
    if "\0" in sample:
        raise DataError(f"{path} is no text in UTF-8; known are {KNOWN}")
    if sample.startswith("%%MatrixMarket"):
        raise DataError(f"{path} is a MatrixMarket file; let its name end in .mtx")


def read_vocabulary(path: Path) -> np.ndarray:
    """Read words, one a line; empty lines at the end are ignored.

    Raises
    ------
    DataError
        If the file is missing or holds no word.
    """
    return guarded(path, _vocabulary)


def _vocabulary(path: Path) -> np.ndarray:
    with open_text(path, "replace") as file:
        words = [line.strip() for line in file]
    while words and not words[-1]:
        words.pop()
    if not words:
        raise DataError(f"{path} holds no word; a vocabulary has one a line")
    return as_vocabulary(words)


def as_vocabulary(words: Sequence[object] | np.ndarray) -> np.ndarray:
    """Return words as an array of objects: in text of fixed width, a long word would widen all."""
    vocabulary = np.empty(len(words), dtype=object)
    vocabulary[:] = list(map(str, words))
    return vocabulary
