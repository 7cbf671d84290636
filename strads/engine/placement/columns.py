"""Similarity of the columns of a matrix: their squared correlations, about zero.

Of every column, divided by its norm, only the part in a space of sixteen dimensions is looked at,
which holds most of all columns. The squared inner products of these parts are a positive
semidefinite matrix, and to multiply it by a vector takes time in proportion to the columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.engine.compiling.argument_types import type_of
from strads.engine.compiling.compile import compile_kernel
from strads.engine.errors import ProgramError
from strads.engine.program.given_arrays import sound
from strads.kernels.lanes import LANES
from strads.kernels.linear.matrices import CSC
from strads.kernels.placement.squares import multiply_squares
from strads.kernels.placement.subspace import orthonormalise, subspace_pass

#: Passes over the matrix that find the space.
PASSES = 5


class Columns:
    """Squared inner products of vectors.

    Parameters
    ----------
    places : ndarray of float64, shape (size, LANES)
        The vector of every id.
    """

    shift = 0.0

    def __init__(self, places: np.ndarray) -> None:
        self.places = places
        line = np.empty(0)
        self._multiply = _compiled(multiply_squares, places, line, places, line).entry

    def product(self, v: np.ndarray) -> np.ndarray:
        """Return the squared inner products times a vector."""
        out = np.empty(len(v))
        self._multiply(self.places, v, np.empty((LANES, LANES)), out)
        return out

    def orders(self) -> tuple[np.ndarray, ...]:
        """Return no other orders than the leading direction."""
        return ()

    def chosen(self, ids: np.ndarray) -> Columns:
        """Return some of the vectors."""
        some = Columns.__new__(Columns)
        some.places, some._multiply = self.places[ids], self._multiply
        return some


def columns_of(matrix: Any, name: str) -> Any:
    """Return a matrix by columns, sparse or dense, after a check of what the user gives."""
    value = sound(matrix, name)
    if sp.issparse(value):
        value = sp.csc_array(value)
    else:
        value = np.asarray(value)
        if value.ndim != 2 or value.dtype.kind not in "biuf":
            raise ProgramError(
                f"{name} must be a matrix of real numbers, not of shape {value.shape} and type "
                f"{value.dtype}"
            )
        value = np.asfortranarray(value)
    if value.dtype not in (np.float32, np.float64):
        value = value.astype(np.float64)
    entries = value.data if sp.issparse(value) else value
    if not np.isfinite(entries.sum()) and not np.all(np.isfinite(entries)):
        raise ProgramError(f"{name} must be finite, but holds NaN or infinity")
    return value


def entries_of_columns(matrix: Any) -> np.ndarray:
    """Return how many entries each column stores, and one more for its update."""
    if sp.issparse(matrix):
        return np.diff(matrix.indptr).astype(np.float64) + 1.0
    return np.full(matrix.shape[1], matrix.shape[0] + 1.0)


def similar_columns(matrix: Any, seed: int) -> Columns:
    """Place the columns in the space that holds most of them."""
    rows, size = matrix.shape
    Q = np.random.default_rng(seed).standard_normal((rows, LANES))
    Y, Z, work = np.empty_like(Q), np.empty((size, LANES)), np.empty((2, 1, LANES))
    X = matrix
    if sp.issparse(matrix):
        X = CSC(matrix.data, matrix.indices, matrix.indptr)
    one_pass = _compiled(subspace_pass, X, Q, Z, Y, work).entry
    orthogonal = _compiled(orthonormalise, Q).entry
    for _ in range(PASSES):
        orthogonal(Q)
        one_pass(X, Q, Z, Y, work)
        Q, Y = Y, Q
    return Columns(Z)


def _compiled(function: Any, *given: Any) -> Any:
    return compile_kernel(function, tuple(type_of(value) for value in given))
