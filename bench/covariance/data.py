"""Covariances of the comparisons: standardised columns of data sets, and generated graphs."""

from functools import lru_cache

import numpy as np
import scipy.sparse as sp

from bench.lasso.data import dataset

#: A graph by preferential attachment; the number of variables follows.
POWER_LAW = "power-law-"


@lru_cache(maxsize=1)
def columns(name: str) -> np.ndarray:
    """Standardised columns: ``golub-1000`` has the 1,000 of golub with the largest variances."""
    if name == "tiny":
        return standardised(sample(power_law(12), 60))
    if name.startswith(POWER_LAW):
        p = int(name.removeprefix(POWER_LAW))
        return standardised(sample(power_law(p), p))
    base, _, count = name.partition("-")
    X = dataset(base).X
    X = np.asarray(X.toarray() if sp.issparse(X) else X, np.float64)
    chosen = np.argsort(-X.var(axis=0), kind="stable")[: int(count or X.shape[1])]
    return standardised(X[:, np.sort(chosen)])


@lru_cache(maxsize=1)
def covariances(name: str) -> np.ndarray:
    """Correlations of the columns of a data set."""
    X = columns(name)
    return X.T @ X / len(X)


def standardised(X: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1; constant ones are left out."""
    X = X[:, X.std(axis=0) > 0.0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def power_law(p: int, seed: int = 0) -> sp.csc_array:
    """A precision whose graph is ten trees, in which new variables prefer those with neighbours."""
    rng = np.random.default_rng(seed)
    trees = np.array_split(np.arange(p), min(10, max(1, p // 6)))
    ends = []
    for tree in trees:
        drawn = [int(tree[0])]
        for j in tree[1:]:
            other = drawn[rng.integers(len(drawn))]
            ends.append((int(j), other))
            drawn += [int(j), other]
    one, other = np.array(ends).T
    weights = rng.uniform(0.2, 0.5, len(one)) * rng.choice([-1.0, 1.0], len(one))
    half = sp.coo_array((weights, (one, other)), shape=(p, p))
    theta = sp.csc_array(half + half.T)
    dominant = 1.1 * np.abs(theta).sum(axis=1) + 0.1
    return sp.csc_array(theta + sp.diags_array(dominant))


def sample(theta: sp.csc_array, n: int, seed: int = 1) -> np.ndarray:
    """Draw samples of a Gaussian with a given precision."""
    L = np.linalg.cholesky(theta.toarray())
    noise = np.random.default_rng(seed).standard_normal((theta.shape[0], n))
    return np.linalg.solve(L.T, noise).T
