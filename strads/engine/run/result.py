"""What a run gives: a step after every epoch, a result at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Step:
    """What one epoch of a program brought.

    Attributes
    ----------
    epoch : int
        Number of this step, from 1.
    figures : dict of str to float
        What the program's ``progress`` made of the workers' measures.
    seconds : float
        Since the run was prepared.
    """

    epoch: int
    figures: dict[str, float]
    seconds: float


@dataclass
class Result:
    """A finished run.

    Attributes
    ----------
    state : dict of str to ndarray
        Copies of variables and controls, and of derived arrays but those declared with
        ``returned=False``, in the user's ids.
    history : list of dict
        Figures of every step.
    status : str
        ``"converged"``, ``"epochs"`` (used up), or the reason of a stop.
    statistics : dict
        Time, blocks, deferrals, bytes; see :meth:`Run.statistics`.
    """

    state: dict[str, np.ndarray]
    history: list[dict[str, float]]
    status: str
    statistics: dict[str, Any] = field(repr=False)

    @property
    def figures(self) -> dict[str, float]:
        """Figures of the last step."""
        return self.history[-1] if self.history else {}
