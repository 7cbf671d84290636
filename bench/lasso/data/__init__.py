"""Data sets of the Lasso: a folder with `X` or `counts`, and `y`, or else a module beside this.

Dense columns are standardised, sparse ones are left as they are.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from bench.harness.files import load, there


class Dataset(NamedTuple):
    """A regression problem: X is CSC or Fortran-ordered, float64."""

    X: Any
    y: np.ndarray


def read(folder: Path) -> Dataset:
    """Read the set of a folder."""
    y = np.load(there(folder / "y.npy")).astype(np.float64)
    if (folder / "X.npy").exists():
        return Dataset(standardised(np.load(folder / "X.npy")), y)
    name = "X.npz" if (folder / "X.npz").exists() else "counts.npz"
    with np.load(there(folder / name)) as stored:
        if "X" in stored.files:
            return Dataset(standardised(stored["X"]), y)
    X = sp.csc_matrix(sp.load_npz(folder / name), dtype=np.float64)
    X.sort_indices()
    return Dataset(X, y)


def standardised(X: np.ndarray) -> np.ndarray:
    """Columns of mean zero and deviation one."""
    X = np.array(X, dtype=np.float64, order="F")
    X -= X.mean(axis=0)
    deviation = X.std(axis=0)
    X /= np.where(deviation > 0.0, deviation, 1.0)
    return X


def dataset(name: str) -> Dataset:
    """A data set by name."""
    return load(__name__, name)


@lru_cache(maxsize=1)
def unit_dataset(name: str) -> Dataset:
    """A data set by name, its columns of norm √n; dense columns are standardised anyway."""
    X, y = dataset(name)
    if sp.issparse(X):
        norms = np.sqrt(np.asarray(X.multiply(X).sum(axis=0)).ravel() / X.shape[0])
        X = X.copy()
        X.data /= np.repeat(np.where(norms > 0.0, norms, 1.0), np.diff(X.indptr))
    return Dataset(X, y)
