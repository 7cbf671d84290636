"""Withholding of some ratings of every user, to judge predictions for new users."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.factorization.fitted.ranking import entries

#: One in so many ratings of a row is withheld.
ONE_IN = 5


def withhold(X: Any) -> tuple[Any, Any]:
    """Divide the entries of every row at random, but the same way each time.

    Parameters
    ----------
    X : csr_array of shape (n_rows, n_items)
        Ratings; stored zeros are ratings.

    Returns
    -------
    known, withheld : csr_array of shape (n_rows, n_items)
        A fifth of the entries of each row, rounded down, is withheld; of 2 to 4 entries one is; an
        only entry is not.

    Raises
    ------
    ValueError
        If no row has two entries.
    """
    counts = np.diff(X.indptr)
    if counts.max(initial=0) < 2:
        raise ValueError(
            "no row of X stores two ratings: one has to be withheld, and the other ones of its row "
            "to predict it"
        )
    rows, cols = entries(X)
    order = np.lexsort((np.random.default_rng(0).random(X.nnz), rows))
    place = np.empty(X.nnz, np.int64)
    place[order] = np.arange(X.nnz) - X.indptr[rows]
    share = np.where(counts > 1, np.maximum(counts // ONE_IN, 1), 0)
    out = place < share[rows]
    known, withheld = (
        sp.csr_array((X.data[part], (rows[part], cols[part])), shape=X.shape)
        for part in (~out, out)
    )
    return known, withheld
