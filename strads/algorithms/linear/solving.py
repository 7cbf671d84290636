"""How runs are made: what paths and cross-validation take from the parameters of an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Solving:
    """Parameters of runs; those of estimators have the same names.

    Attributes
    ----------
    tol : float
        Relative duality gap to reach.
    max_iter : int
        Largest number of epochs for each penalty.
    n_workers : int or None
        Number of logical workers of a run; None: by the size of the data.
    random_state : int, RandomState or None
        Seed of the schedule.
    callbacks : Any
        As an engine takes instruments.
    """

    tol: float
    max_iter: int
    n_workers: int | None
    random_state: Any
    callbacks: Any

    @classmethod
    def of(cls, model: Any) -> Solving:
        """Return the parameters of an estimator."""
        return cls(
            float(model.tol), int(model.max_iter), model.n_workers, model.random_state,
            model.callbacks,
        )  # fmt: skip
