"""Counts of words in documents: what may be one, and how its tokens are split."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import validate_data


def token_counts(model: Any, X: Any, *, reset: bool = False) -> Any:
    """Validate documents × words.

    Parameters
    ----------
    model : estimator
        Whose number of features X must have, or gets if `reset`.
    X : {sparse matrix, array} of shape (documents, words)

    Returns
    -------
    csr_array of int32
        Canonical, without stored zeros.

    Raises
    ------
    ValueError
        If a count is negative, not whole, or too large; the first such place is named.
    """
    X = validate_data(
        model, X, accept_sparse="csr", dtype="numeric", reset=reset, ensure_min_samples=1
    )
    X = sp.csr_array(X)
    # Single precision has no 2^31 - 1, but it has 2^31.
    bad = np.flatnonzero((X.data < 0) | (X.data != np.rint(X.data)) | (X.data >= 2.0**31))
    if len(bad):
        e = int(bad[0])
        document = int(np.searchsorted(X.indptr, e, side="right")) - 1
        raise ValueError(
            f"X[{document}, {X.indices[e]}] is {X.data[e]:g}: X must hold counts, whole numbers "
            "from 0 to 2147483647; for weights such as TF-IDF use NMF"
        )
    counts = X.astype(np.int32)
    if not counts.has_canonical_format or (counts.data == 0).any():
        counts = counts.copy() if counts.data is X.data else counts
        counts.sum_duplicates()
        counts.eliminate_zeros()
    return counts


def split_tokens(X: Any, seed: int) -> tuple[Any, Any]:
    """Split the tokens of every document into two random halves.

    Returns
    -------
    observed, rest : csr_array of int32
    """
    rng = np.random.default_rng(seed)
    halves = []
    taken = rng.binomial(X.data, 0.5).astype(X.data.dtype)
    for counts in (taken, X.data - taken):
        half = sp.csr_array((counts, X.indices.copy(), X.indptr.copy()), shape=X.shape)
        half.eliminate_zeros()
        halves.append(half)
    return halves[0], halves[1]
