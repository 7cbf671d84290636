"""Base of the factorisation programs: factors, held-out ratings, and stopping rules.

There are two factors, ``W`` of users and ``H`` of items; their rows are padded with zeros to whole
vectors (:mod:`strads.kernels.lanes`). In every solver, the row of a user or of an item is written
only by the worker that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from strads.algorithms.common.retyped import retyped
from strads.engine import Program, Variable, data, variable
from strads.kernels.lanes import padded


class Entries(NamedTuple):
    """Some entries of a users × items matrix."""

    user: np.ndarray
    item: np.ndarray
    value: np.ndarray

    @staticmethod
    def of(matrix: Any) -> Entries:
        """Return the stored entries of a sparse matrix, including stored zeros."""
        entries = matrix.tocoo()
        return Entries(entries.row, entries.col, entries.data)


#: Takes W and H, and returns the quality of the rankings that follow from them; larger is better.
Ranking = Callable[[np.ndarray, np.ndarray], float]

NONE = Entries(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))


class Factorization(Program):
    """Base of the factorisation programs.

    Parameters
    ----------
    components : int
        Number of columns of W and H before padding.
    held : Entries, optional
        Held-out ratings, whose error is computed after every epoch (``validation_rmse``).
    tol : float
        Stop once the figure named by `watched` changes by less than this share of itself.
    patience : int or None
        Stop after so many epochs without a smaller ``validation_rmse`` or, with `ranking`, a larger
        ``validation_ndcg``; the program then returns to the best factors. None: no early stopping.
    ranking : callable, optional
        ``ranking(W, H)`` is computed after every epoch (``validation_ndcg``).
    W, H : ndarray of shape (n, padded components), optional
        Start values.
    """

    W = variable("users", "rank", dtype=np.float32)
    H = variable("items", "rank", dtype=np.float32)
    held_user = data("held", dtype=np.int32)
    held_item = data("held", dtype=np.int32)
    held_value = data("held", dtype=np.float32)

    watched = "train_rmse"

    def __init__(
        self, *, components: int, held: Entries = NONE, tol: float = 0.0,
        patience: int | None = None, ranking: Ranking | None = None, **given: Any,
    ) -> None:  # fmt: skip
        given = {name: value for name, value in given.items() if value is not None}
        super().__init__(rank=padded(components), held=len(held.value), **given)
        self.components, self.tol, self.patience = components, tol, patience
        self.held_out, self.ranking = held, ranking
        self.best: dict[str, np.ndarray] = {}
        self.best_error, self.best_epoch = np.inf, 0

    def setup(self, rng: np.random.Generator) -> None:
        """Store the held-out ratings with laid-out ids."""
        if len(self.held_out.value):
            self.held_user[:] = self.place("users")[self.held_out.user]
            self.held_item[:] = self.place("items")[self.held_out.item]
            self.held_value[:] = self.held_out.value

    def recover(self) -> Sequence[str]:
        """Begin the epoch again from the factors as they are: all else follows from them."""
        return ()

    def place(self, axis: str) -> np.ndarray:
        """Return the laid-out id of every given id of an axis."""
        order = self.partitions[axis].order
        place = np.arange(self.size[axis], dtype=np.int32)
        if order is not None:
            place[order] = np.arange(self.size[axis], dtype=np.int32)
        return place

    def start_factor(self, name: str, rng: np.random.Generator, spread: float) -> None:
        """Fill a factor, unless it was given, uniformly at random in ±spread/2/√components."""
        if name not in self.given:
            factor = self.state[name]
            shape = (factor.shape[0], self.components)
            scale = factor.dtype.type(spread / np.sqrt(self.components))
            factor[:, : self.components] = (rng.random(shape, dtype=np.float32) - 0.5) * scale

    def epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Stop if the watched figure hardly changes, or by early stopping."""
        if self.patience is not None and self._rising(history):
            return self.stop("early stopping")
        if len(history) > 1:
            before, now = (figures[self.watched] for figures in history[-2:])
            if not np.isfinite(now):  # NaN fails every comparison below, so the run would go on
                return self.stop("not finite")
            if abs(before - now) <= self.tol * abs(now) and self.tol > 0.0:
                self.stop("converged")
        return None

    def _rising(self, history: Sequence[Mapping[str, float]]) -> bool:
        assert self.patience is not None
        last = history[-1]
        error = last["validation_rmse"] if self.ranking is None else -last["validation_ndcg"]
        if error < self.best_error:
            self.best_error, self.best_epoch = error, len(history)
            self.best = {name: self.state[name].copy() for name in self.model()}
        return len(history) - self.best_epoch >= self.patience

    def stop(self, reason: str = "converged") -> None:
        """End the run; under early stopping, with the best factors."""
        self.take_best()
        super().stop(reason)

    def take_best(self) -> None:
        """Return to the factors that were best on the held-out ratings, if there are any."""
        for name, value in self.best.items():
            self.state[name][...] = value

    def model(self) -> list[str]:
        """Return the names of the variables."""
        return [name for name, field in self.fields().items() if isinstance(field, Variable)]

    def save_state(self) -> dict[str, Any]:
        """Return the state of early stopping."""
        return {"best": self.best, "error": self.best_error, "epoch": self.best_epoch}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.best, self.best_error = state["best"], state["error"]
        self.best_epoch = state["epoch"]


def in_type(program: type[Factorization], dtype: Any) -> type[Any]:
    """Return the program with fields of float64 if `dtype` is float64, else the program itself."""
    return in_double(program) if np.dtype(dtype) == np.float64 else program  # type: ignore[arg-type]


@cache
def in_double(program: type[Factorization]) -> type[Factorization]:
    """Return the program with float64 instead of float32 in all of its fields."""
    single = np.dtype(np.float32)
    types = {n: np.float64 for n, field in program.fields().items() if field.dtype == single}
    return retyped(program, "Double", types)
