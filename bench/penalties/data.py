"""Data of these comparisons: generated ones, and those of the Lasso with columns of one length."""

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize

from bench.groups.problem import Design, generated
from bench.lasso.data import Dataset, dataset, standardised, unit_dataset

#: What is generated with neighbouring columns correlated, for squares and for counts.
SQUARES, COUNTS = Design(500, 5000, 0.9, 50, 1), Design(2000, 5000, 0.5, 50, 1)
#: Columns that have weights when counts are generated, and the share of rows that they are in.
ACTIVE, COMMON = 50, 0.01
#: Factors of the penalties of features.
FACTORS = (0.5, 1.0, 2.0)


@lru_cache(maxsize=2)
def measured(name: str) -> Dataset:
    """A regression problem by name whose columns have a mean square of one.

    Dense columns have a mean of zero as well. The target of a set of classes is the number of the
    class.
    """
    if name != "ar":
        return unit_dataset(name)
    X, Y = generated(SQUARES, 1)
    return Dataset(standardised(X), Y.ravel())


@lru_cache(maxsize=2)
def counted(name: str) -> Dataset:
    """The X of a set by name, and counts that follow a planted model.

    Dense columns are standardised, rows of sparse X have length one.
    """
    X = standardised(generated(COUNTS, 1).X) if name == "ar" else dataset(name).X
    if sp.issparse(X):
        X = sp.csc_matrix(normalize(sp.csr_matrix(X)))
        X.sort_indices()
    return Dataset(X, counts(X))


def counts(X: Any) -> np.ndarray:
    """Counts of which the logarithm of the mean is linear, with a mean of 0 and deviation of 1.

    Columns that are zero in nearly all rows get no weight.
    """
    rng, rows = np.random.default_rng(0), X.shape[0]
    entries = np.diff(X.indptr) if sp.issparse(X) else np.count_nonzero(X, axis=0)
    common = np.flatnonzero(entries >= COMMON * rows)
    chosen = rng.choice(common, min(ACTIVE, len(common)), replace=False)
    f = np.asarray(X[:, chosen] @ rng.standard_normal(len(chosen))).ravel()
    f = (f - f.mean()) / f.std()
    return rng.poisson(np.exp(f)).astype(np.float64)


@lru_cache(maxsize=2)
def factors(columns: int) -> np.ndarray:
    """Factors of the penalties of so many features, drawn from `FACTORS`."""
    return np.random.default_rng(1).choice(FACTORS, columns)


@lru_cache(maxsize=1)
def divided(name: str) -> Any:
    """X of a regression problem, each column divided by the factor of its penalty."""
    X = measured(name).X
    inverse = 1.0 / factors(X.shape[1])
    if not sp.issparse(X):
        return X * inverse
    X = X.copy()
    X.data *= np.repeat(inverse, np.diff(X.indptr))
    return X
