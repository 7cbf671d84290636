"""Counts of words in documents: validation, the random split of tokens, counts of topics."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import validate_data

from strads.algorithms.topics.counts.mapped_counts import MappedCounts
from strads.datasets import MappedMatrix
from strads.engine import native, sound


def token_counts(model: Any, X: Any, *, reset: bool = False, name: str = "X") -> Any:
    """Validate counts of words in documents.

    Parameters
    ----------
    model : estimator
        X must have its number of features. With `reset`, the estimator takes the number from X,
        and ``dtype_``: float32 if X is of that type, else float64.
    X : {sparse matrix, array, MappedMatrix} of shape (documents, words)
        Counts.
    reset : bool
        Whether this is a new fit.
    name : str
        Name of X in messages.

    Returns
    -------
    csr_array of int32, or MappedCounts
        Canonical, without stored zeros.

    Raises
    ------
    DataError
        If X is in files that are not what they were.
    ValueError
        If a count is missing, negative, not whole, or too large; the message names the first one.
    """
    if isinstance(X, MappedMatrix) and model._in_files:
        return _in_files(model, X, reset, name)
    X = validate_data(
        model, sound(X, name), accept_sparse="csr", dtype="numeric", ensure_all_finite=False,
        reset=reset, ensure_min_samples=1,
    )  # fmt: skip
    if reset:
        model.dtype_ = "float32" if X.dtype == np.float32 else "float64"
    # Also a data frame may hold columns in the other byte order.
    X = sp.csr_array(native(X) if isinstance(X, np.ndarray) else X)
    # NaN differs from its rounded value. The limit is 2^31, because float32 lacks 2^31 - 1.
    bad = np.flatnonzero((X.data < 0) | (X.data != np.rint(X.data)) | (X.data >= 2.0**31))
    if len(bad):
        e = int(bad[0])
        row = int(np.searchsorted(X.indptr, e, side="right")) - 1
        raise ValueError(_no_count(model, name, row, int(X.indices[e]), float(X.data[e])))
    counts = X.astype(np.int32)
    if not counts.has_canonical_format or (counts.data == 0).any():
        counts = counts.copy() if counts.data is X.data else counts
        counts.sum_duplicates()
        counts.eliminate_zeros()
    return counts


def _in_files(model: Any, X: MappedMatrix, reset: bool, name: str) -> MappedCounts:
    if not X.sparse or X.by_columns:
        raise ValueError(
            f"{type(model).__name__} reads counts document by document, but {X!r} has them "
            "otherwise: make a folder by `strads convert DATA TO --by rows`, and map that"
        )
    if not reset and X.shape[1] != model.n_features_in_:
        raise ValueError(
            f"{name} has {X.shape[1]} features, but {type(model).__name__} is expecting "
            f"{model.n_features_in_} features as input"
        )
    rows, columns, wrong = X.counts()
    if wrong is not None:
        raise ValueError(_no_count(model, name, *wrong))
    if reset:
        model.n_features_in_, model.dtype_ = X.shape[1], X.dtype.name
        if hasattr(model, "feature_names_in_"):
            del model.feature_names_in_
    return MappedCounts(X, rows, columns)


def _no_count(model: Any, name: str, row: int, column: int, value: float) -> str:
    """Return the message for a wrong count; its beginning is what scikit-learn's checks expect."""
    number = "NaN" if np.isnan(value) else f"{value:g}"
    says = f"{name}[{row}, {column}] is {number}: {name} must hold counts, whole numbers from 0 to "
    says += f"{np.iinfo(np.int32).max}; "
    if not np.isfinite(value):
        return says + "replace it, or leave the document out"
    if value < 0:
        says = f"Negative values in data passed to {type(model).__name__}: {says}"
    return says + "for weights such as TF-IDF use NMF"


def split_tokens(X: Any, seed: int) -> tuple[Any, Any]:
    """Split the tokens of every document into two random halves.

    Returns
    -------
    observed, rest : csr_array of int32
        Counts of the tokens in each half.
    """
    rng = np.random.default_rng(seed)
    halves = []
    taken = rng.binomial(X.data, 0.5).astype(X.data.dtype)
    for counts in (taken, X.data - taken):
        half = sp.csr_array((counts, X.indices.copy(), X.indptr.copy()), shape=X.shape)
        half.eliminate_zeros()
        halves.append(half)
    return halves[0], halves[1]


def demand_few(X: Any, base: np.ndarray | None) -> int:
    """Return the number of tokens of X; refuse more than counts of 32 bits can hold."""
    tokens = int(X.sum(dtype=np.int64))
    if tokens >= 2**31:
        raise ValueError(f"X holds {tokens} tokens: there must be fewer than 2^31")
    before = 0 if base is None else int(base.sum(dtype=np.int64))
    if before + tokens >= 2**31:
        raise ValueError(
            f"X holds {tokens} tokens, and {before} were fitted before: together there must be "
            "fewer than 2^31; give fewer documents, or start again with fit()"
        )
    return tokens


def counted(X: Any, assignments: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Count the topics of tokens, given in the order of X; return an array words × topics."""
    words, topics = shape
    columns = np.repeat(X.indices, X.data).astype(np.int64)
    counts = np.bincount(columns * topics + assignments, minlength=words * topics)
    return counts.reshape(shape).astype(np.int32)
