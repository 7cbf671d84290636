"""Tables of (user, item, rating) that are given where a matrix of users × items belongs."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets import Ratings

#: A matrix of ratings has more columns than a table of users, items, ratings and times.
WIDEST = 5
#: Names of columns of a table; items in the columns of a matrix are hardly called so.
ROLE = re.compile(r"user|customer|rating", re.IGNORECASE)
#: Times are in seconds; all since 1973 are above this.
SECONDS = 1e8


def demand_matrix(X: Any) -> None:
    """Refuse ratings in columns, which would be taken for a matrix of three items without a word.

    Parameters
    ----------
    X : object
        What a user gives to ``fit``. Sparse matrices are never refused.

    Raises
    ------
    ValueError
        If X is a file, a ``Ratings``, or looks like a table of user, item and rating.
    """
    if isinstance(X, (str, os.PathLike, Ratings)):
        kind = "a Ratings" if isinstance(X, Ratings) else "the path of a file"
        raise ValueError(f"X must be a matrix of users × items, but is {kind}: call fit_ratings(X)")
    if sp.issparse(X) or not _is_table(X):
        return
    raise ValueError(
        "X must be a matrix of users × items, but looks like a table of (user, item, rating): call "
        "fit_ratings(X). If it is a matrix after all, give it as scipy.sparse.csr_array(X)"
    )


def _is_table(X: Any) -> bool:
    shape = getattr(X, "shape", None)
    if shape is not None and (len(shape) != 2 or not 2 <= shape[1] <= WIDEST):
        return False  # so that nothing large is copied
    if any(ROLE.search(str(name)) for name in getattr(X, "columns", ())):
        return True
    try:
        values = np.asarray(X)
    except ValueError:  # rows of several lengths, which the checks of X refuse
        return False
    if values.ndim != 2 or not 2 <= values.shape[1] <= WIDEST:
        return False
    if values.dtype.kind in "OUST":
        return any(isinstance(value, str) for value in values[:1].ravel().tolist())
    return values.dtype.kind in "iuf" and values.shape[1] in (3, 4) and _has_ids(values)


def _has_ids(values: np.ndarray) -> bool:
    """Return whether the first two columns look like ids, and the others like ratings and times.

    In a matrix of three items, unknown ratings are zeros, and pairs of ratings soon repeat. In a
    table, no pair of a user and an item does, but users or items do, and nobody rates with 0.
    """
    users, items, ratings = values[:, 0], values[:, 1], values[:, 2]
    for ids in (users, items):
        if not np.all(np.isfinite(ids)) or np.any(ids < 0) or np.any(ids != np.round(ids)):
            return False
    if np.any(ratings == 0) or (values.shape[1] == 4 and np.any(values[:, 3] < SECONDS)):
        return False
    n = len(values)
    pairs = len(np.unique(values[:, :2], axis=0))
    return pairs == n and min(len(np.unique(users)), len(np.unique(items))) < n
