"""Detects that an iteration makes no more progress, and saves what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any, ClassVar

import numpy as np

from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.rounding import Certificate

#: The objective has fallen if it is lower by more than this share of its size at the start.
FALL = 1e-15
#: The gap has fallen if it is below this share of the smallest gap so far. Near the optimum the gap
#: may still fall when the objective no longer does: the gap is first-order in the error of the
#: weights, the objective second-order.
SHARE = 0.9


class Progress:
    """Counts checks in a row at which neither objective nor gap has fallen.

    Parameters
    ----------
    patience : int
        Number of such checks in a row after which the iteration is stuck.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.looks = 0
        self.objective = self.gap = np.inf

    def stuck(self, objective: float, gap: float, size: float) -> bool:
        """Record objective and gap; return whether the iteration is stuck.

        `size` is the size of the objective at the start.
        """
        falls = objective < self.objective - FALL * size
        nears = gap < SHARE * self.gap
        if falls:
            self.objective = objective
        if nears:
            self.gap = gap
        self.looks = 0 if falls or nears else self.looks + 1
        return self.looks >= self.patience


class Remembering:
    """Base of programs that save attributes, the last gap and its bound, and the progress.

    Attributes
    ----------
    remembered : tuple of str
        Attributes that steps of a run change.
    """

    remembered: ClassVar[tuple[str, ...]]

    gap: Gap | None
    proven: Certificate
    progressing: Progress

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields and the policy's state."""
        gap = None if self.gap is None else list(astuple(self.gap))
        own = {name: getattr(self, name) for name in self.remembered}
        proven = [self.proven.gap, self.proven.rounding]
        return {**own, "gap": gap, "proven": proven, "progressing": vars(self.progressing)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        for name in self.remembered:
            setattr(self, name, state[name])
        self.gap = None if state["gap"] is None else Gap(*state["gap"])
        self.proven = Certificate(*state["proven"])
        vars(self.progressing).update(state["progressing"])
