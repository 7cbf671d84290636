"""Check whether an id conflicts with any of several others, for the priority schedule.

The coupling between ids is given by one of the named tuples below, whose type decides which check
is compiled. For columns and Gram matrices, two ids conflict if the absolute value of their
correlation is at least ``rho``, which lies in [0, 1].
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.extending import overload

from strads.kernels.linear.matrices import column_dot, column_norm2

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)


class Independent(NamedTuple):
    """No coupling: all ids may move at the same time."""

    nothing: np.ndarray


class Columns(NamedTuple):
    """Columns of a data matrix, with a direct-mapped cache of their correlations."""

    A: Any
    norms: np.ndarray
    signatures: np.ndarray  # bit b: some entry is in a row i with i mod 64 = b
    pairs: np.ndarray  # shape (cache, 2): the pair of columns that each cache entry is for
    values: np.ndarray  # shape (cache,): absolute correlations
    counts: np.ndarray  # shape (1,): inner products computed so far


class Gram(NamedTuple):
    """A Gram matrix and its diagonal, which the program computes."""

    G: np.ndarray
    diagonal: np.ndarray


class Graph(NamedTuple):
    """A symmetric graph of conflicts: the neighbours of every id, in compressed rows."""

    indices: np.ndarray
    indptr: np.ndarray


@kernel
def prepare_columns(A: Any, norms: np.ndarray, signatures: np.ndarray) -> None:
    """Compute the Euclidean norms and the row signatures of all columns of a sparse matrix.

    Parameters
    ----------
    A : CSC
    norms : ndarray of float64, shape (columns,)
        Written in place.
    signatures : ndarray of uint64, shape (columns,)
        Written in place. Columns whose signatures have no common bit share no row.
    """
    for j in range(len(norms)):
        norms[j] = np.sqrt(column_norm2(A, j))
        signature = np.uint64(0)
        for k in range(A.indptr[j], A.indptr[j + 1]):
            signature |= np.uint64(1) << np.uint64(A.indices[k] % 64)
        signatures[j] = signature


@kernel
def prepare_dense(A: Any, norms: np.ndarray, signatures: np.ndarray) -> None:
    """Compute the norms of all columns of a dense matrix, and equal signatures for all.

    Equal signatures say that all columns share rows. The arguments are those of
    :func:`prepare_columns`.
    """
    for j in range(len(norms)):
        norms[j] = np.sqrt(column_norm2(A, j))
        signatures[j] = np.uint64(1)


@inlined
def _any_column(c: Any, j: int, others: np.ndarray, rho: float) -> bool:
    for k in others:
        if k == j or c.signatures[j] & c.signatures[k] == np.uint64(0):
            continue
        if c.norms[j] == 0.0 or c.norms[k] == 0.0:
            continue
        low, high = min(j, k), max(j, k)
        slot = (low * 1000003 + high * 7919) % len(c.values)
        if c.pairs[slot, 0] != low or c.pairs[slot, 1] != high:
            c.values[slot] = abs(column_dot(c.A, low, high)) / (c.norms[low] * c.norms[high])
            c.pairs[slot, 0] = low
            c.pairs[slot, 1] = high
            c.counts[0] += 1
        if c.values[slot] >= rho:
            return True
    return False


@inlined
def _any_gram(c: Any, j: int, others: np.ndarray, rho: float) -> bool:
    limit = rho * rho * c.diagonal[j]
    row = c.G[j]
    for k in others:
        value = np.float64(row[k])
        if k != j and value != 0.0 and value * value >= limit * c.diagonal[k]:
            return True
    return False


@inlined
def _any_neighbour(c: Any, j: int, others: np.ndarray, rho: float) -> bool:
    for k in others:
        for at in range(c.indptr[j], c.indptr[j + 1]):
            if c.indices[at] == k and k != j:
                return True
    return False


@inlined
def _never(c: Any, j: int, others: np.ndarray, rho: float) -> bool:
    return False


@inlined
def _any_indexed(c: Any, j: int, others: np.ndarray, rho: float) -> bool:
    return _any_column(c.columns, j, others, rho)


_CHECKS = {
    "Columns": _any_column, "Gram": _any_gram, "Graph": _any_neighbour, "Independent": _never,
    "Indexed": _any_indexed,
}  # fmt: skip


def conflicts(c: Any, j: int, others: np.ndarray, rho: float) -> bool:
    """Whether id `j` conflicts with any of `others` except itself."""
    return _CHECKS[type(c).__name__](c, j, others, rho)


@overload(conflicts, jit_options={"forceinline": True})
def _conflicts(c, j, others, rho):  # type: ignore[no-untyped-def]
    if not isinstance(c, types.NamedTuple | types.NamedUniTuple):
        return None
    name = c.instance_class.__name__
    if name == "Columns":
        return lambda c, j, others, rho: _any_column(c, j, others, rho)
    if name == "Gram":
        return lambda c, j, others, rho: _any_gram(c, j, others, rho)
    if name == "Graph":
        return lambda c, j, others, rho: _any_neighbour(c, j, others, rho)
    if name == "Indexed":
        return lambda c, j, others, rho: _any_indexed(c, j, others, rho)
    return lambda c, j, others, rho: _never(c, j, others, rho)
