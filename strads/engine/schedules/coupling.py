"""What makes two ids dependent, as the priority schedule is told it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.kernels import coupling as kernels
from strads.kernels.matrices import CSR

CACHE = 1 << 16  # direct-mapped entries of computed correlations


@dataclass(frozen=True)
class Correlation:
    """Absolute correlation |x_jᵀx_k| / (‖x_j‖‖x_k‖) of the columns of a data field.

    Columns whose 64-bit row signatures do not meet share no row: no product is computed. Others
    are computed when first met and kept in a direct-mapped cache.

    Parameters
    ----------
    matrix : str
        Field with layout "csc" over (rows, axis).
    """

    matrix: str

    def bind(self, arrays: Mapping[str, Any], size: int, rho: float) -> kernels.Columns:
        """Return what the compiled check needs; norms and signatures are filled at the start."""
        A = arrays.get(self.matrix)
        if A is None:
            raise ProgramError(f"Correlation({self.matrix!r}) names no field of the program")
        return kernels.Columns(
            A, np.zeros(size), np.zeros(size, np.uint64), np.full((CACHE, 2), -1, np.int64),
            np.zeros(CACHE), np.zeros(1, np.int64),
        )  # fmt: skip


@dataclass(frozen=True)
class Gram:
    """|G_jk| / √(G_jj G_kk) of a Gram matrix that the program keeps.

    Parameters
    ----------
    matrix : str
        Field over (axis, axis), symmetric.
    diagonal : str
        Field over (axis,) with its diagonal, so that a check stays in one row.
    """

    matrix: str
    diagonal: str

    def bind(self, arrays: Mapping[str, Any], size: int, rho: float) -> kernels.Gram:
        """Return what the compiled check needs."""
        G = arrays.get(self.matrix)
        if not isinstance(G, np.ndarray) or G.ndim != 2:
            raise ProgramError(f"Gram({self.matrix!r}) must name a two-dimensional field")
        diagonal = arrays.get(self.diagonal)
        if not isinstance(diagonal, np.ndarray) or diagonal.ndim != 1:
            raise ProgramError(f"Gram: diagonal={self.diagonal!r} must name a field over the axis")
        return kernels.Gram(G, diagonal)


@dataclass(frozen=True)
class Graph:
    """A declared, symmetric conflict graph: neighbours never move together.

    Parameters
    ----------
    graph : str
        Sparse field with layout "csr" over (axis, axis).
    """

    graph: str

    def bind(self, arrays: Mapping[str, Any], size: int, rho: float) -> kernels.Graph:
        """Return what the compiled check needs."""
        graph = arrays.get(self.graph)
        if not isinstance(graph, CSR):
            raise ProgramError(f"Graph({self.graph!r}) must name sparse data with layout 'csr'")
        return kernels.Graph(graph.indices, graph.indptr)


@dataclass(frozen=True)
class Coupled:
    """A user's function: one id against all; it is asked once an id, and its answers are kept.

    Parameters
    ----------
    function : callable
        ``function(j, others, arrays)`` returns one coupling in [0, 1] for each of `others`.
    rho : float, optional
        Couplings of at least this much are conflicts; by default the schedule's.
    """

    function: Callable[[int, np.ndarray, Mapping[str, Any]], np.ndarray]
    rho: float | None = None

    def bind(self, arrays: Mapping[str, Any], size: int, rho: float) -> kernels.Graph:
        """Ask for every id and return the graph of the conflicts found."""
        everyone = np.arange(size)
        rho = rho if self.rho is None else self.rho
        rows = [
            np.flatnonzero(
                (np.abs(np.asarray(self.function(j, everyone, arrays))) >= rho) & (everyone != j)
            )
            for j in range(size)
        ]
        indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        indices = np.concatenate([np.empty(0, np.int64), *rows]).astype(np.int64)
        return kernels.Graph(indices, indptr)


def independent() -> kernels.Independent:
    """Return the coupling of ids that may all move together."""
    return kernels.Independent(np.zeros(1))
