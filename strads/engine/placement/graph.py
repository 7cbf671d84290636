"""Similarity of the ids of a graph: the weights of its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import reverse_cuthill_mckee

from strads.engine.errors import ProgramError
from strads.engine.placement.columns import columns_of


class Links:
    """Weights of edges.

    Parameters
    ----------
    weights : sparse array of shape (size, size)
        Symmetric, not negative, with an empty diagonal.
    """

    def __init__(self, weights: Any) -> None:
        self.weights = weights
        self.shift = np.asarray(weights.sum(axis=1)).ravel()

    def product(self, v: np.ndarray) -> np.ndarray:
        """Return the matrix times a vector."""
        return np.asarray(self.weights @ v)

    def orders(self) -> tuple[np.ndarray, ...]:
        """Return a breadth-first order: short borders on lattices, and parts that have no edge."""
        places = reverse_cuthill_mckee(sp.csr_matrix(self.weights), symmetric_mode=True)
        order = np.empty(len(places))
        order[places] = np.arange(len(places))
        return (order,)

    def chosen(self, ids: np.ndarray) -> Links:
        """Return the edges between some of the ids."""
        return Links(self.weights[ids][:, ids])


def linked(graph: Any, name: str) -> Links:
    """Return the absolute weights of a graph, those of both directions added up."""
    value = columns_of(graph, name)
    if value.shape[0] != value.shape[1]:
        raise ProgramError(
            f"{name} must have a row and a column for each id, not the shape {value.shape}"
        )
    weights = abs(sp.csr_array(value).astype(np.float64))
    weights = sp.csr_array(weights + weights.T)
    weights.setdiag(0.0)
    weights.eliminate_zeros()
    return Links(weights)
