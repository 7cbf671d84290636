"""What a run returns: a step after every epoch of the program, and a result at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Step:
    """What is known after one epoch of a program.

    Attributes
    ----------
    epoch : int
        Number of this step, from 1.
    figures : dict of str to float
        What the program's ``progress`` computes from the measures of all workers.
    seconds : float
        Time since the run was prepared.
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
        Copies of variables, controls and derived arrays, in the order of the user's ids. Derived
        arrays that are declared with ``returned=False`` are left out.
    history : list of dict
        Figures of every step.
    status : str
        Why the run ended: ``"converged"``, ``"epochs"`` (all are used up), or the reason that was
        given to stop it.
    statistics : dict
        Times, counts and bytes; see :func:`~strads.engine.run.statistics.statistics_of`.
    """

    state: dict[str, np.ndarray]
    history: list[dict[str, float]]
    status: str
    statistics: dict[str, Any] = field(repr=False)

    @property
    def figures(self) -> dict[str, float]:
        """Figures of the last step."""
        return self.history[-1] if self.history else {}


class Hooks(Protocol):
    """What a run calls on each of its instruments; see :class:`strads.Instrument`."""

    def before_run(self, run: Any) -> None:
        """Before the first step."""

    def after_step(self, run: Any, step: Step) -> None:
        """After each step."""

    def after_run(self, run: Any, result: Result) -> None:
        """When the run has ended."""
