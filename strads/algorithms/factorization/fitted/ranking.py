"""Rankings: the best columns of every row, and the quality of a ranking (NDCG)."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp

#: Largest number of scores in memory; rows are processed in batches of at least one row.
BATCH = 1 << 22
#: Approximate number of columns in a group; groups are represented by their maxima in `_bound`.
GROUP = 64


def top_n(scores: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the largest scores of every row; among equal scores the lower column comes first.

    Parameters
    ----------
    scores : array-like of shape (n_rows, n_columns) or (n_columns,)
        Without NaN; ``-inf`` is the worst score.
    n : int
        At least 1. If it exceeds the number of columns, all columns are returned.

    Returns
    -------
    columns : ndarray of shape (n_rows, min(n, n_columns)), or one row of it
        Column numbers, best first.
    values : ndarray of the same shape
        Their scores.

    Raises
    ------
    ValueError
        If a score is NaN, or `n` is less than 1.
    """
    _demand_positive(n)
    scores = np.asarray(scores)
    if scores.dtype.kind != "f":
        scores = scores.astype(np.float64)
    if scores.ndim == 1:
        columns, values = top_n(scores[None, :], n)
        return columns[0], values[0]
    n = min(n, scores.shape[1])
    if n == 0:
        return np.empty((len(scores), 0), dtype=np.intp), scores[:, :0]
    row, column = _candidates(scores, n)
    values = scores[row, column]
    order = np.lexsort((-values, row))  # stable: equal scores stay in the order of their columns
    first = np.searchsorted(row, np.arange(len(scores)))
    chosen = order[first[:, None] + np.arange(n)]
    return column[chosen], values[chosen]


def _candidates(scores: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted rows and columns of the n largest scores of every row and of few others."""
    bound = _bound(scores, n)
    flat = np.flatnonzero(scores >= bound[:, None])  # many times faster than nonzero in 2-D
    row, column = np.divmod(flat, scores.shape[1])
    # Many scores may equal the bound, as in a row of zeros; the first n of them are enough.
    tied = scores[row, column] == bound[row]
    ties = np.bincount(row[tied], minlength=len(scores))
    place = np.cumsum(tied) - (np.cumsum(ties) - ties)[row]  # rank among the row's ties, from 1
    kept = ~tied | (place <= n)
    return row[kept], column[kept]


def _bound(scores: np.ndarray, n: int) -> np.ndarray:
    """Return a close lower bound on the n-th largest score of every row.

    The bound is the n-th largest of the maxima of groups of columns: at least n scores are not
    below it. This takes one pass of maxima, several times faster than a partition of the row.
    """
    groups = max(n, scores.shape[1] // GROUP)
    size = scores.shape[1] // groups
    maxima = scores[:, : size * groups].reshape(len(scores), size, groups).max(axis=1)
    if np.isnan(maxima).any() or np.isnan(scores[:, size * groups :]).any():
        raise ValueError("scores hold NaN; a ranking needs numbers (-inf for the worst)")
    return np.partition(maxima, groups - n, axis=1)[:, groups - n]


def best_products(
    left: np.ndarray,
    right: np.ndarray,
    n: int,
    *,
    row_offsets: np.ndarray | None = None,
    column_offsets: np.ndarray | None = None,
    excluded: Callable[[slice], Any] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the n largest scores ``left @ right.T`` of every row, in batches of bounded memory.

    Parameters
    ----------
    left : ndarray of shape (n_rows, n_components)
    right : ndarray of shape (n_columns, n_components)
    n : int
        At least 1.
    row_offsets, column_offsets : ndarray of shape (n_rows,) and (n_columns,), optional
        Terms that are added to the scores.
    excluded : callable, optional
        Takes a slice of rows and returns a csr_array of shape (rows of the slice, n_columns);
        wherever it stores an entry, the pair is left out.

    Returns
    -------
    columns : ndarray of shape (n_rows, n)
        As returned by :func:`top_n`; -1 where a row has fewer candidates.
    values : ndarray of the same shape
        Their scores; ``-inf`` where a row has fewer candidates.
    """
    _demand_positive(n)
    columns = np.full((len(left), n), -1, dtype=np.intp)
    values = np.full((len(left), n), -np.inf, dtype=np.result_type(left, right))
    batch, used = max(1, BATCH // max(1, len(right))), min(n, len(right))
    for start in range(0, len(left), batch):
        part = slice(start, min(start + batch, len(left)))
        scores = left[part] @ right.T
        if column_offsets is not None:
            scores += column_offsets
        if row_offsets is not None:
            scores += row_offsets[part, None]
        if excluded is not None:
            scores[entries(excluded(part))] = -np.inf
        columns[part, :used], values[part, :used] = top_n(scores, n)
    columns[values == -np.inf] = -1
    return columns, values


def most_similar(factors: np.ndarray, rows: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Find, for each of some rows of factors, the n other rows with the largest cosine.

    Parameters
    ----------
    factors : ndarray of shape (n_rows, n_components)
    rows : int or ndarray of int of shape (n_asked,)
    n : int
        At least 1.

    Returns
    -------
    others : ndarray of shape (n_asked, n), or (n,) for one row
        As returned by :func:`best_products`, without the row itself.
    cosines : ndarray of the same shape
        0 if either row is all zeros.
    """
    norms = np.linalg.norm(factors, axis=1)
    unit = factors / np.where(norms > 0, norms, 1)[:, None]
    asked = np.atleast_1d(rows)

    def itself(part: slice) -> Any:
        own = asked[part]
        content = (np.ones(len(own)), own, np.arange(len(own) + 1))
        return sp.csr_array(content, shape=(len(own), len(unit)))

    others, cosines = best_products(unit[asked], unit, n, excluded=itself)
    shape = (*np.shape(rows), n)
    return others.reshape(shape), cosines.reshape(shape)


def ndcg_at(n: int, recommended: Any, relevant: Any) -> float:
    r"""Compute the normalised discounted cumulative gain at n, with binary relevance.

    The mean, over rows u with at least one relevant item, of

    .. math:: \sum_{p=1}^{n} \frac{[i_{up} \in R_u]}{\log_2(p + 1)} /
              \sum_{p=1}^{\min(n, |R_u|)} \frac{1}{\log_2(p + 1)}

    where :math:`i_{up}` is the item at place p and :math:`R_u` are the relevant items. A row counts
    1 if relevant items fill its first places, and 0 if none of them is recommended.

    Parameters
    ----------
    n : int
        Number of places that count, at least 1.
    recommended : array-like of int of shape (n_rows, n_places)
        Distinct items, best first; -1 for an empty place.
    relevant : sparse matrix of shape (n_rows, n_items)
        Items with a stored entry above 0 are relevant.

    Returns
    -------
    float
        The mean, from 0 to 1.

    Raises
    ------
    ValueError
        If shapes or items do not fit, or no row has a relevant item.

    References
    ----------
    Järvelin, Kekäläinen. Cumulated gain-based evaluation of IR techniques. ACM Transactions on
    Information Systems 20(4), 2002. (Here the discount begins at the second place, as is usual
    now.)
    """
    _demand_positive(n)
    relevant = positive(relevant)
    n_rows, n_items = relevant.shape
    recommended = np.asarray(recommended)
    if recommended.ndim != 2 or len(recommended) != n_rows:
        raise ValueError(f"recommended is of shape {recommended.shape}, relevant has {n_rows} rows")
    if recommended.size and recommended.max() >= n_items:
        raise ValueError(f"recommended holds {recommended.max()}, relevant has {n_items} columns")
    counts = np.diff(relevant.indptr)
    if not counts.any():
        raise ValueError("relevant holds no entry above 0: there is no relevant item")
    recommended = recommended[:, :n]
    discounts = 1.0 / np.log2(np.arange(2, n + 2))
    row, column = entries(relevant)
    places = np.arange(n_rows, dtype=np.int64)[:, None] * n_items + recommended
    hits = (recommended >= 0) & np.isin(places, row * np.int64(n_items) + column)
    gains = hits @ discounts[: recommended.shape[1]]
    judged = counts > 0
    ideal = np.cumsum(discounts)[np.minimum(counts[judged], n) - 1]
    return float(np.mean(gains[judged] / ideal))


def positive(X: Any) -> sp.csr_array:
    """Return the pattern of the stored entries above 0, as a matrix of booleans."""
    X = sp.csr_array(X)
    pattern = sp.csr_array((X.data > 0, X.indices, X.indptr), shape=X.shape, copy=True)
    pattern.eliminate_zeros()
    return pattern


def entries(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and the columns of the stored entries of a csr_array."""
    return np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), X.indices


def _demand_positive(n: int) -> None:
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n={n!r} must be a whole number of at least 1")
