"""How the models of a fit go on after a judgement: side by side, alone, or by Newton's method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.algorithms.linear.dual.sweep import WIDE

#: Below this gap single precision no longer serves.
SINGLE = 1e-4
#: A model is left to descent if it would be solved in so many epochs over all samples, where a
#: Hessian can be factorised and where Newton's steps take conjugate gradients.
PATIENCE, MORE_PATIENCE = 40, 300
#: Judgements without progress after which rounding must be the reason.
FUTILE = 3


class Course:
    """What is known of the progress of all models, and what follows from it.

    The fields ``together``, ``alone`` and ``by_newton`` of the program say, with a 1, how each open
    model is improved next. A model that descent would not solve soon enough at the rate seen goes
    over to Newton's method for good.

    Parameters
    ----------
    shape : tuple of int
        Numbers of teams and lanes.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.gaps, self.visits = np.full(shape, np.inf), np.zeros(shape)
        self.least, self.futile = np.inf, 0

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return dict(vars(self))

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.gaps, self.visits = np.asarray(state["gaps"]), np.asarray(state["visits"])
        self.least, self.futile = state["least"], state["futile"]

    def stuck(self, state: Mapping[str, np.ndarray], gaps: np.ndarray) -> bool:
        """Return whether Newton's method alone is at work and has ceased to make progress."""
        descending = state["together"].any() or state["alone"].any()
        whole = float(gaps.sum())
        self.futile = 0 if descending or whole < 0.9 * self.least else self.futile + 1
        self.least = min(self.least, whole)
        return self.futile >= FUTILE

    def decide(
        self, state: Mapping[str, np.ndarray], gaps: np.ndarray, tol: float, *, direct: bool
    ) -> None:
        """Say how each model goes on.

        Parameters
        ----------
        state : mapping of str to ndarray
            Fields of the program.
        gaps : ndarray of shape (teams, lanes)
            Relative gaps, just judged.
        tol : float
            The gap to reach.
        direct : bool
            Whether Hessians can be factorised.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.log(self.gaps / gaps) / (state["visits"] - self.visits)
            ahead = np.log(gaps / tol) / rate if tol > 0.0 else np.full_like(gaps, np.inf)
        patience = PATIENCE if direct else MORE_PATIENCE
        slow = np.isfinite(self.gaps) & ~((ahead >= 0.0) & (ahead <= patience))
        leave_to_newton(state, slow & ((state["together"] > 0) | (state["alone"] > 0)))
        self.gaps, self.visits = gaps, state["visits"].copy()
        few = (state["busy"] * state["together"]).sum(axis=1) < WIDE * len(state["y"])
        leaving = (state["together"] > 0) & (few[:, None] | (gaps < SINGLE))
        state["alone"][leaving], state["together"][leaving] = 1, 0


def leave_to_newton(state: Mapping[str, np.ndarray], models: np.ndarray) -> None:
    """Leave some models to Newton's method."""
    state["by_newton"][models] = 1
    state["together"][models] = state["alone"][models] = 0
