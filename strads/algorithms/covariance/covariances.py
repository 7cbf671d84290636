"""Covariances of variables: whole, or computed block by block from the data."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

#: With more variables than this, no matrix of all covariances is made.
WHOLE = 8192
#: Number of columns of such a matrix that are computed at a time.
WIDTH = 1024


class Covariances(ABC):
    """Covariances of p variables.

    Attributes
    ----------
    diagonal : ndarray of shape (p,)
        Variances.
    """

    diagonal: np.ndarray

    @abstractmethod
    def columns(self, lo: int, hi: int) -> np.ndarray:
        """Return the covariances of all variables with those from `lo` to `hi` − 1."""

    @abstractmethod
    def block(self, members: np.ndarray) -> np.ndarray:
        """Return the covariances of some variables with each other."""

    def components(self, alpha: float) -> list[np.ndarray]:
        """Return the variables of each component, ascending; the largest component first.

        Two variables whose covariance is larger than `alpha` in size are in the same component. The
        solution of the graphical Lasso is zero between components (Witten, Friedman and Simon,
        JCGS 2011; Mazumder and Hastie, JMLR 2012).
        """
        p = len(self.diagonal)
        labels = np.arange(p)
        for lo in range(0, p, WIDTH):
            hi = min(lo + WIDTH, p)
            rows, columns = np.nonzero(np.abs(self.columns(lo, hi)) > alpha)
            labels = joined(labels, labels[rows], labels[lo + columns])
        order = np.argsort(labels, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
        return sorted(groups, key=lambda members: (-len(members), members[0]))

    def largest(self) -> float:
        """Return the largest size of a covariance of two variables."""
        p, found = len(self.diagonal), 0.0
        for lo in range(0, p, WIDTH):
            hi = min(lo + WIDTH, p)
            sizes = np.abs(self.columns(lo, hi))
            sizes[np.arange(lo, hi), np.arange(hi - lo)] = 0.0
            found = max(found, float(sizes.max(initial=0.0)))
        return found


class GivenCovariances(Covariances):
    """A symmetric matrix of covariances."""

    def __init__(self, S: np.ndarray) -> None:
        self.S = S
        self.diagonal = np.diagonal(S).copy()

    def columns(self, lo: int, hi: int) -> np.ndarray:
        """Return columns of the matrix."""
        return self.S[:, lo:hi]

    def block(self, members: np.ndarray) -> np.ndarray:
        """Return rows and columns of the matrix."""
        return self.S[np.ix_(members, members)]


class CovariancesOfData(Covariances):
    """Covariances X'X / n of centred data, computed when they are asked for."""

    def __init__(self, centred: np.ndarray) -> None:
        self.X = centred
        self.diagonal = np.einsum("ij,ij->j", centred, centred) / len(centred)

    def columns(self, lo: int, hi: int) -> np.ndarray:
        """Compute columns of the matrix."""
        return np.asarray(self.X.T @ self.X[:, lo:hi]) / len(self.X)

    def block(self, members: np.ndarray) -> np.ndarray:
        """Compute the covariances of some variables."""
        X = self.X[:, members]
        return np.asarray(X.T @ X) / len(X)


def covariances_of(X: np.ndarray, location: np.ndarray) -> Covariances:
    """Return the covariances of data, whose means are given; whole if they are not too many."""
    made = CovariancesOfData(X - location)
    if X.shape[1] > WHOLE:
        return made
    return GivenCovariances(made.columns(0, X.shape[1]))


def joined(labels: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return labels in which pairs of labels have become one."""
    p = len(labels)
    graph = sp.coo_array((np.ones(len(one), np.int8), (one, other)), shape=(p, p))
    _, merged = connected_components(graph, directed=False)
    found: np.ndarray = merged[labels]
    return found
