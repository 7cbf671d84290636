"""Solvers under comparison: what they are given, what they return, which are installed.

A solver is a pair of functions. `prepare` brings the ratings into the form it takes natively and is
not timed; `fit` is what a user waits for, the import of a library in a fresh process included.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

#: Threads of every peer.
THREADS = 2


class Hung(Exception):
    """A solver has stopped working without returning."""


@dataclass(frozen=True)
class Setting:
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


def solver(kind: str, name: str) -> Solver:
    """Solver of explicit or implicit ratings by name.

    ``strads-P`` is ours with P workers, ``strads-als-P`` ours with ``solver="als"``.
    """
    from bench.compare import explicit_peers, implicit_peers, ours

    if name.startswith("strads-"):
        _, *algorithm, workers = name.split("-")
        return ours.solver(kind, int(workers), *algorithm)
    return {"explicit": explicit_peers, "implicit": implicit_peers}[kind].SOLVERS[name]


def installed(kind: str, name: str) -> bool:
    """Whether a solver can be called here."""
    from bench.compare import ours

    if name.startswith("strads-"):
        return ours.available(kind)
    return importlib.util.find_spec(solver(kind, name).library) is not None


def present(kind: str, names: list[str]) -> list[str]:
    """Those that are installed; says which are not."""
    for name in names:
        if not installed(kind, name):
            print(f"skipped: {name} is not installed")
    return [name for name in names if installed(kind, name)]


def version(kind: str, name: str) -> str:
    """Version of a solver's library."""
    return importlib.metadata.version(solver(kind, name).library)


def to_triples(X: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Users, items and values of a matrix, by user."""
    users = np.repeat(np.arange(X.shape[0], dtype=np.int32), np.diff(X.indptr))
    return users, X.indices, X.data
