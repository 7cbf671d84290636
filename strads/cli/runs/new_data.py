"""New data in the terms of a fitted model: the same features, items and words in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.cli.runs.folder import Run, vocabulary_of
from strads.datasets import (
    Corpus,
    can_be_mapped,
    map_matrix,
    read_corpus,
    read_matrix,
    read_ratings,
    read_table,
)
from strads.datasets.design_matrix import is_svmlight
from strads.datasets.table import column_names, is_table
from strads.engine import DataError


def design_matrix(run: Run, path: Path) -> Any:
    """Read the features of a model: of a table, by their names."""
    wanted = run.model.n_features_in_
    if is_table(path) and run.columns is not None:
        names = set(column_names(path))
        if missing := [name for name in run.columns if name not in names]:
            raise DataError(
                f"{path} lacks {len(missing):,} of the {wanted:,} columns of {run.folder}, such as "
                f"{missing[0]!r}"
            )
        return read_table(path, columns=run.columns).X
    mapped = can_be_mapped(path) and path.suffix.lower() != ".npy"
    X: Any = map_matrix(path) if mapped else read_matrix(path)[0]
    if X.shape[1] < wanted and is_svmlight(path):
        # The format does not tell the number of features; the last ones may be zero in all rows.
        indptr = np.pad(X.indptr, (0, wanted - X.shape[1]), "edge")
        X = sp.csc_array((X.data, X.indices, indptr), shape=(X.shape[0], wanted))
    if X.shape[1] != wanted:
        raise DataError(
            f"{path} has {X.shape[1]:,} columns, but the model of {run.folder} has {wanted:,}"
        )
    return X


def new_users(
    run: Run, path: Path, columns: dict[str, str | None], *, drop: bool
) -> tuple[np.ndarray, Any]:
    """Read ratings of new users; return their ids and a matrix users × items of the model.

    Parameters
    ----------
    run : Run
        A model of ratings or clicks.
    path : Path
        A file of ratings; of clicks, if the model is one of clicks.
    columns : dict
        Columns that hold the users, items and ratings.
    drop : bool
        Whether to leave out ratings of items that the model does not know.
    """
    known = read_ratings(path, **columns, clicks=run.command == "fit implicit")
    places = positions(known.item_ids, run.model.item_ids_)
    if not drop:
        _demand_known(places, known.item_ids, run.model.item_ids_, "item", "--unknown drop")
    kept = places[known.items] >= 0
    if not kept.any():
        raise DataError(f"{path} rates no item that the model of {run.folder} knows")
    shape = len(known.user_ids), len(run.model.item_ids_)
    entries = known.values[kept], (known.users[kept], places[known.items[kept]])
    return known.user_ids, sp.coo_array(entries, shape=shape).tocsr()


def as_ids(texts: Sequence[str], known: np.ndarray) -> np.ndarray:
    """Return ids that were typed in the type of those of the model."""
    if known.dtype.kind in "US":
        return np.array(texts, dtype=known.dtype.kind)
    try:
        return np.array(texts).astype(known.dtype)
    except (ValueError, OverflowError):
        wrong = next(text for text in texts if not _is_one(text, known.dtype))
        raise DataError(_unknown(wrong, known, "user")) from None


def _is_one(text: str, kind: np.dtype[Any]) -> bool:
    try:
        np.array([text]).astype(kind)
    except (ValueError, OverflowError):
        return False
    return True


def known_positions(ids: np.ndarray, known: np.ndarray, role: str, instead: str) -> np.ndarray:
    """Return the positions of ids among those of the model; an unknown id is an error."""
    places = positions(ids, known)
    _demand_known(places, ids, known, role, instead)
    return places


def positions(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the positions of ids among those of the model, -1 where one is unknown."""
    if (ids.dtype.kind in "US") != (known.dtype.kind in "US"):
        # Numbers in one file may be text in the other, where some ids are no numbers.
        ids, known = ids.astype(str), known.astype(str)
    table = {id: place for place, id in enumerate(known.tolist())}
    return np.array([table.get(id, -1) for id in ids.tolist()], dtype=np.intp)


def _demand_known(
    places: np.ndarray, ids: np.ndarray, known: np.ndarray, role: str, instead: str
) -> None:
    if (missing := places < 0).any():
        more = f" (and {missing.sum() - 1:,} more)" if missing.sum() > 1 else ""
        raise DataError(
            f"{_unknown(ids[missing.argmax()], known, role)}{more}; leave it out, or use {instead}"
        )


def _unknown(id: Any, known: np.ndarray, role: str) -> str:
    some = ", ".join(map(str, known[:3].tolist()))
    return f"{role} {str(id)!r} is not one of the {len(known):,} {role}s of the model, as {some}"


def new_documents(run: Run, path: Path) -> Any:
    """Read new documents as counts of the words of a topic model."""
    corpus, words = read_corpus(path), vocabulary_of(run)
    wanted = run.model.n_features_in_
    if words is not None and corpus.vocabulary is not None:
        return _of_words(corpus, words)
    if words is not None and corpus.shape[1] != wanted and all(map(str.isdigit, words)):
        return _of_words(Corpus(corpus.counts, np.arange(corpus.shape[1]).astype(str)), words)
    if corpus.shape[1] != wanted:
        raise DataError(
            f"{path} has {corpus.shape[1]:,} columns of unknown words, but the model of "
            f"{run.folder} has {wanted:,}; give their words in vocab.txt beside the file"
        )
    return corpus.counts


def _of_words(corpus: Corpus, words: list[str]) -> Any:
    """Return the counts of some words, of which the corpus may lack some."""
    assert corpus.vocabulary is not None
    place = {str(word): column for column, word in enumerate(corpus.vocabulary)}
    columns = np.array([place.get(word, -1) for word in words])
    counts = sp.csc_array(corpus.counts)
    empty = sp.csc_array((counts.shape[0], 1), dtype=counts.dtype)
    return sp.csr_array(sp.hstack([counts, empty], format="csc")[:, columns])
