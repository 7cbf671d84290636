"""Ratings and counts that stay in a folder of ``strads convert``, for the commands that fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from strads.datasets import MappedMatrix, map_matrix
from strads.datasets.corpus_text import read_vocabulary
from strads.engine import DataError


@dataclass(frozen=True)
class RatingsInFiles:
    """Ratings of users (rows) and items (columns), whose ids are their numbers, from 0."""

    matrix: MappedMatrix
    duplicates: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of users and of items."""
        return self.matrix.shape

    def __len__(self) -> int:
        return self.matrix.nnz

    def fit(self, model: Any) -> Any:
        """Fit a factorisation to them."""
        model.fit(self.matrix)
        model.user_ids_, model.item_ids_ = map(np.arange, self.shape)
        return model


@dataclass(frozen=True)
class CorpusInFiles:
    """Counts of words (columns) in documents (rows)."""

    counts: MappedMatrix
    vocabulary: np.ndarray | None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of documents and of words."""
        return self.counts.shape

    @property
    def tokens(self) -> int:
        """Number of tokens in all documents."""
        return int(self.counts.sums()[0].sum())

    def __len__(self) -> int:
        return self.shape[0]


def map_ratings(path: Path, columns: Mapping[str, str | None]) -> RatingsInFiles:
    """Map the ratings of a folder; its columns have no names."""
    if named := [f"--{role}" for role, name in columns.items() if name is not None]:
        raise DataError(f"{path} is no table with named columns; leave out {' and '.join(named)}")
    return RatingsInFiles(map_matrix(path))


def map_corpus(
    path: Path, *, vocabulary: Path | None, min_df: int, stop_words: str | None
) -> CorpusInFiles:
    """Map the counts of a folder, from which no word can be dropped."""
    if min_df != 1 or stop_words is not None:
        raise DataError(
            f"{path} stays in its files, so that no word can be dropped: leave out --min-df and "
            "--stop-words, or drop the words before `strads convert`"
        )
    counts = map_matrix(path)
    words = None if vocabulary is None else read_vocabulary(vocabulary)
    if words is not None and len(words) != counts.shape[1]:
        raise DataError(
            f"{vocabulary} has {len(words):,} words, but {path} has {counts.shape[1]:,} columns"
        )
    return CorpusInFiles(counts, words)


def demand_whole(path: Path, test: float) -> None:
    """Refuse to hold out a share of data that stay in their files."""
    if test:
        raise DataError(
            f"{path} stays in its files, from which nothing can be held out: give --test 0"
        )
