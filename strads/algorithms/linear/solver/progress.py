"""Detects that an iteration makes no more progress, because of rounding errors."""

from __future__ import annotations

import numpy as np

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
