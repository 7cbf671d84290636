"""A Lasso problem of the ablation: one data set at one penalty, with what arms and theory need."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from bench.lasso.data import dataset

#: Up to so many features the Gram matrix is computed, in which the dependency check looks couplings
#: up. Single precision suffices: couplings are compared with a ρ of two digits.
GRAM_MOST = 13_000


@dataclass(frozen=True)
class Design:
    """A data set ready for the Lasso without intercept: y is centred."""

    name: str
    X: Any
    y: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and features."""
        n, features = self.X.shape
        return int(n), int(features)

    @cached_property
    def alpha_max(self) -> float:
        """Smallest penalty whose solution is zero."""
        return float(np.abs(self.X.T @ self.y).max()) / self.shape[0]

    @cached_property
    def objective_at_zero(self) -> float:
        """P(0), where every run starts."""
        return float(self.y @ self.y) / (2 * self.shape[0])

    @cached_property
    def norms(self) -> np.ndarray:
        """Euclidean norms of the columns."""
        squares = self.X.multiply(self.X) if sp.issparse(self.X) else self.X * self.X
        return np.sqrt(np.asarray(squares.sum(axis=0)).ravel())

    @cached_property
    def gram(self) -> np.ndarray | None:
        """XᵀX in single precision, or None where it is too large."""
        if self.shape[1] > GRAM_MOST:
            return None
        if sp.issparse(self.X):
            return np.ascontiguousarray((self.X.T @ self.X).toarray(), dtype=np.float32)
        X = np.asarray(self.X, dtype=np.float32)
        return np.ascontiguousarray(X.T @ X)

    @property
    def used(self) -> int:
        """Features with a column that is not zero."""
        return int(np.count_nonzero(self.norms))

    @cached_property
    def radius(self) -> float:
        """Largest eigenvalue of the Gram matrix of unit columns: 1 if orthogonal, d if equal."""
        inverse = 1.0 / np.where(self.norms > 0.0, self.norms, 1.0)
        return _largest_singular(self.X @ sp.diags(inverse)) ** 2

    @cached_property
    def lipschitz(self) -> float:
        """Largest eigenvalue of XᵀX / n: what a gradient step must be scaled by."""
        return _largest_singular(self.X) ** 2 / self.shape[0]


def _largest_singular(X: Any) -> float:
    start = np.ones(min(X.shape)) / np.sqrt(min(X.shape))
    return float(svds(X, k=1, v0=start, return_singular_vectors=False, tol=1e-6)[0])


@lru_cache(maxsize=1)  # a Gram matrix has hundreds of megabytes
def design(name: str) -> Design:
    """Load a data set; the last one is remembered."""
    X, y = dataset(name)
    return Design(name, X, y - y.mean())


def most_lost(together: float, features: int, radius: float) -> float:
    r"""Share of the promised progress that is lost at most: Shotgun's bound (Bradley et al. 2011).

    Of d unit columns with Gram matrix G, whose largest eigenvalue is σ, let C move together, drawn
    uniformly, each by what would be best alone, δ_j. One by one they promise at least ½ δ_j² each.
    What is lost is ½ Σ_{j≠k} δ_j δ_k G_jk, in expectation

        ½ C (C − 1) / (d (d − 1)) (δᵀGδ − δᵀδ)  ≤  ½ C (C − 1) / (d (d − 1)) (σ − 1) ‖δ‖²,

    so the share (C − 1)(σ − 1) / (d − 1) of the promise at most. Where that reaches 1, nothing is
    sure any more.
    """
    return (together - 1.0) * (radius - 1.0) / max(features - 1, 1)


def most_together(features: int, radius: float) -> float:
    """Ids that may move together before all of the promise may be lost."""
    return 1.0 + (features - 1) / (radius - 1.0) if radius > 1.0 else float("inf")
