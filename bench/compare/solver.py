"""What a solver of ratings is given, and what it returns.

A solver is a pair of functions. `prepare` brings the ratings into the form it takes natively and is
not timed; `fit` is what a user waits for, the import of a library in a fresh process included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

#: Threads of every peer.
THREADS = 2


class Hung(Exception):
    """A solver has stopped working without returning."""


class Setting(NamedTuple):
    """One fit."""

    rank: int
    iterations: int
    regularization: float


@dataclass(frozen=True)
class Factors:
    """Answer of a solver: x̂_ui = mean + b_u + c_i + w_uᵀh_i.

    Rows of NaN belong to users or items that the solver did not see; `unseen` is predicted there.
    """

    users: np.ndarray
    items: np.ndarray
    user_biases: np.ndarray | None = None
    item_biases: np.ndarray | None = None
    mean: float = 0.0
    unseen: float = 0.0


class Solver(NamedTuple):
    """How a solver is called."""

    library: str
    prepare: Callable[[sp.csr_matrix], Any]
    fit: Callable[[Any, Setting], Factors]


def to_triples(X: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Users, items and values of a matrix, by user."""
    triples = X.tocoo(copy=False)
    return triples.row, triples.col, triples.data
