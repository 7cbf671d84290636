"""Similarity of the columns of a matrix: their squared correlations, about zero.

Of every column, divided by its norm, only the part in a space of :data:`DIRECTIONS` dimensions is
looked at, which holds most of all columns. The squared inner products of these parts are a positive
semidefinite matrix, and to multiply it by a vector takes time in proportion to the columns.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import scipy.sparse as sp

from strads.engine.compiling.compile import compile_kernel
from strads.engine.errors import ProgramError
from strads.engine.program.given_arrays import sound
from strads.kernels.placement.squares import multiply_squares
from strads.kernels.placement.subspace import orthonormalise, pass_dense, pass_sparse

#: Dimensions of the space in which columns are compared.
DIRECTIONS = 8
#: Passes over the matrix that find it.
PASSES = 5


class Columns:
    """Squared inner products of vectors.

    Parameters
    ----------
    places : ndarray of float64, shape (size, k)
        The vector of every id.
    """

    shift = 0.0

    def __init__(self, places: np.ndarray) -> None:
        self.places = places
        self._multiply = _compiled(multiply_squares, places, places[0], places, places[0]).entry

    def product(self, v: np.ndarray) -> np.ndarray:
        """Return the squared inner products times a vector."""
        k, out = self.places.shape[1], np.empty(len(v))
        self._multiply(self.places, np.ascontiguousarray(v), np.empty((k, k)), out)
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
    k = max(1, min(DIRECTIONS, rows, size))
    Q = np.random.default_rng(seed).standard_normal((rows, k))
    Y, Z = np.empty_like(Q), np.empty((size, k))
    if sp.issparse(matrix):
        indptr = matrix.indptr.astype(np.int64)
        given: tuple[Any, ...] = (matrix.data, matrix.indices, indptr)
        one_pass = _compiled(pass_sparse, *given, Q, Z, Y).entry
    else:
        given = (matrix,)
        one_pass = _compiled(pass_dense, matrix, Q, Z, Y).entry
    orthogonal = _compiled(orthonormalise, Q).entry
    for _ in range(PASSES):
        orthogonal(Q)
        one_pass(*given, Q, Z, Y)
        Q, Y = Y, Q
    return Columns(Z)


def _compiled(function: Any, *given: np.ndarray) -> Any:
    return compile_kernel(function, tuple(numba.typeof(array) for array in given))
