"""Pages of blogs: counts of very different size, so columns are divided by their largest entry."""

import numpy as np

from bench.harness.files import data_folder
from bench.lasso.data import Dataset, read


def load() -> Dataset:
    """Read and scale the set."""
    X, y = read(data_folder() / "blogfeedback")
    largest = abs(X).max(axis=0).toarray().ravel()
    X.data /= np.repeat(np.where(largest > 0.0, largest, 1.0), np.diff(X.indptr))
    return Dataset(X, y)
