"""The choice of the words of a corpus: neither too rare nor too frequent, and no stop words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS


@dataclass(frozen=True)
class WordChoice:
    """Conditions on words, with the meaning of CountVectorizer's parameters of the same names.

    Attributes
    ----------
    min_df, max_df : int or float
        Smallest and largest number of documents that contain the word: an int is their number, a
        float their share.
    stop_words : "english", collection of str, or None
        Words to drop; ``"english"`` stands for scikit-learn's list.

    Raises
    ------
    ValueError
        If a condition is invalid.
    """

    min_df: float = 1
    max_df: float = 1.0
    stop_words: str | Collection[str] | None = None

    def __post_init__(self) -> None:
        for name, bound in (("min_df", self.min_df), ("max_df", self.max_df)):
            if not (0.0 <= bound <= 1.0 if _is_share(bound) else _is_number(bound)):
                raise ValueError(
                    f"{name!r} is {bound!r}; an int of at least 1 (documents) or a float from 0.0 "
                    "to 1.0 (share of the documents) is needed"
                )
        if isinstance(self.stop_words, str) and self.stop_words != "english":
            raise ValueError(
                f"'stop_words' is {self.stop_words!r}; known is 'english', or give a list of words"
            )

    def kept(self, counts: sp.csr_array, words: np.ndarray | None) -> np.ndarray:
        """Choose the columns of counts whose words are kept.

        Returns
        -------
        ndarray of bool of shape (n_words,)
            Whether each word is kept.

        Raises
        ------
        ValueError
            If no word is left, or if there are stop words but the words are not known.
        """
        kept = self._frequent(counts)
        if self.stop_words is not None:
            if words is None:
                raise ValueError("'stop_words' needs a vocabulary, but none is known; give one")
            unwanted = self.stop_words
            unwanted = ENGLISH_STOP_WORDS if isinstance(unwanted, str) else frozenset(unwanted)
            kept &= [word.lower() not in unwanted for word in words]
        if not kept[counts.indices].any():
            raise ValueError(
                f"'min_df' {self.min_df}, 'max_df' {self.max_df} and the 'stop_words' leave none "
                f"of {len(kept):,} words; drop fewer"
            )
        return kept

    def _frequent(self, counts: sp.csr_array) -> np.ndarray:
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        least, most = (
            bound * counts.shape[0] if _is_share(bound) else bound
            for bound in (self.min_df, self.max_df)
        )
        # A column without entries was probably given on purpose, so the default keeps it.
        rare = (frequency < least) & (self.min_df != 1)
        return ~rare & (frequency <= most)


def _is_share(bound: object) -> bool:
    return isinstance(bound, (float, np.floating))


def _is_number(bound: object) -> bool:
    return isinstance(bound, (int, np.integer)) and bool(bound >= 1)
