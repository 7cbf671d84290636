"""Whether an iteration still comes nearer to the optimum, or rounding is in its way."""

from __future__ import annotations

import numpy as np

#: What counts as a fall of the objective, as a share of its size at the start.
FALL = 1e-15
#: What counts as a fall of the gap. It is first-order in what is wrong, the objective second-order:
#: near the optimum the gap still falls where the objective cannot any more.
SHARE = 0.9


class Progress:
    """Counts looks without progress.

    Parameters
    ----------
    patience : int
        So many of them in a row mean that rounding is in the way.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.looks = 0
        self.objective = self.gap = np.inf

    def stuck(self, objective: float, gap: float, size: float) -> bool:
        """Take note of objective and gap; `size` is the objective's at the start."""
        falls = objective < self.objective - FALL * size
        nears = gap < SHARE * self.gap
        if falls:
            self.objective = objective
        if nears:
            self.gap = gap
        self.looks = 0 if falls or nears else self.looks + 1
        return self.looks >= self.patience
